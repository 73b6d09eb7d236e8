"""Kits by code: who has the code and the key comes in, once; every other try is refused with a code of its own."""

import base64
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from carebag_server import kit_enrolment
from carebag_server.audit import Actor
from carebag_server.demo_data import TIMRA, demo_id
from carebag_server.not_possible import NotPossible
from carebag_server.people_tables import CareUnit, FormerKitKey
from carebag_server.staff import Change, add_unit
from carebag_server.tables import AuditRow, Kit, Organization
from carebag_wire.kit_enrolment import enrolment_text, read_code, replacement_text

HOME = "http://localhost:8470"
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)


def change(hub: Any, session: Any) -> Change:
    return Change(session, OPERATOR, hub.clock())


def code_for_new(hub: Any, name: str = "Väska 7", **valid: Any) -> str:
    with hub.database.transaction() as session:
        unit = session.scalars(select(CareUnit).where(CareUnit.name == "Nord")).first()
        if unit is None:
            unit = add_unit(change(hub, session), session.get_one(Organization, demo_id(TIMRA)), "Nord")
        return kit_enrolment.code_for_new(change(hub, session), unit, name, **valid)


def code_for_known(hub: Any, kit_id: uuid.UUID) -> str:
    with hub.database.transaction() as session:
        return kit_enrolment.code_for_known(change(hub, session), session.get_one(Kit, kit_id))


def revoke(hub: Any, kit_id: uuid.UUID) -> None:
    with hub.database.transaction() as session:
        kit_enrolment.revoke(change(hub, session), session.get_one(Kit, kit_id))


def asking(kit: Any, code: str, hub_name: str = HOME, **changes: Any) -> dict[str, Any]:
    key = base64.b64encode(kit.public_key).decode()
    text = enrolment_text(hub_name, read_code(code), kit.kit_id, key)
    said = {"code": code, "kit_id": str(kit.kit_id), "public_key": key, "hub": hub_name, "signature": kit.sign(text)}
    return {**said, **changes}


def enrol(hub: Any, said: dict[str, Any], **headers: str) -> tuple[int, Any]:
    answer = hub.client.post("/api/kit-enrolment", json=said, headers=headers)
    return answer.status_code, answer.json()


def visits_of(hub: Any, kit: Any) -> tuple[int, Any]:
    kit.client = hub.client
    answer = kit.request("GET", "/api/kit/visits")
    return answer.status_code, answer.json()


def test_a_machine_becomes_a_kit(hub: Any, make_kit: Any) -> None:
    kit = make_kit(hub.clock)
    assert visits_of(hub, kit) == (401, {"code": "kit_unknown"})
    status, told = enrol(hub, asking(kit, code_for_new(hub).lower().replace("-", " ")))
    assert (status, told) == (200, {"name": "Väska 7", "unit": "Nord", "organization": TIMRA})
    assert visits_of(hub, kit) == (200, [])
    assert hub.actions()[-2:] == ["kit_code_made", "kit_enrolled"]
    with hub.database.reading() as session:
        row = session.scalars(select(AuditRow).order_by(AuditRow.seq.desc())).first()
    assert (row.practitioner, row.role, row.care_unit, row.organization) == ("Väska 7", "kit", "Nord", TIMRA)
    assert row.object == f"kit {kit.kit_id}"


def test_a_code_is_taken_once(hub: Any, make_kit: Any) -> None:
    first, second, code = make_kit(hub.clock), make_kit(hub.clock), code_for_new(hub)
    assert enrol(hub, asking(first, code))[0] == 200
    assert enrol(hub, asking(second, code)) == (410, {"code": "kit_code_used"})
    assert visits_of(hub, second)[0] == 401


def test_a_lost_answer_is_given_again_to_the_same_kit_only(hub: Any, make_kit: Any) -> None:
    kit, code = make_kit(hub.clock), code_for_new(hub)
    first = enrol(hub, asking(kit, code))
    assert enrol(hub, asking(kit, code)) == first
    assert hub.actions().count("kit_enrolled") == 1
    kit.key = Ed25519PrivateKey.generate()
    assert enrol(hub, asking(kit, code)) == (410, {"code": "kit_code_used"})
    revoke(hub, kit.kit_id)
    assert enrol(hub, asking(kit, code)) == (410, {"code": "kit_code_used"})


@pytest.mark.parametrize(("seconds", "status"), [(899, 200), (900, 410), (90_000, 410)])
def test_a_code_lasts_a_quarter_of_an_hour(hub: Any, make_kit: Any, seconds: int, status: int) -> None:
    kit, code = make_kit(hub.clock), code_for_new(hub)
    hub.clock.forward(seconds=seconds)
    answer = enrol(hub, asking(kit, code))
    assert answer[0] == status
    assert status == 200 or answer[1] == {"code": "kit_code_expired"}


