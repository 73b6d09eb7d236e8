"""What kits must not lose: stored word for word, once, in any order, and bound to the visit in which it was taken."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from carebag_server.tables import RecordRow


def snapshot(hub: Any, visit: Any) -> Any:
    return next(one for one in hub.kit.request("GET", "/api/kit/visits").json() if one["visit"]["id"] == visit["id"])


def stored(hub: Any) -> dict[int, RecordRow]:
    with hub.database.reading() as session:
        return {row.kit_seq: row for row in session.scalars(select(RecordRow))}


def test_a_record_is_stored_word_for_word(hub: Any, visit: Any) -> None:
    record = hub.kit.record("reading", visit, circumstances={"site": "left_arm"})
    envelope = hub.kit.envelope(record)
    hub.kit.send_envelopes(envelope)
    row = stored(hub)[2]
    assert (row.payload, row.sha256, row.signature) == tuple(
        envelope[key] for key in ("payload", "sha256", "signature")
    )


def test_trailing_zeros_of_a_value_survive(hub: Any, visit: Any) -> None:
    hub.kit.store("reading", visit)
    (reading,) = snapshot(hub, visit)["readings"]
    assert reading["reading"]["quantities"][0]["value"] == "128.50"


def test_less_than_five_stays_less_than_five(hub: Any, visit: Any) -> None:
    quantity = {"name": "crp", "value": "5", "unit": "mg/L", "comparator": "<"}
    hub.kit.store("reading", visit, kind="crp", quantities=[quantity])
    (reading,) = snapshot(hub, visit)["readings"]
    assert reading["reading"]["quantities"] == [quantity]


def test_the_same_again_is_acknowledged_and_stored_once(hub: Any, visit: Any) -> None:
    envelope = hub.kit.envelope(hub.kit.record("reading", visit))
    first, again = hub.kit.send_envelopes(envelope), hub.kit.send_envelopes(envelope, envelope)
    assert first["stored"] * 2 == again["stored"]
    assert again["watermark"] == 2
    assert len(stored(hub)) == 2
    assert hub.actions(visit["id"]).count("reading_stored") == 1


def test_the_same_id_with_other_content_raises_the_alarm(hub: Any, visit: Any) -> None:
    record = hub.kit.store("reading", visit)
    forged = hub.kit.envelope({**record, "flags": ["irregular_pulse"]})
    receipt = hub.kit.send_envelopes(forged)
    assert (receipt["stored"], receipt["refused"]) == ([], {forged["sha256"]: "other_content"})
    assert "record_conflict" in hub.actions(visit["id"])
    assert json.loads(stored(hub)[2].payload) == record


def test_the_same_number_with_another_id_raises_the_alarm(hub: Any, visit: Any) -> None:
    hub.kit.store("reading", visit)
    hub.kit.seq -= 1
    envelope = hub.kit.envelope(hub.kit.record("reading", visit))
    assert hub.kit.send_envelopes(envelope)["refused"] == {envelope["sha256"]: "other_content"}


def damaged(kit: Any, envelope: Any, how: str) -> Any:
    if how == "bad_signature":
        return {**envelope, "signature": kit.sign(b"other")}
    if how == "digest":
        return {**envelope, "sha256": "0" * 64}
    payload = {"no_json": "{", "no_record": "{}", "nul": envelope["payload"] + "\x00"}[how]
    return kit.envelope(json.loads(payload)) if how == "no_record" else _signed(kit, payload)


def _signed(kit: Any, payload: str) -> Any:
    import hashlib

    digest = hashlib.sha256(payload.encode()).hexdigest()
    return {"payload": payload, "sha256": digest, "signature": kit.sign(payload.encode())}


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("bad_signature", "bad_signature"),
        ("digest", "bad_record"),
        ("no_json", "bad_record"),
        ("no_record", "bad_record"),
        ("nul", "bad_record"),
    ],
)
def test_a_bad_record_does_not_hold_up_the_others(hub: Any, visit: Any, how: str, code: str) -> None:
    good = hub.kit.record("reading", visit)
    bad = damaged(hub.kit, hub.kit.envelope(hub.kit.record("reading", visit)), how)
    receipt = hub.kit.send_envelopes(bad, hub.kit.envelope(good))
    assert receipt["stored"] == [good["id"]]
    assert receipt["refused"] == {bad["sha256"]: code}


@pytest.mark.parametrize("seq", [0, -1, 2**53 + 1, 10**30])
def test_impossible_numbers_are_refused(hub: Any, visit: Any, seq: int) -> None:
    record = hub.kit.record("reading", visit)
    record["binding"]["kit_seq"] = seq
    assert list(hub.kit.send(record)["refused"].values()) == ["bad_record"]


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T09:30:00"])
def test_times_beyond_the_calendar_are_refused(hub: Any, visit: Any, when: str) -> None:
    record = hub.kit.record("visit_opened", visit, times={"kit_monotonic_ns": 1, "kit_utc": when})
    assert list(hub.kit.send(record)["refused"].values()) == ["bad_record"]


def test_a_kit_speaks_for_itself_only(hub: Any, visit: Any) -> None:
    record = hub.kit.record("reading", visit)
    record["binding"]["kit_id"] = str(hub.enrol("Väska 2").kit_id)
    assert list(hub.kit.send(record)["refused"].values()) == ["wrong_kit"]


def test_a_hole_stops_the_watermark(hub: Any, visit: Any) -> None:
    two, three, four = (hub.kit.record("reading", visit) for _ in range(3))
    assert hub.kit.send(four)["watermark"] == 1
    assert hub.kit.send(three)["watermark"] == 1
    assert hub.kit.send(two)["watermark"] == 4


def test_without_a_visit_it_goes_to_the_tray(hub: Any, visit: Any) -> None:
    hub.kit.store("reading", None)
    assert stored(hub)[2].visit_id is None
    assert snapshot(hub, visit)["readings"] == []
    assert "unassigned" in hub.actions()


@pytest.mark.parametrize("what", ["visit_id", "patient_id"])
def test_an_unknown_visit_or_another_patient_goes_to_the_tray(hub: Any, visit: Any, what: str) -> None:
    record = hub.kit.record("reading", visit)
    record["binding"][what] = record["id"]
    assert hub.kit.send(record)["stored"] == [record["id"]]
    assert stored(hub)[2].visit_id is None
    assert snapshot(hub, visit)["readings"] == []


def test_a_kit_cannot_write_into_another_kits_visit(hub: Any, visit: Any) -> None:
    other = hub.enrol("Väska 2")
    other.store("reading", visit)
    other.store("visit_closed", visit)
    assert snapshot(hub, visit)["readings"] == []
    assert snapshot(hub, visit)["visit"]["state"] == "open"
    assert hub.actions().count("binding_differs") == 2


def test_a_reading_belongs_to_its_visit_whatever_is_open_now(hub: Any) -> None:
    first, second, _ = hub.visits()
    hub.kit.store("visit_opened", first)
    late = hub.kit.record("reading", first)
    hub.kit.store("visit_closed", first)
    hub.kit.store("visit_opened", second)
    hub.kit.send(late)
    assert [one["reading"]["id"] for one in snapshot(hub, first)["readings"]] == [late["id"]]
    assert snapshot(hub, second)["readings"] == []


def test_opening_and_closing(hub: Any, clock: Any) -> None:
    head = hub.visits()[1]
    assert (head["state"], head["opened_at"]) == ("planned", None)
    hub.kit.store("visit_opened", head)
    opened = hub.visits()[1]
    assert (opened["state"], opened["opened_at"], opened["nurse"]["name"]) == (
        "open",
        "2026-11-23T09:30:00Z",
        "Anna Lind",
    )
    clock.forward(minutes=20)
    hub.kit.store("visit_closed", head)
    closed = hub.visits()[1]
    assert (closed["state"], closed["closed_at"]) == ("closed", "2026-11-23T09:50:00Z")


def test_an_opening_that_comes_after_the_closing_does_not_reopen(hub: Any) -> None:
    head = hub.visits()[1]
    opening, closing = hub.kit.record("visit_opened", head), hub.kit.record("visit_closed", head)
    hub.kit.send(closing)
    hub.kit.send(opening)
    after = hub.visits()[1]
    assert (after["state"], after["opened_at"] is not None) == ("closed", True)


def ask(hub: Any, doctor: Any, visit: Any, kind: str = "blood_pressure") -> Any:
    answer = hub.client.post(f"/api/visits/{visit['id']}/requests", headers=doctor, json={"kind": kind})
    assert answer.status_code == 201
    return answer.json()


def state(hub: Any, visit: Any) -> list[str]:
    return [one["state"] for one in snapshot(hub, visit)["requests"]]


def test_a_request_moves_on_and_never_back(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit)
    started = hub.kit.record("request_progressed", visit, request["id"])
    hub.kit.store("reading", visit, request["id"])
    assert state(hub, visit) == ["answered"]
    hub.kit.send(started)
    assert state(hub, visit) == ["answered"]


def test_the_nurse_declines_with_a_reason(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit)
    hub.kit.store("request_progressed", visit, request["id"], state="declined", reason="arm in plaster")
    (after,) = snapshot(hub, visit)["requests"]
    assert (after["state"], after["reason"]) == ("declined", "arm in plaster")


def test_another_kind_of_reading_does_not_answer(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit, "crp")
    hub.kit.store("reading", visit, request["id"])
    assert state(hub, visit) == ["asked"]
    assert len(snapshot(hub, visit)["readings"]) == 1


def test_a_request_of_another_visit_is_not_moved(hub: Any, doctor: Any, visit: Any) -> None:
    other = hub.visits()[1]
    request = ask(hub, doctor, other)
    hub.kit.store("reading", visit, request["id"])
    assert state(hub, other) == ["asked"]
    assert len(snapshot(hub, visit)["readings"]) == 1


def test_a_problem_is_words_and_the_request_waits_on(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit)
    hub.kit.store("request_progressed", visit, request["id"])
    hub.kit.store("reading", visit, request["id"], quantities=[], problem="cuff_too_loose")
    assert state(hub, visit) == ["started"]
    assert snapshot(hub, visit)["readings"][0]["reading"]["problem"] == "cuff_too_loose"


@pytest.mark.parametrize("statement", ["UPDATE record SET payload = 'x'", "DELETE FROM record"])
def test_a_stored_record_cannot_be_changed(hub: Any, visit: Any, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append_only"), hub.database.engine.begin() as connection:
        connection.execute(text(statement))


def test_the_nurse_is_named_in_the_log(hub: Any, visit: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    events = hub.client.get(f"/api/review/visits/{visit['id']}/events", headers=reviewer).json()
    opened = next(event for event in events if event["action"] == "visit_opened")
    assert (opened["practitioner"], opened["role"], opened["organization"]) == (
        "Anna Lind · Väska 1",
        "nurse",
        "Timrå kommun",
    )


@given(st.binary(max_size=400))
def test_any_bytes_to_the_kit_routes_are_answered(fuzz_hub: Any, body: bytes) -> None:
    for target in ("/api/kit/records", "/api/kit/nurse"):
        assert fuzz_hub.kit.request("POST", target, body).status_code in {400, 413, 422}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.data())
def test_any_signed_payload_is_stored_or_refused(fuzz_hub: Any, data: st.DataObject) -> None:
    """A kit with a good key and a broken program: one field of a good record replaced by anything."""
    visit = fuzz_hub.visits()[0]
    kind = data.draw(
        st.sampled_from(
            ["visit_opened", "request_progressed", "reading", "sound_recorded", "photo_taken", "reading_filed"]
        )
    )
    record = fuzz_hub.kit.record(kind, visit)
    part = data.draw(st.sampled_from([record, record["binding"], record["times"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(json_values)
    receipt = fuzz_hub.kit.send_envelopes(_signed(fuzz_hub.kit, json.dumps(record)))
    assert len(receipt["stored"]) + len(receipt["refused"]) == 1


def test_two_kits_with_one_clock_do_not_meet(hub: Any, visit: Any) -> None:
    """The same instant, the same number, in the end the same id: each has its own, and the first stays as it is."""
    other = hub.enrol("Väska 2")
    mine, theirs = hub.kit.record("reading", None), other.record("reading", None)
    other.seq = hub.kit.seq
    theirs["binding"]["kit_seq"], theirs["times"] = mine["binding"]["kit_seq"], mine["times"]
    assert hub.kit.send(mine)["stored"] == [mine["id"]]
    assert other.send(theirs)["stored"] == [theirs["id"]]
    copied = other.envelope({**theirs, "id": mine["id"]})
    assert other.send_envelopes(copied)["refused"] == {copied["sha256"]: "other_content"}
    with hub.database.reading() as session:
        kits = {row.id: row.kit_id for row in session.scalars(select(RecordRow))}
    assert (kits[uuid.UUID(mine["id"])], kits[uuid.UUID(theirs["id"])]) == (hub.kit.kit_id, other.kit_id)
