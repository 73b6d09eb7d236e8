"""What the medical lead asks the nurse of her access, and her answers: kept in the journal until the hub has them.

The kit asks which questions wait; only when there is one that it does not know it fetches them, since fetching is a
reading of patients' data that stands in the log. Nothing is asked while a visit is open: a question waits until after.
"""

import asyncio
import contextlib
from collections.abc import Callable
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from carebag_edge.errors import HubAway, HubRefused, Refused
from carebag_edge.hub_client import HubClient
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.sync import UNTAKEABLE
from carebag_wire.base import Code, Id, Wire
from carebag_wire.nurse_messages import AnswerQuestion, StaffQuestion
from carebag_wire.review import NurseAnswers, OfNurse, Question, QuestionsWaiting, Words
from carebag_wire.visit import Person

WAITING, LIST, ANSWER = "/api/kit/questions/waiting", "/api/kit/questions", "/api/kit/questions/{id}/answer"
EVERY_S = 30.0
KEY = "staff_answers"
FOR_GOOD = UNTAKEABLE | {403, 404}


class KeptAnswer(Wire):
    """In the journal: what was answered, to what, by whom."""

    nurse_id: Id
    question: Question
    text: Words


_kept, _list = TypeAdapter(list[KeptAnswer]), TypeAdapter(list[Question])


class StaffQuestions:
    """Of the nurse who is signed in now; answers of one who left meanwhile are sent all the same.

    Args:
        asks: the nurse whose questions may be fetched now; None: nobody looks, or a visit is open.
        changed: what the page shows is different.
    """

    def __init__(
        self, journal: Journal, hub: HubClient, asks: Callable[[], Person | None], changed: Callable[[], None]
    ) -> None:
        self._journal, self._hub, self._asks, self._changed = journal, hub, asks, changed
        self._nurse: UUID | None = None
        self._asked: dict[UUID, Question] = {}
        self._kept = _read(journal.state(KEY))
        self._over: dict[UUID, StaffQuestion] = {}
        """Answers the hub has, or would not have, while they are news."""
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """The hub is back, somebody signed in, or a visit was closed."""
        self._wake.set()

    def visit_changed(self, *, is_open: bool) -> None:
        """Between two visits there is time for questions; by the next, what became of the last answers was seen."""
        if is_open:
            self._over.clear()
        self.wake()

    def shown(self, nurse: Person | None) -> list[StaffQuestion]:
        """For the page of that nurse, the oldest question first."""
        if nurse is None:
            return []
        kept = {one.question.id: one for one in self._kept if one.nurse_id == nurse.commission_id}
        found = [StaffQuestion(question=one.question, given=one.text, answer="kept") for one in kept.values()]
        if nurse.commission_id == self._nurse:
            found += self._over.values()
            waiting = [one for key, one in self._asked.items() if key not in kept and key not in self._over]
            found += [StaffQuestion(question=one) for one in waiting]
        return sorted(found, key=lambda one: (one.question.asked_at, one.question.id))

    def answer(self, nurse: Person, said: AnswerQuestion) -> None:
        """Keep her answer; it is on the disk when this returns.

        Raises:
            Refused: `not_found`: she was not asked that, as far as the kit knows.
        """
        if any(one.question.id == said.question_id for one in self._kept) or said.question_id in self._over:
            return  # the second tap of a double tap
        question = self._asked.get(said.question_id)
        if question is None or nurse.commission_id != self._nurse:
            raise Refused("not_found")
        self._keep([*self._kept, KeptAnswer(nurse_id=nurse.commission_id, question=question, text=said.text)])
        self._changed()
        self.wake()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            with contextlib.suppress(HubAway, HubRefused, ValidationError, *DATABASE_ERRORS):
                await self.send()
                await self.fetch()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()

    async def send(self) -> None:
        """Answers that wait, the oldest first. Raises: HubAway; HubRefused for now, such as while not enrolled."""
        for one in list(self._kept):
            path, code = ANSWER.format(id=one.question.id), None
            try:
                answer = await self._hub.post(path, NurseAnswers(nurse_id=one.nurse_id, text=one.text))
                question = Question.model_validate_json(answer)
            except HubRefused as error:
                if error.status not in FOR_GOOD:
                    raise
                question, code = one.question, error.code
            self._keep([other for other in self._kept if other is not one])
            self._asked.pop(one.question.id, None)
            if one.nurse_id == self._nurse:
                self._over[one.question.id] = _settled(question, one.text, code)
            self._changed()

    async def fetch(self) -> None:
        """Raises: HubAway, HubRefused, ValidationError: something answered that is not our hub."""
        nurse = self._asks()
        if nurse is None:
            return
        if nurse.commission_id != self._nurse:
            self._nurse, self._asked = nurse.commission_id, {}
            self._over.clear()
        of = OfNurse(nurse_id=nurse.commission_id)
        waiting = set(QuestionsWaiting.model_validate_json(await self._hub.post(WAITING, of)).ids)
        asked = {key: one for key, one in self._asked.items() if key in waiting}
        if waiting - asked.keys():
            found = _list.validate_json(await self._hub.post(LIST, of))
            asked = {one.id: one for one in found}
        if self._nurse == nurse.commission_id and asked != self._asked:
            self._asked = asked
            self._changed()

    def _keep(self, kept: list[KeptAnswer]) -> None:
        self._journal.put_state(KEY, _kept.dump_json(kept).decode() if kept else None)
        self._kept = kept


def _settled(question: Question, given: str, code: Code | None) -> StaffQuestion:
    return StaffQuestion(question=question, given=given, answer="refused" if code else "sent", problem=code)


def _read(text: str | None) -> list[KeptAnswer]:
    try:
        return _kept.validate_json(text) if text else []
    except ValidationError:
        return []