def test_the_proof_is_over_all_that_counts(hub: Any, make_kit: Any) -> None:
    """Whoever reads a request cannot make another one out of it."""
    kit, other, code = make_kit(hub.clock), make_kit(hub.clock), code_for_new(hub)
    said = asking(kit, code)
    others = asking(other, code)
    for name in ("kit_id", "public_key", "signature"):
        assert enrol(hub, {**said, name: others[name]}) == (400, {"code": "bad_proof"}), name
    elsewhere = asking(kit, code, "https://evil.example")
    assert enrol(hub, elsewhere) == (400, {"code": "other_hub"})
    assert enrol(hub, {**elsewhere, "hub": HOME}) == (400, {"code": "bad_proof"})
    assert enrol(hub, {**said, "code": code_for_new(hub, "Väska 8")}) == (400, {"code": "bad_proof"})
    assert enrol(hub, said)[0] == 200


@pytest.mark.parametrize("code", ["K7QM-2XHD-9RTW", "not a code", "K" * 40])
def test_an_unknown_code(hub: Any, make_kit: Any, code: str) -> None:
    said = asking(make_kit(hub.clock), "K7QM-2XHD-9RTW")
    assert enrol(hub, {**said, "code": code}) == (410, {"code": "kit_code_unknown"})


@pytest.mark.parametrize(
    "change", [{"code": ""}, {"public_key": "A"}, {"signature": "x"}, {"kit_id": "x"}, {"more": 1}]
)
def test_what_is_no_request(hub: Any, make_kit: Any, change: Any) -> None:
    said = asking(make_kit(hub.clock), "K7QM-2XHD-9RTW")
    assert enrol(hub, {**said, **change}) == (422, {"code": "bad_request"})


def test_a_page_cannot_ask(hub: Any, make_kit: Any) -> None:
    assert enrol(hub, asking(make_kit(hub.clock), code_for_new(hub)), Origin=HOME) == (403, {"code": "foreign_origin"})


def test_who_guesses_has_to_wait(hub: Any, make_kit: Any) -> None:
    kit, code = make_kit(hub.clock), code_for_new(hub)
    for _ in range(10):
        assert enrol(hub, {**asking(kit, code), "code": "0000-0000-0000"})[0] == 410
    assert enrol(hub, asking(kit, code)) == (429, {"code": "too_many_tries"})
    hub.clock.forward(seconds=61)
    assert enrol(hub, asking(kit, code))[0] == 200


def test_a_known_kit_needs_a_code_of_its_own(hub: Any, make_kit: Any) -> None:
    assert enrol(hub, asking(hub.kit, code_for_new(hub))) == (409, {"code": "kit_known"})
    stranger = make_kit(hub.clock)
    assert enrol(hub, asking(stranger, code_for_known(hub, hub.kit.kit_id))) == (409, {"code": "kit_known"})


def test_no_key_comes_back(hub: Any, make_kit: Any) -> None:
    old = hub.kit.key
    assert enrol(hub, asking(hub.kit, code_for_known(hub, hub.kit.kit_id))) == (409, {"code": "kit_key_known"})
    hub.kit.key = Ed25519PrivateKey.generate()
    assert enrol(hub, asking(hub.kit, code_for_known(hub, hub.kit.kit_id)))[0] == 200
    hub.kit.key = old
    assert enrol(hub, asking(hub.kit, code_for_known(hub, hub.kit.kit_id))) == (409, {"code": "kit_key_known"})
    thief = make_kit(hub.clock)
    thief.key = old
    assert enrol(hub, asking(thief, code_for_new(hub))) == (409, {"code": "kit_key_known"})


def test_a_kit_that_was_found_again_gets_another_key(hub: Any) -> None:
    visit, old = hub.visits()[0], hub.kit.key
    unsent = hub.kit.envelope(hub.kit.record("visit_opened", visit))
    revoke(hub, hub.kit.kit_id)
    assert visits_of(hub, hub.kit) == (401, {"code": "kit_revoked"})
    hub.kit.key = Ed25519PrivateKey.generate()
    assert enrol(hub, asking(hub.kit, code_for_known(hub, hub.kit.kit_id)))[0] == 200
    # what it had signed before still comes
    assert hub.kit.send_envelopes(unsent)["refused"] == {}
    hub.kit.key = old
    assert visits_of(hub, hub.kit) == (401, {"code": "bad_proof"})


def replace(hub: Any, new: Ed25519PrivateKey, **changes: Any) -> tuple[int, Any]:
    key = base64.b64encode(new.public_key().public_bytes_raw()).decode()
    signature = base64.b64encode(new.sign(replacement_text(hub.kit.kit_id, key))).decode()
    body = json.dumps({"public_key": key, "signature": signature, **changes}).encode()
    answer = hub.kit.request("POST", "/api/kit/key", body)
    return answer.status_code, answer.json() if answer.content else None


