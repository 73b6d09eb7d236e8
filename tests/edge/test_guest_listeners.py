"""Guests who see and hear the examination: only with the word, doctors first, at once no more when it is taken back."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carebag_edge.agent import Agent
from carebag_edge.guest_listeners import guests_served, word_taken_back
from carebag_edge.live_port import MAX_VIEWERS, NoLiveMedia
from carebag_edge.settings import KitSettings
from carebag_wire.guests import Guest
from carebag_wire.messages import Changed, KitVisits, Present, Problem
from carebag_wire.nurse_messages import OpenVisit
from carebag_wire.visit import Participant, VisitSnapshot

VISIT = UUID(int=1)
NAMES = st.integers(0, 5)
DOCTOR = Participant(id="doctor:1:1", role="doctor", name="Elena Ruiz")


def guest_id(number: int) -> str:
    return f"guest:{UUID(int=number)}"


def guest(number: int, state: str = "admitted", examination: bool = True, visit_id: UUID = VISIT) -> Guest:
    when = "2026-11-23T09:00:00Z"
    told = {"role": "relative", "name": "Karin", "invited_by": "", "invited_at": when, "link_expires_at": when}
    word = {"state": state, "camera": examination, "examination": examination}
    return Guest.model_validate({"id": UUID(int=number), "visit_id": visit_id, **told, **word})


def person(number: int) -> Participant:
    return Participant(id=guest_id(number), role="guest", name="Karin")


def snapshot(guests: list[Guest], here: list[Participant]) -> VisitSnapshot:
    # what is read is the guests and who is here
    return VisitSnapshot.model_construct(guests=guests, participants=here)


@given(
    doctors=st.integers(0, 5),
    words=st.dictionaries(
        NAMES, st.tuples(st.sampled_from(["invited", "waiting", "admitted", "ended"]), st.booleans())
    ),
    here=st.sets(NAMES),
    before=st.lists(NAMES, unique=True),
)
@example(doctors=0, words={0: ("admitted", True), 3: ("admitted", True)}, here={0, 3}, before=[3])
def test_only_who_may_and_is_here_and_only_in_places_that_doctors_leave(
    doctors: int, words: dict[int, tuple[str, bool]], here: set[int], before: list[int]
) -> None:
    people = [DOCTOR.model_copy(update={"id": f"doctor:1:{number}"}) for number in range(doctors)]
    now = snapshot([guest(n, *word) for n, word in words.items()], people + [person(n) for n in here])
    served = guests_served(now, [guest_id(n) for n in before])
    may = {guest_id(n) for n, word in words.items() if word == ("admitted", True) and n in here}
    assert set(served) <= may
    assert len(served) == len(set(served)) == min(len(may), max(0, MAX_VIEWERS - doctors))
    assert guests_served(now, served) == served
    kept = [one for one in map(guest_id, before) if one in may]
    assert len(set(served) & set(kept)) == min(len(kept), len(served))


def test_nobody_without_a_visit() -> None:
    assert guests_served(None, [guest_id(1)]) == []
    assert word_taken_back(None, [guest_id(1)])


def test_a_word_is_taken_back_not_by_going_away() -> None:
    assert not word_taken_back(snapshot([guest(1)], []), [guest_id(1)])
    for gone in ([], [guest(1, examination=False)], [guest(1, "ended")], [guest(2)]):
        assert word_taken_back(snapshot(gone, [person(1)]), [guest_id(1)])


class Served(NoLiveMedia):
    """Remembers whom it was told to serve."""

    def __init__(self) -> None:
        self.told: list[tuple[list[str], list[str]]] = []

    async def set_viewers(self, visit_id: UUID, viewers: list[str], guests: Any = ()) -> None:
        self.told.append((viewers, list(guests)))


@pytest.fixture
async def kit(tmp_path: Path, hands: Any, instruments: Any, world: Any) -> Any:
    """A kit in an open visit, with Elena and one guest in the room."""
    live = Served()
    settings = KitSettings(data=tmp_path / "kit", hub_url="http://127.0.0.1:9", reserve_bytes=2**20)
    agent = Agent(settings, hands.clock, instruments, lambda send_signal: live)
    before = world.visit()
    await agent.hub_said(KitVisits(visits=[before]))
    opening = OpenVisit(visit_id=before.visit.id, identifiers=["name", "personal_id"])
    assert not isinstance(await agent.commands.do(opening, world.nurse()), Problem)
    return Kit(agent, live, before.visit.id, before)


class Kit:
    def __init__(self, agent: Agent, live: Served, visit_id: UUID, before: VisitSnapshot) -> None:
        self.agent, self.live, self.visit_id, self.before = agent, live, visit_id, before

    async def hear(self, message: Any) -> Any:
        """What the hub says, and whom live media is told to serve after it."""
        await self.agent.hub_said(message)
        await asyncio.sleep(0)
        return self.live.told[-1] if self.live.told else None

    async def present(self, *people: Participant) -> Any:
        return await self.hear(Present(visit_id=self.visit_id, participants=list(people), kit_online=True))

    async def word(self, given: bool) -> Any:
        told = guest(1, examination=given, visit_id=self.visit_id)
        return await self.hear(Changed(visit_id=self.visit_id, guest=told))


async def test_the_kit_calls_a_guest_with_the_word_and_hangs_up_when_it_is_taken_back(kit: Any) -> None:
    await kit.word(False)
    assert await kit.present(DOCTOR, person(1)) == ([DOCTOR.id], [])
    await kit.word(True)
    assert await kit.present(DOCTOR, person(1)) == ([DOCTOR.id, guest_id(1)], [guest_id(1)])
    assert kit.agent.kit_status().guests_served == [guest_id(1)]
    assert await kit.word(False) == ([DOCTOR.id], [])  # before the hub says who is here
    assert kit.agent.kit_status().guests_served == []


async def test_a_word_taken_back_while_the_hub_was_away_is_heeded_when_it_is_back(kit: Any) -> None:
    await kit.word(True)
    await kit.present(DOCTOR, person(1))
    back = kit.before.model_copy(update={"participants": [DOCTOR, person(1)]})
    kept = back.model_copy(update={"guests": [guest(1, visit_id=kit.visit_id)]})
    assert (await kit.hear(KitVisits(visits=[kept])))[1] == [guest_id(1)]
    assert await kit.hear(KitVisits(visits=[back])) == ([DOCTOR.id], [])


async def test_a_guest_does_not_count_as_a_doctor_who_is_reached(kit: Any) -> None:
    await kit.word(True)
    await kit.present(person(1))
    assert kit.agent.doctors_present() == 0
