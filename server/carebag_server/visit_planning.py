"""Visits are planned: who is visited, with which kit, by whom, when."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from carebag_server.audit import Act, append
from carebag_server.entered_text import LONG, entered
from carebag_server.not_possible import NotPossible
from carebag_server.patients import turned_out
from carebag_server.staff import Change
from carebag_server.tables import Commission, Kit, Organization, PatientRow, VisitRow

COLOURS = 8
"""Of visits on the pages."""
EARLIEST = timedelta(hours=12)


@dataclass(frozen=True)
class Plan:
    patient: PatientRow
    kit: Kit
    nurse: Commission | None
    """None: who takes the kit."""
    at: datetime
    """With zone."""
    reason: str
    background: str = ""


def plan_visit(change: Change, plan: Plan) -> uuid.UUID:
    """Enter a visit of the kit's care provider. A hub that runs sends it to the kit within some seconds.

    Raises:
        NotPossible: the kit is shut out; the nurse's commission has ended, is none of a nurse or of another care
            provider; the time is long past; no reason; the patient turned out to be somebody else.
    """
    kit, nurse = plan.kit, plan.nurse
    if kit.revoked_at is not None:
        raise NotPossible(f"{kit.name} is shut out: choose another kit (carebag admin kit list)")
    if nurse is not None and (nurse.role != "nurse" or nurse.ended_at is not None):
        raise NotPossible("the visit needs a nurse's commission that has not ended (carebag admin person list)")
    if nurse is not None and nurse.organization_id != kit.organization_id:
        raise NotPossible("nurse and kit are of different care providers")
    if plan.at < change.now - EARLIEST:
        raise NotPossible("the time is long past (--at)")
    reason, background = entered(plan.reason, "the reason"), entered(plan.background, "the background", LONG)
    if not reason:
        raise NotPossible("say why the patient is visited (--reason)")
    found = turned_out(change.session, [plan.patient.id]).get(plan.patient.id)
    if found is not None:
        raise NotPossible(f"that patient turned out to be another one: plan the visit for {found.id}")
    visit = VisitRow(
        id=change.new_id(),
        organization_id=kit.organization_id,
        patient_id=plan.patient.id,
        kit_id=kit.id,
        nurse_commission_id=nurse.id if nurse else None,
        scheduled_at=plan.at,
        reason=reason,
        background=background,
        colour=_colour(change, kit),
    )
    change.session.add(visit)
    change.session.flush()
    act = Act(action="visit_planned", object=f"visit {visit.id}", patient_id=plan.patient.id, visit_id=visit.id)
    change.log(act, change.session.get_one(Organization, kit.organization_id).name)
    return visit.id


def cancel_visit(change: Change, visit: VisitRow) -> None:
    """A planned visit that is not to be. A kit that is connected loses it within some seconds, one that is not when it
    comes again; if its nurse opens it before, it is a visit.

    Raises:
        NotPossible: it was opened, or is cancelled already.
    """
    if visit.state != "planned":
        raise NotPossible("that visit was opened: it cannot be cancelled any more")
    if visit.cancelled_at is not None:
        raise NotPossible("that visit is cancelled already")
    visit.cancelled_at = change.now
    change.session.flush()
    act = Act(action="visit_cancelled", object=f"visit {visit.id}", patient_id=visit.patient_id, visit_id=visit.id)
    change.log(act, change.session.get_one(Organization, visit.organization_id).name)


def planned_visits(change: Change) -> list[VisitRow]:
    """Those that can still be cancelled, the next first; logged as one reading of the list."""
    waiting = select(VisitRow).where(VisitRow.state == "planned", VisitRow.cancelled_at.is_(None))
    rows = list(change.session.scalars(waiting.order_by(VisitRow.scheduled_at, VisitRow.id)))
    append(change.session, change.actor, Act(action="visits_listed", object=f"visits {len(rows)}"), change.now)
    return rows


def _colour(change: Change, kit: Kit) -> int:
    """The next one of this kit: two that follow each other never look alike."""
    there = select(func.count()).select_from(VisitRow).where(VisitRow.kit_id == kit.id)
    return (change.session.scalar(there) or 0) % COLOURS
