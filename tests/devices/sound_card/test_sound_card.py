"""The sound-card driver against a sound system on paper: streams, gaps, levels, plugs, surprises."""

import asyncio

import numpy as np
import pytest

from carebag_devices.errors import DeviceRefused, DeviceSilent
from carebag_devices.events import DeviceState, SoundFrame, SoundLevel, SoundStarted, SoundStopped, StateChanged
from carebag_devices.sound_card import SoundCard
from carebag_devices.sound_card import stethoscope as module
from carebag_devices.sound_card.card import Receive, SoundInput

S = DeviceState
BELL = SoundInput(0, "bell: USB Audio (hw:1,0)", 1, 44100)


class PaperCapture:
    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.alive = True
        self.closed = False

    async def close(self) -> None:
        self.alive, self.closed = False, True


class PaperCard:
    """A sound system whose every block is given by hand."""

    def __init__(self) -> None:
        self.plugged = True
        self.rates = {8000, 48000}
        self.trouble: Exception | None = None
        self.busy = False
        self.captures: list[PaperCapture] = []

    async def inputs(self) -> list[SoundInput]:
        if self.trouble is not None:
            raise self.trouble
        return [BELL] if self.plugged else []

    async def accepts(self, _chosen: SoundInput, rate_hz: int) -> bool:
        return rate_hz in self.rates

    async def open(self, _chosen: SoundInput, _rate_hz: int, receive: Receive) -> PaperCapture:
        if self.busy:
            raise DeviceRefused("sound_input_busy")
        self.captures.append(PaperCapture(receive))
        return self.captures[-1]

    def give(self, samples: np.ndarray, at: float = 0.0, *, overflowed: bool = False) -> None:
        self.captures[-1].receive(samples.astype(np.int16).tobytes(), at, overflowed)


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> PaperCard:
    for name in ("WATCH_EVERY_S", "MISSING_AGAIN_S", "PRESENT_AGAIN_S"):
        monkeypatch.setattr(module, name, 0.01)
    return PaperCard()


@pytest.fixture
def card(paper: PaperCard, kit) -> SoundCard:
    return SoundCard("bell", kit.model, kit.report, paper)


def firsts(kit) -> list[int]:
    return [frame.first_sample for frame in kit.of(SoundFrame)]


async def test_a_stream_from_start_to_stop(card: SoundCard, paper: PaperCard, kit) -> None:
    await card.listen(5, 4000)
    assert card.busy
    for number in range(3):
        paper.give(np.full(160, number + 1))
    await card.stop()
    assert not card.busy
    assert [(event.stream, event.rate_hz) for event in kit.of(SoundStarted)] == [(5, 8000)]
    assert firsts(kit) == [0, 160, 320]
    assert kit.sound().tolist() == [1] * 160 + [2] * 160 + [3] * 160
    assert [(event.stream, event.reason, event.samples) for event in kit.of(SoundStopped)] == [(5, "asked", 480)]
    assert paper.captures[0].closed
    assert kit.states() == [S.MEASURING, S.READY]


async def test_blocks_before_the_opening_returns_come_after_the_start(card: SoundCard, paper: PaperCard, kit) -> None:
    opened = paper.open

    async def eager(*args) -> PaperCapture:
        capture = await opened(*args)
        paper.give(np.ones(160))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return capture

    paper.open = eager  # type: ignore[method-assign]
    await card.listen(1, 8000)
    assert [type(event) for event in kit.told if not isinstance(event, StateChanged)] == [SoundStarted, SoundFrame]


async def test_an_overflow_is_a_gap_and_said_so(card: SoundCard, paper: PaperCard, kit) -> None:
    await card.listen(1, 8000)
    paper.give(np.ones(160), 1.0)
    paper.give(np.ones(160), 1.12, overflowed=True)
    paper.give(np.ones(160), 1.14)
    await asyncio.sleep(0)
    assert firsts(kit) == [0, 960, 1120]
    assert [frame.overrun for frame in kit.of(SoundFrame)] == [False, True, False]
    assert card.numbering is not None
    assert (card.numbering.estimated_gaps, card.numbering.estimated_samples) == (1, 800)


async def test_a_loop_that_is_too_slow_loses_blocks_and_knows_how_many(
    card: SoundCard, paper: PaperCard, kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.Handover.__init__, "__defaults__", (2,))
    await card.listen(1, 8000)
    for number in range(5):
        paper.give(np.ones(160), number * 0.02)
    await asyncio.sleep(0)
    paper.give(np.ones(160), 0.1)
    await asyncio.sleep(0)
    assert firsts(kit) == [0, 160, 800]
    assert [frame.overrun for frame in kit.of(SoundFrame)] == [False, False, True]
    assert card.numbering is not None
    assert card.numbering.estimated_gaps == 0


