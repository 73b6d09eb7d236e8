"""What a nurse does with a visit is one record each, by her name and signed by the kit: a question, a value struck
through or filed, a visit taken over or closed unseen.
"""

from collections.abc import Callable
from dataclasses import replace

from carebag_edge.bedside import Bedside
from carebag_edge.binding import OpenVisit, Whom
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_wire.base import uuid7
from carebag_wire.records import Record
from carebag_wire.values import Times
from carebag_wire.visit import Person, ReadingView


def the_open(bedside: Bedside) -> OpenVisit:
    """Raises: Refused: `visit_not_open`."""
    if bedside.binder.visit is None:
        raise Refused("visit_not_open")
    return bedside.binder.visit


def readings_of_the_open(bedside: Bedside) -> list[ReadingView]:
    snapshot = bedside.open_snapshot(None)
    return snapshot.readings if snapshot else []


def sign(bedside: Bedside, clock: Clock, nurse: Person, act: Callable[..., Record], whom: Whom | None = None) -> Times:
    """Durable at the end of the transaction in which it is called; gives when it was done.

    Args:
        nurse: who does it, whoever holds the visit.
        act: makes the record of its `id`, `binding` and `times`.
        whom: of whose visit; that which is open now if not said.
    """
    bound = replace(whom or bedside.binder.now(), nurse_id=nurse.practitioner_id)
    times, record_id, journal = clock.times(), uuid7(clock.unix_ms()), bedside.journal
    bedside.remember_name(nurse)
    journal.append(lambda kit_seq: act(id=record_id, binding=bound.binding(journal.key.kit_id, kit_seq), times=times))
    return times
