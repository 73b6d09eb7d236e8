"""The nurse's question to the doctor, in words of her own: a signed record of the open visit."""

from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_wire.base import uuid7
from carebag_wire.nurse_messages import PutQuestion
from carebag_wire.records import QuestionPut
from carebag_wire.visit import Person

MOST_IN_A_VISIT = 50


def put(bedside: Bedside, clock: Clock, message: PutQuestion, nurse: Person) -> None:
    """Durable when it returns. The very same words again, as of a finger that pressed twice, are not asked again.

    Raises:
        Refused: `visit_not_open`, `question_empty`, `too_many_questions`.
    """
    if bedside.binder.visit is None:
        raise Refused("visit_not_open")
    text = message.text.strip()
    if not text:
        raise Refused("question_empty")
    snapshot = bedside.open_snapshot(None)
    asked = snapshot.questions if snapshot else []
    if asked and asked[-1].text == text:
        return
    if len(asked) >= MOST_IN_A_VISIT:
        raise Refused("too_many_questions")
    times, journal, whom, record_id = clock.times(), bedside.journal, bedside.binder.now(), uuid7(clock.unix_ms())
    with journal.transaction():
        bedside.remember_name(nurse)
        journal.append(
            lambda kit_seq: QuestionPut(
                id=record_id,
                binding=whom.binding(journal.key.kit_id, kit_seq).model_copy(
                    update={"nurse_id": nurse.practitioner_id}
                ),
                times=times,
                text=text,
            )
        )
    bedside.refresh()
