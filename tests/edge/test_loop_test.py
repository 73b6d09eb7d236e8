"""The morning's loop test: taps outside a visit, judged, thrown away. Synthetic sound."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carebag_devices.errors import DeviceLost
from carebag_devices.events import SoundLevel, SoundStopped
from carebag_edge import loop_test
from carebag_edge.agent import Agent
from carebag_edge.live_port import NoLiveMedia
from carebag_edge.settings import KitSettings
from carebag_wire.messages import Problem
from carebag_wire.nurse_messages import OpenVisit, RunLoopTest, StartRequest


def taps(amplitude: int, seconds: int = 5) -> np.ndarray:
    sound = (np.random.default_rng(1).standard_normal(seconds * 4000) * 20).astype(np.int16)
    for at in range(2000, len(sound), 4000):
        sound[at : at + 40] = (np.sin(np.arange(40)) * amplitude).astype(np.int16)
    return sound


class Morning:
    """A kit that nobody runs: only its parts are asked."""

    def __init__(self, folder: Path, clock: Any, instruments: Any, world: Any) -> None:
        settings = KitSettings(data=folder, hub_url="http://127.0.0.1:9", reserve_bytes=2**20)
        self.agent = Agent(settings, clock, instruments, lambda send_signal: NoLiveMedia())
        self.world, self.nurse = world, world.nurse()

    @property
    def instruments(self) -> Any:
        return self.agent.instruments

    async def do(self, message: Any) -> str | None:
        answer = await self.agent.commands.do(message, self.nurse)
        return answer.code if isinstance(answer, Problem) else None

    async def start(self) -> None:
        assert await self.do(RunLoopTest()) is None
        await self.instruments.asked.wait()

    async def ended(self) -> Any:
        while self.agent.loop_test.running:  # noqa: ASYNC110 (its task is spawned and known to nobody)
            await asyncio.sleep(0)
        return self.agent.kit_state().loop_test


@pytest.fixture
def make_morning(tmp_path: Path, hands: Any, instruments: Any, world: Any) -> Callable[[], Morning]:
    return lambda: Morning(tmp_path / "kit", hands.clock, instruments, world)


@pytest.fixture
def morning(make_morning: Any) -> Morning:
    return make_morning()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("amplitude", "state"), [(9000, "heard"), (300, "too_quiet"), (400_000, "clipped")])
async def test_taps_are_judged_and_nothing_is_kept(
    morning: Morning, make_morning: Any, amplitude: int, state: str
) -> None:
    await morning.start()
    assert morning.agent.kit_state().loop_test.state == "running"  # type: ignore[union-attr]
    sound = taps(9000).astype(np.int32) * amplitude // 9000
    for part in np.array_split(np.clip(sound, -32768, 32767), 170):
        morning.instruments.sound(part)
    result = await morning.ended()
    assert (result.state, result.device_id, result.problem) == (state, "C0:FF:EE:00:00:03", None)
    assert morning.instruments.stream is None
    assert (morning.agent.listening.message, morning.agent.journal.numbers()) == (None, [])
    assert not list((morning.agent.settings.data).glob("recordings/*"))
    morning.agent.journal.close()
    again = make_morning()
    assert again.agent.kit_state().loop_test == result
    again.agent.journal.close()


@pytest.mark.parametrize(
    ("samples", "state", "problem"),
    [
        (np.zeros(20_000), "silent", None),
        ((np.random.default_rng(1).standard_normal(20_000) * 3000), "failed", "no_taps"),
    ],
)
async def test_without_taps_it_says_why(morning: Morning, samples: Any, state: str, problem: Any) -> None:
    await morning.start()
    morning.instruments.sound(samples)
    result = await morning.ended()
    assert (result.state, result.problem) == (state, problem)


@pytest.mark.parametrize("turns", range(4))
async def test_a_kit_that_stops_when_the_last_tap_comes(morning: Morning, turns: int) -> None:
    """Nothing is written any more: the journal is about to be closed."""
    desk = morning.agent.loop_test
    desk.begin(9)
    task = asyncio.create_task(desk.run(morning.instruments, 4000))
    await morning.instruments.asked.wait()
    await asyncio.sleep(0)
    desk._over.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() or turns > 0
    morning.agent.journal.close()


async def test_a_stethoscope_that_is_not_there_or_gets_lost(morning: Morning, monkeypatch: Any) -> None:
    morning.instruments.silent = True
    await morning.start()
    result = await morning.ended()
    assert (result.state, result.problem, result.peak_dbfs) == ("failed", "device_silent", None)
    morning.instruments.silent = False
    morning.instruments.asked.clear()
    await morning.start()
    morning.agent.intake(SoundStopped(morning.world.oximeter().identity, morning.instruments.stream, "lost", 0))
    result = await morning.ended()
    assert (result.state, result.problem) == ("failed", "device_lost")

    async def lost() -> None:
        raise DeviceLost

    monkeypatch.setattr(loop_test, "PATIENCE_S", 0.0)
    monkeypatch.setattr(morning.instruments, "stop_listening", lost)
    morning.instruments.asked.clear()
    await morning.start()
    assert (await morning.ended()).problem == "device_silent"


async def test_not_in_a_visit_and_not_twice(morning: Morning) -> None:
    await morning.start()
    assert await morning.do(RunLoopTest()) == "already_listening"
    visit = morning.world.visit()
    morning.agent.bedside.hub_said(morning.world.told(visit))
    opening = OpenVisit(visit_id=visit.visit.id, identifiers=["name", "personal_id"])
    stream = morning.instruments.stream
    assert await morning.do(opening) is None
    assert morning.agent.kit_state().loop_test is None
    assert not morning.agent.loop_test.running
    identity = morning.world.oximeter().identity
    morning.agent.intake(SoundLevel(identity, stream, -3.0, -20.0, "good"))
    if morning.instruments.stream is not None:
        morning.instruments.sound(taps(9000))
    assert (morning.agent.listening.active, morning.agent.kit_state().loop_test) == (False, None)
    assert await morning.do(RunLoopTest()) == "visit_is_open"


async def test_while_it_runs_no_other_sound_begins(morning: Morning) -> None:
    visit = morning.world.visit()
    request = morning.world.request(visit.visit.id, "listen")
    visit = visit.model_copy(update={"requests": [request]})
    morning.agent.bedside.hub_said(morning.world.told(visit))
    await morning.do(OpenVisit(visit_id=visit.visit.id, identifiers=["name", "personal_id"]))
    morning.agent.loop_test.begin(99)
    assert await morning.do(StartRequest(request_id=request.id)) == "already_listening"
