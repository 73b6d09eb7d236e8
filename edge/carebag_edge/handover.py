"""A visit that another nurse left open at this kit: nothing of it is shown to the next one until she takes it over.

She takes it over, or closes it unseen; both are signed records and stand in the access log with her name. What is
measured meanwhile goes on and is the visit's, with the name of who held it when it was measured.
"""

from functools import partial

from carebag_edge.bedside import Bedside, moment_of
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_edge.journal_tables import ARMED, OPEN
from carebag_edge.signed_act import sign, the_open
from carebag_wire.nurse_messages import HeldVisit
from carebag_wire.records import VisitClosed, VisitTakenOver
from carebag_wire.visit import Person


def is_held(bedside: Bedside, nurse: Person | None) -> bool:
    """Whether the open visit is another nurse's. A person's commissions are one person."""
    visit = bedside.binder.visit
    return visit is not None and nurse is not None and bedside.binder.nurse_id != nurse.practitioner_id


def held(bedside: Bedside, nurse: Person | None) -> HeldVisit | None:
    visit = bedside.binder.visit
    if visit is None or not is_held(bedside, nurse):
        return None
    return HeldVisit(nurse=bedside.name_of(bedside.binder.nurse_id), opened_at=visit.opened_at)


def take_over(bedside: Bedside, clock: Clock, nurse: Person) -> None:
    """Durable when it returns. Raises: Refused: `visit_not_open`. Said again it changes nothing."""
    visit = the_open(bedside)
    if not is_held(bedside, nurse):
        return
    with bedside.journal.transaction():
        at = moment_of(sign(bedside, clock, nurse, VisitTakenOver))
        taken = visit.taken_over(nurse.practitioner_id, at)
        bedside.journal.put_state(OPEN, taken.model_dump_json())
    bedside.binder.take_over(taken)
    bedside.refresh()


def close_unseen(bedside: Bedside, clock: Clock, nurse: Person) -> None:
    """Durable when it returns. Raises: Refused: `visit_not_open`; `not_held` for one of her own, which has a plan to
    read."""
    the_open(bedside)
    if not is_held(bedside, nurse):
        raise Refused("not_held")
    act = partial(VisitClosed, plan_read=False, for_another=True)
    with bedside.journal.transaction():
        at = moment_of(sign(bedside, clock, nurse, act))
        bedside.journal.put_state(OPEN, None)
        bedside.journal.put_state(ARMED, None)
        bedside.save_past(bedside.binder.past_after(at))
    bedside.binder.close(at)
    bedside.refresh()
