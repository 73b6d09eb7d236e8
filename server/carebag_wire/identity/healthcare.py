"""HSA-id: who or what in Swedish health care, in Inera's catalogue HSA.

`SE`, the organisation number of the catalogue's owner with ten digits (or twelve, beginning with 16, as Inera's own),
a hyphen, and at least one of A to Z, a to z, 0 to 9; at most 31 characters. The organisation number has a check digit
after Luhn (Skatteverket SKV 709); nothing checks the rest. It is kept exactly as written: whether two that differ in a
small letter are the same the catalogue must tell.
"""

import re

from carebag_wire.identity.refusal import BadIdentity, IdentityCode
from carebag_wire.identity.said import Said
from carebag_wire.identity.swedish import luhn

SHORTEST, LONGEST = 14, 31
_FORM = re.compile(r"SE(?:16)?(?P<organisation>[0-9]{10})-[A-Za-z0-9]+")


def hsa_id(text: str) -> Said:
    """Check an HSA-id; it says nothing of its bearer.

    Raises:
        BadIdentity
    """
    if len(text) > LONGEST:
        raise BadIdentity("identity_too_long")
    match = _FORM.fullmatch(text)
    if match is None:
        raise BadIdentity(_wrong_form(text))
    if luhn(match["organisation"][:9]) != int(match["organisation"][9]):
        raise BadIdentity("bad_check_digit")
    return Said()


def _wrong_form(text: str) -> IdentityCode:
    owner, hyphen, last = text[2:].partition("-")
    if len(text) < SHORTEST:
        return "identity_too_short"
    if not text.startswith("SE"):
        return "letter_not_used"
    if not hyphen:
        return "wrong_separator"
    if not re.fullmatch(r"[0-9]*", owner):
        return "not_a_digit"
    if len(owner) < 10 or not last:
        return "identity_too_short"
    known = len(owner) == 10 or (len(owner) == 12 and owner.startswith("16"))
    return "letter_not_used" if known else "identity_too_long"
