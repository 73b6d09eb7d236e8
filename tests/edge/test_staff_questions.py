"""The medical lead's questions at the kit, with the true hub: between visits, kept until the hub has the answer."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.edge.test_sync_with_hub import Scene
from tests.edge.test_sync_with_hub import scene as hub_scene  # noqa: F401 (a fixture)

from carebag_edge import staff_questions
from carebag_edge.hub_client import HubClient
from carebag_edge.journal import Journal
from carebag_edge.staff_questions import KEY, KeptAnswer, StaffQuestions
from carebag_server.database import Database
from carebag_server.demo_data import demo_id
from carebag_server.review_tables import QuestionRow
from carebag_server.tables import AuditRow, Commission, Organization
from carebag_wire.base import uuid7
from carebag_wire.nurse_messages import AnswerQuestion
from carebag_wire.review import Question


class Desk:
    """The medical lead's side, straight on the hub's store."""

    def __init__(self, scene: Scene) -> None:
        self.database = Database(scene.hub.database)
        self.now = scene.agent.clock.utc

    def ask(self, text: str = "Varför?", to: str = "Anna Lind") -> str:
        with self.database.transaction() as session:
            home = session.scalars(select(Organization)).first()
            assert home is not None
            row = QuestionRow(
                id=uuid7(int(self.now().timestamp() * 1000)),
                organization_id=home.id,
                seq=1,
                to_id=demo_id(to),
                to_name=to,
                patient_id=None,
                visit_id=None,
                text=text,
                asked_by="Karin Berg",
                asked_at=self.now(),
            )
            session.add(row)
            return str(row.id)

    def answer(self) -> str:
        with self.database.reading() as session:
            return session.scalars(select(QuestionRow.answer)).one()

    def actions(self) -> list[str]:
        with self.database.reading() as session:
            return [one for one in session.scalars(select(AuditRow.action)) if "question" in one]


@pytest.fixture
async def asked(hub_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> tuple[Scene, Desk, Any]:  # noqa: F811
    """A nurse at her kit between two visits, and one question."""
    monkeypatch.setattr(staff_questions, "EVERY_S", 0.05)
    await hub_scene.start_kit()
    assert await hub_scene.enter() == 200
    nurse = await hub_scene.nurse()
    await nurse.state(lambda m: m["visits"] and m["hub"] == "online")
    return hub_scene, Desk(hub_scene), nurse


def one(message: dict[str, Any], answer: str) -> bool:
    return [question["answer"] for question in message["questions"]] == [answer]


async def test_she_sees_it_and_answers_and_it_is_sent_only_when_the_hub_has_it(asked: Any) -> None:
    _, desk, nurse = asked
    number = desk.ask("Vad gjorde du där?")
    state = await nurse.state(lambda m: one(m, "none"))
    assert state["questions"][0]["question"]["text"] == "Vad gjorde du där?"
    assert desk.actions() == ["questions_listed"]  # asking whether something waits is no reading
    await nurse.send(type="answer_question", question_id=number, text="Jag var på besök")
    await nurse.send(type="answer_question", question_id=number, text="Jag var på besök")
    state = await nurse.state(lambda m: one(m, "sent"))
    assert (desk.answer(), state["questions"][0]["given"]) == ("Jag var på besök", "Jag var på besök")
    assert desk.actions() == ["questions_listed", "question_answered"]


async def test_without_the_hub_it_is_kept_over_a_restart_and_goes_by_itself(asked: Any) -> None:
    scene, desk, nurse = asked
    number = desk.ask()
    await nurse.state(lambda m: one(m, "none"))
    await scene.hub.stop()
    await nurse.state(lambda m: m["hub"] == "offline")
    await nurse.send(type="answer_question", question_id=number, text="Sent på dagen")
    await nurse.state(lambda m: one(m, "kept"))
    await scene.stop_kit()
    await scene.start_kit()
    nurse = await scene.nurse()
    state = await nurse.state(lambda m: one(m, "kept"))
    assert (state["questions"][0]["given"], desk.answer()) == ("Sent på dagen", "")
    await scene.hub.start()
    await nurse.state(lambda m: m["hub"] == "online" and not any(q["answer"] == "kept" for q in m["questions"]))
    assert desk.answer() == "Sent på dagen"


async def test_in_a_visit_nothing_is_fetched(asked: Any) -> None:
    scene, desk, nurse = asked
    visit_id = scene.agent.kit_state().visits[0].id
    await nurse.send(type="open_visit", visit_id=str(visit_id), identifiers=["name", "personal_id"])
    await nurse.state(lambda m: m["open"] and m["unsent"] == 0)
    desk.ask()
    await asyncio.sleep(0.3)
    assert (desk.actions(), scene.agent.kit_state().questions) == ([], [])
    await nurse.send(type="close_visit", plan_read=True)
    await nurse.state(lambda m: m["open"] is None and one(m, "none"))


async def test_what_the_hub_will_not_have_is_said(asked: Any) -> None:
    scene, desk, nurse = asked
    number = desk.ask()
    await nurse.state(lambda m: one(m, "none"))
    with desk.database.transaction() as session:
        session.execute(update(Commission).where(Commission.role == "nurse").values(ended_at=desk.now()))
    await nurse.send(type="answer_question", question_id=number, text="x")
    state = await nurse.state(lambda m: one(m, "refused"))
    assert (state["questions"][0]["problem"], scene.agent.journal.state(KEY)) == ("no_commission", None)


async def test_what_she_was_not_asked_she_cannot_answer(asked: Any) -> None:
    _, desk, nurse = asked
    for number in (desk.ask(to="Elena Ruiz"), str(uuid.uuid4())):
        await nurse.send(type="answer_question", question_id=number, text="x")
        await nurse.until(lambda m: m["type"] == "problem" and m["code"] == "not_found")
    assert desk.actions() == []


def test_a_journal_s_answers_are_shown_to_who_gave_them(journal: Journal, key: Any, hands: Any, world: Any) -> None:
    nurse, other = world.nurse(), world.nurse("Maria Testsson")
    question = Question(
        id=world.new_id(),
        seq=1,
        to_name=nurse.name,
        patient=None,
        access_at=None,
        text="?",
        asked_by="Karin Berg",
        asked_at=hands.utc,
        answer="",
        answered_at=None,
    )
    kept = KeptAnswer(nurse_id=nurse.commission_id, question=question, text="ja")
    journal.put_state(KEY, staff_questions._kept.dump_json([kept]).decode())
    hub = HubClient("http://127.0.0.1:9", key, hands.clock)
    questions = StaffQuestions(journal, hub, lambda: None, lambda: None)
    assert [(one.given, one.answer) for one in questions.shown(nurse)] == [("ja", "kept")]
    assert (questions.shown(other), questions.shown(None)) == ([], [])
    questions.answer(nurse, AnswerQuestion(question_id=question.id, text="annat"))
    assert [one.given for one in questions.shown(nurse)] == ["ja"]


def test_what_cannot_be_read_is_none(journal: Journal, key: Any, hands: Any, world: Any, tmp_path: Path) -> None:
    journal.put_state(KEY, '[{"text": 1}]')
    hub = HubClient("http://127.0.0.1:9", key, hands.clock)
    assert StaffQuestions(journal, hub, lambda: None, lambda: None).shown(world.nurse()) == []
