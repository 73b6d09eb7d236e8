"""What a person does about a hub that will not have this kit: for the kit's log. The nurse's page has its own words."""

from carebag_edge.keys import KitKey

_WHAT_TO_DO = {
    "kit_unknown": "it does not know this kit {kit_id}. Ask whoever runs the hub for a code and say "
    "carebag kit enrol --code CODE, or start the kit with the address of its own hub (--hub)",
    "kit_revoked": "this kit is reported lost or taken out of use. If that is wrong, tell whoever runs the hub: its id "
    "is {kit_id}",
    "bad_proof": "it knows kit {kit_id} by another key. If the key was just replaced, start the kit again; if the data "
    "folder was lost or put back, ask whoever runs the hub for a code and say carebag kit enrol --code CODE",
    "wrong_version": "it is of another version than this kit. Update the older of the two",
}


def standing(code: str | None) -> str | None:
    """The code of a refusal that stays until a person does something, else None."""
    return code if code in _WHAT_TO_DO else None


def advice(code: str | None, key: KitKey) -> str | None:
    """One sentence for the log, without anything about a patient; None where time alone may help."""
    words = _WHAT_TO_DO.get(code or "")
    return words and f"the hub refuses: {words.format(kit_id=key.kit_id)}"
