"""A value that the nurse typed or observed in error: struck through while its visit is open, never deleted."""

from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_wire.base import uuid7
from carebag_wire.nurse_messages import WithdrawReading
from carebag_wire.records import ReadingWithdrawn
from carebag_wire.values import BY_HAND
from carebag_wire.visit import Person


def withdraw(bedside: Bedside, clock: Clock, message: WithdrawReading, nurse: Person) -> None:
    """Durable when it returns. Said again it changes nothing.

    Raises:
        Refused: `visit_not_open`, `not_typed_here` (not typed in the open visit), `already_decided` by the doctor.
    """
    if bedside.binder.visit is None:
        raise Refused("visit_not_open")
    snapshot = bedside.open_snapshot(None)
    views = snapshot.readings if snapshot else []
    view = next((one for one in views if one.reading.id == message.reading_id), None)
    if view is None or view.reading.provenance not in BY_HAND:
        raise Refused("not_typed_here")
    if view.taken_back:
        return
    if view.decision != "draft":
        raise Refused("already_decided")
    times, journal, whom = clock.times(), bedside.journal, bedside.binder.now()
    record_id = uuid7(clock.unix_ms())
    with journal.transaction():
        bedside.remember_name(nurse)
        journal.append(
            lambda kit_seq: ReadingWithdrawn(
                id=record_id,
                binding=whom.binding(journal.key.kit_id, kit_seq).model_copy(
                    update={"nurse_id": nurse.practitioner_id}
                ),
                times=times,
                reading_id=message.reading_id,
                reason=message.reason.strip(),
            )
        )
    bedside.refresh()