def test_a_kit_replaces_its_key_and_what_the_old_one_signed_holds(hub: Any) -> None:
    visit, old, new = hub.visits()[0], hub.kit.key, Ed25519PrivateKey.generate()
    before = hub.kit.store("visit_opened", visit)
    unsent = hub.kit.envelope(hub.kit.record("reading", visit))
    assert replace(hub, new) == (204, None)
    assert visits_of(hub, hub.kit) == (401, {"code": "bad_proof"})  # the old key
    hub.kit.key = new
    assert hub.kit.send_envelopes(unsent)["refused"] == {}
    assert hub.kit.send(before)["stored"] == [before["id"]]  # sent again, it is the one that is there
    with hub.database.reading() as session:
        (former,) = session.scalars(select(FormerKitKey))
        assert former.public_key == old.public_key().public_bytes_raw()
        assert session.get_one(Kit, hub.kit.kit_id).public_key == new.public_key().public_bytes_raw()
    assert "kit_key_replaced" in hub.actions()


def test_a_lost_answer_to_a_replacement_changes_nothing(hub: Any) -> None:
    new = Ed25519PrivateKey.generate()
    assert replace(hub, new)[0] == 204
    hub.kit.key = new
    assert replace(hub, new)[0] == 204
    assert hub.actions().count("kit_key_replaced") == 1


def test_a_replacement_needs_both_keys_and_a_fresh_one(hub: Any) -> None:
    old, new = hub.kit.key, Ed25519PrivateKey.generate()
    assert replace(hub, new, signature=base64.b64encode(bytes(64)).decode()) == (400, {"code": "bad_proof"})
    other = hub.enrol("Väska 2")
    assert replace(hub, other.key) == (409, {"code": "kit_key_known"})
    assert replace(hub, new)[0] == 204
    hub.kit.key = new
    assert replace(hub, old) == (409, {"code": "kit_key_known"})


def test_a_record_of_another_kits_former_key_is_refused(hub: Any) -> None:
    other = hub.enrol("Väska 2")
    with hub.database.transaction() as session:
        session.add(FormerKitKey(kit_id=other.kit_id, public_key=bytes(32), replaced_at=hub.clock()))
        thief = Ed25519PrivateKey.generate()
        key = thief.public_key().public_bytes_raw()
        session.add(FormerKitKey(kit_id=other.kit_id, public_key=key, replaced_at=hub.clock()))
    record = hub.kit.record("visit_opened", hub.visits()[0])
    payload = json.dumps(record, ensure_ascii=False)
    envelope = hub.kit.envelope(record) | {"signature": base64.b64encode(thief.sign(payload.encode())).decode()}
    assert list(hub.kit.send_envelopes(envelope)["refused"].values()) == ["bad_signature"]


def test_codes_for_a_kit_stop_with_it(hub: Any) -> None:
    code = code_for_known(hub, hub.kit.kit_id)
    revoke(hub, hub.kit.kit_id)
    hub.kit.key = Ed25519PrivateKey.generate()
    assert enrol(hub, asking(hub.kit, code)) == (410, {"code": "kit_code_expired"})
    with pytest.raises(NotPossible, match="already"):
        revoke(hub, hub.kit.kit_id)


def test_uploads_of_a_kit_that_is_shut_out_are_refused(hub: Any) -> None:
    revoke(hub, hub.kit.kit_id)
    sha256 = "ab" * 32
    for method, target in [
        ("POST", "/api/kit/records"),
        ("GET", f"/api/kit/uploads/{sha256}"),
        ("PATCH", f"/api/kit/uploads/{sha256}?offset=0&complete=true"),
        ("POST", "/api/kit/key"),
    ]:
        answer = hub.kit.request(method, target, b"{}" if method != "GET" else b"")
        assert (answer.status_code, answer.json()) == (401, {"code": "kit_revoked"}), target


@pytest.mark.parametrize("valid", [timedelta(0), timedelta(hours=25), timedelta(seconds=-1)])
def test_no_code_lasts_for_days(hub: Any, valid: timedelta) -> None:
    with pytest.raises(NotPossible, match="minutes"):
        code_for_new(hub, valid=valid)


def test_a_name_is_of_one_kit_in_use(hub: Any) -> None:
    with pytest.raises(NotPossible, match="rotate"):
        code_for_new(hub, "Väska 1")
    with pytest.raises(NotPossible, match="name"):
        code_for_new(hub, " ")
    revoke(hub, hub.kit.kit_id)
    assert code_for_new(hub, "Väska 1")


def test_a_code_is_not_in_the_database(hub: Any) -> None:
    code = read_code(code_for_new(hub))
    with hub.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM kit_code").fetchall()
        rows += connection.exec_driver_sql("SELECT object FROM audit_event").fetchall()
    assert code not in str(rows)


def test_an_export_tells_every_key_that_signed(hub: Any, doctor: Any) -> None:
    visit, old, new = hub.visits()[0], hub.kit.key, Ed25519PrivateKey.generate()
    hub.kit.store("visit_opened", visit)
    assert replace(hub, new)[0] == 204
    bundle = hub.client.get(f"/api/visits/{visit['id']}/fhir", headers=doctor).json()
    devices = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["id"] == str(hub.kit.kit_id)]
    told = [one["valueBase64Binary"] for device in devices for one in device["extension"]]
    assert told == [base64.b64encode(key.public_key().public_bytes_raw()).decode() for key in (new, old)]
