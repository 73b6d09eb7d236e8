"""Typed in error: rejected by the nurse at the hub, in any order, never past the doctor, only what was typed."""

from typing import Any

import pytest
from sqlalchemy import select

from carebag_server.tables import AuditRow


def typed(kit: Any, visit: Any, **more: Any) -> Any:
    return kit.record("reading", visit, provenance="manual", **more)


def withdrawal(kit: Any, visit: Any, reading: Any) -> Any:
    return kit.record("reading_withdrawn", visit, reading_id=reading["id"])


def shown(hub: Any, doctor: Any, visit: Any) -> Any:
    (view,) = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["readings"]
    return view["decision"], view["taken_back"], view["decided_by"], view["filed_at"]


def decide(hub: Any, doctor: Any, visit: Any, reading: Any) -> Any:
    path = f"/api/visits/{visit['id']}/readings/{reading['id']}/decision"
    return hub.client.post(path, headers=doctor, json={"decision": "kept", "reason": ""})


def logged(hub: Any) -> dict[str, Any]:
    with hub.database.reading() as session:
        return {row.action: row for row in session.scalars(select(AuditRow))}


@pytest.mark.parametrize("late", [False, True], ids=["reading first", "withdrawal first"])
def test_it_is_shown_rejected_by_the_nurse_and_cannot_be_decided(hub: Any, doctor: Any, visit: Any, late: bool) -> None:
    reading = typed(hub.kit, visit)
    records = [reading, withdrawal(hub.kit, visit, reading)]
    for record in reversed(records) if late else records:
        hub.kit.send(record)
    assert shown(hub, doctor, visit) == ("rejected", True, "Anna Lind", None)
    assert decide(hub, doctor, visit, reading).json() == {"code": "already_decided"}
    row = logged(hub)["reading_withdrawn"]
    assert (str(row.patient_id), row.practitioner) == (visit["patient"]["id"], "Anna Lind · Väska 1")
    assert row.object.startswith(f"reading {reading['id']}")


def test_never_past_the_doctor(hub: Any, doctor: Any, visit: Any) -> None:
    reading = typed(hub.kit, visit)
    hub.kit.send(reading)
    assert decide(hub, doctor, visit, reading).status_code == 200
    hub.kit.send(withdrawal(hub.kit, visit, reading))
    assert shown(hub, doctor, visit)[:2] == ("kept", False)
    assert "withdrawal_without_effect" in logged(hub)


def test_what_an_instrument_measured_is_for_the_doctor_to_reject(hub: Any, doctor: Any, visit: Any) -> None:
    reading = hub.kit.record("reading", visit)
    hub.kit.send(reading, withdrawal(hub.kit, visit, reading))
    assert shown(hub, doctor, visit)[:2] == ("draft", False)
    assert "withdrawal_without_effect" in logged(hub)


def test_the_photo_of_the_display_goes_with_it(hub: Any, doctor: Any, visit: Any) -> None:
    photo = hub.kit.record("photo_taken", visit, of="display")
    reading = typed(hub.kit, visit, display_photo=photo["id"])
    hub.kit.send(photo, reading, withdrawal(hub.kit, visit, reading))
    (view,) = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["photos"]
    assert (view["decision"], view["decided_by"]) == ("rejected", "Anna Lind")
