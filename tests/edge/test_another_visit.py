"""What was heard and measured in one home is neither shown nor played in the next."""

from pathlib import Path
from typing import Any

from carebag_edge.agent import Agent
from carebag_edge.kit_state import kit_state
from carebag_edge.live_port import NoLiveMedia
from carebag_edge.settings import KitSettings
from carebag_wire.messages import KitVisits, Present, Problem
from carebag_wire.nurse_messages import CloseVisit, OpenVisit
from carebag_wire.values import Circumstances


class Forgetting(NoLiveMedia):
    def __init__(self) -> None:
        self.times = 0

    def another_visit(self) -> None:
        self.times += 1


async def test_the_next_visit_begins_with_nothing_of_the_one_before(
    tmp_path: Path, hands: Any, instruments: Any, world: Any
) -> None:
    live = Forgetting()
    settings = KitSettings(data=tmp_path / "kit", hub_url="http://127.0.0.1:9", reserve_bytes=2**20)
    agent = Agent(settings, hands.clock, instruments, lambda send_signal: live)
    first, second = world.visit(), world.visit()
    assert first.visit.id != second.visit.id
    await agent.hub_said(KitVisits(visits=[first, second]))
    nurse = world.nurse()

    async def do(act: Any) -> None:
        assert not isinstance(await agent.commands.do(act, nurse), Problem)

    await do(OpenVisit(visit_id=first.visit.id, identifiers=["name", "personal_id"]))
    assert live.times == 1
    agent.intake.vitals.sample(world.oximeter("84"), hands.ns, hands.utc)
    agent.listening.starting(7, 4000, None, Circumstances(point="mitral"))
    agent.listening.not_started(7)
    # who comes and goes in one visit takes nothing away
    await agent.hub_said(Present(visit_id=first.visit.id, participants=[], kit_online=True))
    shown = kit_state(agent)
    assert shown.listening is not None
    assert shown.listening.stream == 7
    assert shown.vitals is not None
    assert shown.vitals.spo2_percent == "84"
    await do(CloseVisit(plan_read=False))
    await do(OpenVisit(visit_id=second.visit.id, identifiers=["name", "personal_id"]))
    shown = kit_state(agent)
    assert (shown.listening, shown.vitals, live.times) == (None, None, 2)
    assert agent.live() is None
