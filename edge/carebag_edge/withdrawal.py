"""A value that the nurse typed or observed in error: struck through while its visit is open, never deleted."""

from functools import partial

from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_edge.signed_act import readings_of_the_open, sign, the_open
from carebag_wire.nurse_messages import WithdrawReading
from carebag_wire.records import ReadingWithdrawn
from carebag_wire.values import BY_HAND
from carebag_wire.visit import Person


def withdraw(bedside: Bedside, clock: Clock, message: WithdrawReading, nurse: Person) -> None:
    """Durable when it returns. Said again it changes nothing.

    Raises:
        Refused: `visit_not_open`, `not_typed_here` (not typed in the open visit), `already_decided` by the doctor.
    """
    the_open(bedside)
    view = next((one for one in readings_of_the_open(bedside) if one.reading.id == message.reading_id), None)
    if view is None or view.reading.provenance not in BY_HAND:
        raise Refused("not_typed_here")
    if view.taken_back:
        return
    if view.decision != "draft":
        raise Refused("already_decided")
    act = partial(ReadingWithdrawn, reading_id=message.reading_id, reason=message.reason.strip())
    with bedside.journal.transaction():
        sign(bedside, clock, nurse, act)
    bedside.refresh()
