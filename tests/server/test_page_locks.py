"""Locks of a bag's page and visits taken over, in the access log: once, by name, also when they come late."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from carebag_server.tables import AuditRow, VisitRow


def rows(hub: Any, *actions: str) -> list[AuditRow]:
    with hub.database.reading() as session:
        found = select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.seq)
        return list(session.scalars(found))


@pytest.mark.parametrize(
    ("change", "how", "wrong", "action", "said"),
    [
        ("locked", "idle", 0, "page_locked", "idle"),
        ("locked", "by_hand", 0, "page_locked", "by_hand"),
        ("unlocked", "pin", 0, "page_unlocked", "pin"),
        ("unlocked", "sign_in", 0, "page_unlocked", "sign_in"),
        ("wrong_pin", "pin", 5, "page_pin_wrong", "wrong 5"),
    ],
)
def test_who_which_bag_when_and_how(
    hub: Any, visit: Any, change: str, how: str, wrong: int, action: str, said: str
) -> None:
    """It was three days without a network, and is delivered twice."""
    record = hub.kit.record("page_lock_changed", None, change=change, how=how, wrong=wrong)
    record["binding"]["nurse_id"] = hub.kit.binding(visit)["nurse_id"]
    at = hub.clock() - timedelta(days=3)
    record["times"]["kit_utc"] = at.isoformat()
    assert [hub.kit.send(record)["stored"] for _ in range(2)] == [[record["id"]]] * 2
    (row,) = rows(hub, "page_locked", "page_unlocked", "page_pin_wrong", "unassigned")
    assert (row.action, row.patient_id, row.visit_id) == (action, None, None)
    assert row.practitioner == "Anna Lind · Väska 1"
    about, _, digest = row.object.rpartition(" ")
    assert about == f"kit {hub.kit.kit_id} {said} {at.strftime('%Y-%m-%dT%H:%M:%SZ')}"
    assert digest == f"sha256:{hub.kit.envelope(record)['sha256']}"


def test_a_visit_that_another_takes_over_stays_open_and_has_her_name(hub: Any, visit: Any) -> None:
    hub.kit.store("visit_opened", visit)
    hub.kit.store("visit_taken_over", visit)
    (row,) = rows(hub, "visit_taken_over")
    assert (str(row.visit_id), str(row.patient_id)) == (visit["id"], visit["patient"]["id"])
    hub.kit.store("visit_closed", visit, plan_read=False, for_another=True)
    assert [row.action for row in rows(hub, "visit_closed", "visit_closed_for_another")] == ["visit_closed_for_another"]


def test_in_whatever_order_they_come(hub: Any, doctor: Any, visit: Any) -> None:
    """Taken over arrives before it was opened; closed is closed."""
    records = [hub.kit.record(one, visit) for one in ("visit_opened", "visit_taken_over", "visit_closed")]
    hub.kit.send(records[1])
    hub.kit.send(records[0])
    head = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["visit"]
    assert (head["state"], head["nurse"]["name"]) == ("open", "Anna Lind")
    hub.kit.send(records[2])
    with hub.database.reading() as session:
        assert [one.state for one in session.scalars(select(VisitRow)) if str(one.id) == visit["id"]] == ["closed"]
