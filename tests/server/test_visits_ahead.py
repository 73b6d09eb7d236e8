"""A kit is told of the visits of 72 hours, of the far ones no more than opening takes; and what is cancelled goes."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.server.test_staff import do, plan

from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.keys import load_or_create
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store
from carebag_server import visit_planning
from carebag_server.admin_acts import acts_after
from carebag_server.not_possible import NotPossible
from carebag_server.tables import VisitRow
from carebag_server.visits import AHEAD
from carebag_wire.messages import KitVisits
from carebag_wire.nurse_messages import OpenVisit
from carebag_wire.visit import VisitSnapshot

BACKGROUND = "KAD sedan i våras"


def planned(hub: Any, hours: float) -> str:
    visit_id = plan(hub)
    with hub.database.transaction() as session:
        at = hub.clock() + timedelta(hours=hours)
        values = {"scheduled_at": at, "background": BACKGROUND}
        session.execute(update(VisitRow).where(VisitRow.id == visit_id).values(**values))
    return str(visit_id)


def told(hub: Any) -> dict[str, Any]:
    return {one["visit"]["id"]: one for one in hub.kit.request("GET", "/api/kit/visits").json()}


def cancel(hub: Any, visit_id: str) -> None:
    def work(change: Any) -> None:
        visit_planning.cancel_visit(change, change.session.get_one(VisitRow, uuid.UUID(visit_id)))

    do(hub.database, work, hub.clock())


def test_a_kit_is_told_three_days_ahead_and_a_doctor_is_not(hub: Any, doctor: Any) -> None:
    near, third_day, later = planned(hub, 3), planned(hub, 71), planned(hub, 73)
    visits = told(hub)
    assert timedelta(hours=72) == AHEAD
    assert near in visits
    assert third_day in visits
    assert later not in visits
    seen = {one["id"] for one in hub.client.get("/api/visits", headers=doctor).json()}
    assert near in seen
    assert third_day not in seen


def test_of_a_far_visit_no_more_than_opening_takes(hub: Any) -> None:
    near, far = planned(hub, 3), planned(hub, 60)
    visits = told(hub)
    assert visits[near]["visit"]["background"] == BACKGROUND
    head = visits[far]["visit"]
    assert head["background"] == head["patient"]["own_doctor"] == ""
    assert all(head["patient"][field] for field in ("name", "personal_id", "birth_date", "place"))
    assert head["reason"]
    parts = {key: value for key, value in visits[far].items() if key not in ("visit", "kit_online")}
    assert not any(parts.values())


def test_what_is_cancelled_is_on_nobodys_list_at_the_next_contact(hub: Any, doctor: Any) -> None:
    near, far = planned(hub, 3), planned(hub, 60)
    seq = acts_after(hub.database, None).seq
    for visit_id in (near, far):
        cancel(hub, visit_id)
    assert not {near, far} & set(told(hub))
    assert near not in {one["id"] for one in hub.client.get("/api/visits", headers=doctor).json()}
    found = acts_after(hub.database, seq)
    assert ({str(one) for one in found.visits}, found.kits) == ({near, far}, {hub.kit.kit_id})
    assert "visit_cancelled" in hub.actions(near)
    with pytest.raises(NotPossible, match="already"):
        cancel(hub, near)


def test_a_cancelled_visit_that_was_opened_out_of_reach_is_a_visit(hub: Any, doctor: Any) -> None:
    visit_id = planned(hub, 1)
    cancel(hub, visit_id)
    visit = {"id": visit_id, "patient": told_patient(hub, visit_id)}
    hub.kit.store("visit_opened", visit)
    assert told(hub)[visit_id]["visit"]["state"] == "open"
    assert visit_id in {one["id"] for one in hub.client.get("/api/visits", headers=doctor).json()}
    with pytest.raises(NotPossible, match="opened"):
        cancel(hub, visit_id)


def told_patient(hub: Any, visit_id: str) -> dict[str, str]:
    with hub.database.reading() as session:
        return {"id": str(session.get_one(VisitRow, uuid.UUID(visit_id)).patient_id)}


def test_a_kit_out_of_reach_opens_on_the_third_day_what_it_was_told_on_the_first(hub: Any, tmp_path: Path) -> None:
    """With the hub's own words, over a restart of the kit, until the record is at the hub."""
    third_day, cancelled = planned(hub, 66), planned(hub, 67)
    now = began = hub.clock()
    clock = Clock(utc=lambda: now, monotonic_ns=lambda: int((now - began).total_seconds() * 1e9))
    settings = KitSettings(data=tmp_path)
    key = load_or_create(tmp_path, hub.kit.kit_id, 0)
    said = KitVisits(visits=[VisitSnapshot.model_validate(one) for one in told(hub).values()])
    journal, media, _ = open_store(settings, key)
    bedside = Bedside(journal, media, clock)
    bedside.hub_said(said)
    bedside.keeper.write()
    journal.close()
    now += timedelta(hours=66)
    journal, media, _ = open_store(settings, key)
    bedside = Bedside(journal, media, clock)
    opened = next(one for one in bedside.heads(None) if str(one.id) == third_day)
    bedside.open(OpenVisit(visit_id=opened.id, identifiers=["name", "personal_id"]), nurse_of(said))
    assert str(bedside.binder.visit.visit_id) == third_day  # type: ignore[union-attr]
    assert journal.unsent().count == 1
    cancel(hub, cancelled)
    bedside.hub_said(KitVisits(visits=[VisitSnapshot.model_validate(one) for one in told(hub).values()]))
    known = {str(one.id): one.state for one in bedside.heads(None)}
    assert cancelled not in known
    assert known[third_day] == "open"
    journal.close()


def nurse_of(said: KitVisits) -> Any:
    return next(one.visit.nurse for one in said.visits if one.visit.nurse)


def test_a_kit_that_is_revoked_forgets_who_is_to_be_visited(hub: Any, tmp_path: Path) -> None:
    first, second = planned(hub, 1), planned(hub, 50)
    now = began = hub.clock()
    clock = Clock(utc=lambda: now, monotonic_ns=lambda: int((now - began).total_seconds() * 1e9))
    journal, media, _ = open_store(KitSettings(data=tmp_path), load_or_create(tmp_path, hub.kit.kit_id, 0))
    bedside = Bedside(journal, media, clock)
    said = KitVisits(visits=[VisitSnapshot.model_validate(one) for one in told(hub).values()])
    bedside.hub_said(said)
    opened = next(one.visit for one in said.visits if str(one.visit.id) == first)
    bedside.open(OpenVisit(visit_id=opened.id, identifiers=["name", "personal_id"]), nurse_of(said))
    bedside.kit_revoked()
    left = {str(one.id): one.state for one in bedside.heads(None)}
    assert (left[first], second in left) == ("open", False)
    assert "planned" not in left.values()
    bedside.keeper.write()
    assert second not in str(journal.state("visits"))
    journal.close()