async def test_clipping_and_level_are_told(card: SoundCard, paper: PaperCard, kit) -> None:
    await card.listen(1, 8000)
    paper.give(np.array([0, 32767, 32767]))
    paper.give(np.array([32767, *[0] * 1996, 1000]))
    await asyncio.sleep(0)
    assert [frame.clipped for frame in kit.of(SoundFrame)] == [False, True]
    (level,) = kit.of(SoundLevel)
    assert (level.stream, level.word) == (1, "clipped")
    assert level.peak_dbfs == pytest.approx(0.0, abs=0.01)


async def test_a_new_stream_ends_the_one_before(card: SoundCard, paper: PaperCard, kit) -> None:
    await card.listen(1, 8000)
    paper.give(np.ones(160))
    await card.listen(2, 48000)
    paper.captures[0].receive(np.ones(160, np.int16).tobytes(), 0.0, False)
    paper.give(np.full(10, 7))
    await asyncio.sleep(0)
    assert [(event.stream, event.reason, event.samples) for event in kit.of(SoundStopped)] == [(1, "asked", 160)]
    assert [(frame.stream, frame.first_sample) for frame in kit.of(SoundFrame)] == [(1, 0), (2, 0)]


async def test_stop_without_a_stream(card: SoundCard, kit) -> None:
    await card.stop()
    assert kit.told == []


async def test_an_input_that_is_busy_or_missing(card: SoundCard, paper: PaperCard, kit) -> None:
    paper.busy = True
    with pytest.raises(DeviceRefused, match="sound_input_busy"):
        await card.listen(1, 8000)
    paper.busy, paper.plugged = False, False
    with pytest.raises(DeviceSilent, match="sound_input_missing"):
        await card.listen(2, 8000)
    assert not card.busy
    assert kit.of(SoundStarted) == kit.of(SoundStopped) == []


async def test_a_plug_that_comes_goes_and_comes_back(card: SoundCard, paper: PaperCard, kit, run) -> None:
    paper.plugged = False
    run(card.run())
    await kit.until_state(S.UNSEEN)
    for plugged, state in ((True, S.READY), (False, S.LOST), (True, S.READY)):
        paper.plugged = plugged
        await kit.until_state(state)
    assert kit.states() == [S.UNSEEN, S.READY, S.LOST, S.READY]
    assert [event.detail for event in kit.of(StateChanged)][::2] == ["sound_input_missing"] * 2


async def test_a_plug_pulled_while_listening(card: SoundCard, paper: PaperCard, kit, run) -> None:
    run(card.run())
    await kit.until_state(S.READY)
    await card.listen(1, 8000)
    paper.give(np.ones(160))
    paper.plugged, paper.captures[0].alive = False, False
    await kit.until_state(S.LOST)
    assert [(event.reason, event.samples) for event in kit.of(SoundStopped)] == [("lost", 160)]
    paper.plugged = True
    await kit.until_state(S.READY)
    await card.listen(2, 8000)
    paper.give(np.ones(160))
    await kit.until(lambda: kit.of(SoundFrame)[-1].stream == 2)


async def test_an_open_input_that_falls_silent_is_lost(
    card: SoundCard, paper: PaperCard, kit, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.0)
    await card.listen(1, 8000)
    paper.give(np.ones(160))
    run(card.run())
    await kit.until(lambda: kit.of(SoundStopped))
    assert kit.of(SoundStopped)[0].reason == "lost"
    assert "sound_input_silent" in [event.detail for event in kit.of(StateChanged)]
    assert paper.captures[0].closed


@pytest.mark.parametrize("trouble", [DeviceSilent("sound_system_missing"), RuntimeError("surprise"), OSError()])
async def test_no_trouble_ends_the_watch(card: SoundCard, paper: PaperCard, kit, run, trouble: Exception) -> None:
    run(card.run())
    await kit.until_state(S.READY)
    paper.trouble = trouble
    await kit.until_state(S.LOST)
    paper.trouble = None
    await kit.until_state(S.READY)


async def test_a_cancelled_watch_closes_the_input(card: SoundCard, paper: PaperCard, kit, run) -> None:
    watching = run(card.run())
    await card.listen(1, 8000)
    await asyncio.sleep(0.02)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert paper.captures[0].closed
    assert [event.reason for event in kit.of(SoundStopped)] == ["lost"]
