"""The nurse's question to the doctor, in words of her own: a signed record of the open visit."""

from functools import partial

from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_edge.signed_act import sign, the_open
from carebag_wire.nurse_messages import PutQuestion
from carebag_wire.records import QuestionPut
from carebag_wire.visit import Person

MOST_IN_A_VISIT = 50


def put(bedside: Bedside, clock: Clock, message: PutQuestion, nurse: Person) -> None:
    """Durable when it returns. The very same words again, as of a finger that pressed twice, are not asked again.

    Raises:
        Refused: `visit_not_open`, `question_empty`, `too_many_questions`.
    """
    the_open(bedside)
    text = message.text.strip()
    if not text:
        raise Refused("question_empty")
    snapshot = bedside.open_snapshot(None)
    asked = snapshot.questions if snapshot else []
    if asked and asked[-1].text == text:
        return
    if len(asked) >= MOST_IN_A_VISIT:
        raise Refused("too_many_questions")
    with bedside.journal.transaction():
        sign(bedside, clock, nurse, partial(QuestionPut, text=text))
    bedside.refresh()
