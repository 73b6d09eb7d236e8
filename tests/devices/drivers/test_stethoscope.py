"""The stethoscope's driver against a device on paper: every answer, notice and frame placed by hand."""

import asyncio
import time
from collections.abc import Callable

import numpy as np
import pytest

from carebag_devices.catalog import CATALOG
from carebag_devices.codecs import auscultation
from carebag_devices.codecs.auscultation import AudioFrame, Digest, Format, Info
from carebag_devices.codecs.auscultation_control import (
    Command,
    End,
    Ended,
    Gain,
    Mark,
    MarkKey,
    Resend,
    Response,
    Start,
    Status,
    Stop,
    Time,
    parse_command,
)
from carebag_devices.codecs.crc32c import crc32c
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.drivers import stethoscope as driver_module
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.errors import DeviceRefused, DeviceSilent
from carebag_devices.events import DeviceState, Event, Identity, SoundFrame, SoundStarted, SoundStopped, StateChanged
from carebag_devices.link import Receive

SIZE = 60
Answer = Callable[[Command], Response | None]


def sound(number: int) -> bytes:
    return (3000 * np.sin(np.arange(number * SIZE, (number + 1) * SIZE) / 11)).astype("<i2").tobytes()


def frame(number: int, **more: bool) -> AudioFrame:
    return AudioFrame(number % 2**16, number * SIZE % 2**32, sound(number), **more, fmt=Format.RICE)


def obliging(command: Command) -> Response:
    """Answers yes to everything, at sample 600 of frame 10."""
    results = {Stop: bytes(End(600, 10)), Time: (600).to_bytes(4, "little"), Mark: (600).to_bytes(4, "little")}
    result = results.get(type(command), b"")
    if isinstance(command, Start):
        result = command.stream.to_bytes(4, "little")
    if isinstance(command, Gain):
        result = command.gain.to_bytes(1, "little", signed=True)
    return Response(command.opcode, Status.DONE, result)


class PaperLink:
    """A stethoscope that sends only what the test hands it, and answers as `answer` says."""

    def __init__(self, info: Info) -> None:
        self.lost = asyncio.Event()
        self.info = info
        self.answer: Answer = obliging
        self.written: list[Command] = []
        self.receive: dict[str, Receive] = {}
        self.resend = asyncio.Event()

    def has(self, characteristic: str) -> bool:
        return characteristic in self.receive

    async def pair(self) -> None: ...

    async def disconnect(self) -> None: ...

    async def read(self, characteristic: str) -> bytes:
        assert characteristic == auscultation.INFO
        return bytes(self.info)

    async def subscribe(self, characteristic: str, receive: Receive) -> None:
        self.receive[characteristic] = receive

    async def write(self, characteristic: str, data: bytes) -> None:
        assert characteristic == auscultation.CONTROL
        command = parse_command(data)
        self.written.append(command)
        if isinstance(command, Resend):
            self.resend.set()
        response = self.answer(command)
        if response is not None:
            self.control(response)

    def control(self, said: Response | MarkKey | Ended) -> None:
        self.receive[auscultation.CONTROL](bytes(said))

    def audio(self, *frames: AudioFrame) -> None:
        for one in frames:
            self.receive[auscultation.AUDIO](bytes(one))


class Bench:
    """Driver, device and what was told."""

    def __init__(self, info: Info) -> None:
        self.told: list[Event] = []
        self.link = PaperLink(info)
        report = Reporter(Identity("C6:00:00:00:00:03", "stethoscope"), self.take, Ledger(time.monotonic))
        model = next(entry for entry in CATALOG if entry.kind == "stethoscope")
        self.driver = StethoscopeDriver(self.link, report, model)

    def take(self, event: Event) -> bool:
        self.told.append(event)
        return True

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]

    def heard(self) -> list[int]:
        return [event.first_sample // SIZE for event in self.told if isinstance(event, SoundFrame)]

    def details(self) -> list[str]:
        return [event.detail for event in self.told if isinstance(event, StateChanged)]

    async def resends(self) -> list[Command]:
        """What was asked for again, once something was."""
        async with asyncio.timeout(5):
            await self.link.resend.wait()
        return [command for command in self.link.written if isinstance(command, Resend)]


BOTH = 0b11


@pytest.fixture
async def bench() -> Bench:
    made = Bench(Info(1, 0b111, BOTH, 16, 600, Special.NAN))
    await made.driver.subscribe()
    return made


async def test_sound_comes_exact_and_is_proved(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    assert bench.link.written == [Start(8000, 7, Format.RICE)]
    bench.link.audio(*map(frame, range(10)))
    data = b"".join(map(sound, range(10)))
    bench.link.receive[auscultation.DIGEST](bytes(Digest(0, 600, crc32c(data))))
    await bench.driver.stop()
    assert b"".join(event.samples.tobytes() for event in bench.of(SoundFrame)) == data
    assert (bench.driver.tally.verified, bench.driver.tally.gaps) == (1, 0)
    assert bench.of(SoundStarted) == [SoundStarted(bench.of(SoundStarted)[0].identity, 7, 8000)]
    (stopped,) = bench.of(SoundStopped)
    assert (stopped.reason, stopped.samples) == ("asked", 600)


async def test_a_device_without_rice_sends_pcm16() -> None:
    bench = Bench(Info(1, 0b111, 0b01, 16, 600, Special.NAN))
    await bench.driver.subscribe()
    await bench.driver.listen(7, 8000)
    assert bench.link.written == [Start(8000, 7, Format.PCM16)]


async def test_a_device_with_lossy_sound_only_is_refused() -> None:
    bench = Bench(Info(1, 0b111, 0b100, 16, 600, Special.NAN))
    await bench.driver.subscribe()
    with pytest.raises(DeviceRefused, match="format_not_supported"):
        await bench.driver.listen(7, 8000)
    assert (bench.link.written, bench.driver.busy) == ([], False)


async def test_another_version_of_the_profile_is_refused() -> None:
    bench = Bench(Info(2, 0b111, BOTH, 16, 600, Special.NAN))
    with pytest.raises(DeviceRefused, match="profile_version"):
        await bench.driver.subscribe()


@pytest.mark.parametrize(
    ("status", "word"), [(1, "not_supported"), (3, "wrong_state"), (5, "mtu_too_small"), (200, "unknown_status")]
)
async def test_a_refusal_is_told_in_words(bench: Bench, status: int, word: str) -> None:
    bench.link.answer = lambda command: Response(command.opcode, status)
    with pytest.raises(DeviceRefused, match=word):
        await bench.driver.listen(7, 8000)
    assert not bench.driver.busy
    assert bench.of(SoundStarted) == bench.of(SoundStopped) == []


async def test_silence_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module.StethoscopeDriver._command, "__defaults__", (0.01,))
    bench.link.answer = lambda _command: None
    with pytest.raises(DeviceSilent, match="no_answer"):
        await bench.driver.listen(7, 8000)
    assert not bench.driver.busy


async def test_frames_of_the_former_stream_are_not_the_new_ones(bench: Bench) -> None:
    def answer(command: Command) -> Response:
        if isinstance(command, Start):
            bench.link.audio(frame(0), frame(500))
            bench.link.control(Response(command.opcode, Status.DONE, (6).to_bytes(4, "little")))
            bench.link.control(Response(Stop.opcode, Status.DONE, bytes(End(600, 10))))
            bench.link.audio(frame(1))
            assert bench.of(SoundStarted) == []
        return obliging(command)

    bench.link.answer = answer
    await bench.driver.listen(7, 8000)
    bench.link.audio(frame(0), frame(1))
    assert bench.heard() == [0, 1]
    assert bench.driver.tally.doubled == 0


async def test_a_frame_in_the_same_breath_as_the_answer_is_heard(bench: Bench) -> None:
    def answer(command: Command) -> None:
        bench.link.control(obliging(command))
        bench.link.audio(frame(0))

    bench.link.answer = answer
    await bench.driver.listen(7, 8000)
    assert bench.heard() == [0]


async def test_what_is_missing_is_asked_for_once_and_takes_its_place(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.audio(frame(0), frame(3), frame(4))
    assert await bench.resends() == [Resend(1, 2)]
    bench.link.audio(frame(1, retransmitted=True), frame(2, retransmitted=True))
    assert bench.heard() == [0, 1, 2, 3, 4]
    assert (bench.driver.tally.repaired, bench.driver.tally.gaps) == (2, 0)


async def test_a_stack_that_calls_back_twice(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    for number in range(10):
        bench.link.audio(frame(number), frame(number))
    digest = bytes(Digest(0, 600, crc32c(b"".join(map(sound, range(10))))))
    bench.link.receive[auscultation.DIGEST](digest)
    await bench.driver.stop()
    assert bench.heard() == list(range(10))
    assert (bench.driver.tally.doubled, bench.driver.tally.verified) == (10, 1)


async def test_a_tail_that_got_lost_is_fetched(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.audio(*map(frame, range(7)))
    stopping = asyncio.create_task(bench.driver.stop())
    assert await bench.resends() == [Resend(7, 3)]
    bench.link.audio(*(frame(number, retransmitted=True) for number in (7, 8, 9)))
    await stopping
    assert bench.heard() == list(range(10))
    assert [event.samples for event in bench.of(SoundStopped)] == [600]


async def test_a_tail_that_stays_lost_counts_in_the_length(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.audio(*map(frame, range(7)))
    await bench.driver.stop()
    assert bench.heard() == list(range(7))
    assert [event.samples for event in bench.of(SoundStopped)] == [600]
    assert bench.driver.tally.gaps == 1


async def test_a_digest_that_differs_is_told(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.receive[auscultation.DIGEST](bytes(Digest(0, 2 * SIZE, 1)))
    bench.link.audio(frame(0))
    assert "digest_mismatch" not in bench.details()
    bench.link.audio(frame(1))
    assert "digest_mismatch" in bench.details()
    assert bench.driver.tally.mismatched == 1


async def test_the_device_ends_the_stream(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.audio(*map(frame, range(10)))
    bench.link.control(Ended(End(600, 10)))
    await asyncio.gather(*bench.driver._asking)
    (stopped,) = bench.of(SoundStopped)
    assert (stopped.reason, stopped.samples) == ("device", 600)
    assert [event.state for event in bench.of(StateChanged)][-1] is DeviceState.READY
    await bench.driver.stop()
    assert len(bench.of(SoundStopped)) == 1


async def test_the_key_on_the_stethoscope_marks_a_sample(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.control(MarkKey(826))
    assert list(bench.driver.marks) == [826]
    assert (await bench.driver.mark(), await bench.driver.sample_now()) == (600, 600)
    assert await bench.driver.set_gain(-6) == -6
    await bench.driver.listen(8, 8000)
    assert list(bench.driver.marks) == []


async def test_a_frame_cut_short_is_asked_for_again(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.receive[auscultation.AUDIO](bytes(frame(0))[:20])
    bench.link.audio(frame(1))
    assert await bench.resends() == [Resend(0, 1)]
    bench.link.audio(frame(0))
    assert (bench.heard(), bench.driver.unreadable) == ([0, 1], 1)


async def test_a_link_that_breaks_ends_the_stream_as_lost(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.audio(frame(0), frame(2))
    bench.link.lost.set()
    bench.driver.close()
    (stopped,) = bench.of(SoundStopped)
    assert (bench.heard(), stopped.reason, stopped.samples) == ([0, 2], "lost", 3 * SIZE)


async def test_a_stop_asked_twice_does_not_end_the_next_stream(bench: Bench) -> None:
    await bench.driver.listen(7, 8000)
    bench.link.audio(*map(frame, range(7)))
    stopping = [asyncio.create_task(bench.driver.stop()) for _ in range(2)]
    await asyncio.gather(stopping[0], bench.driver.listen(8, 8000))
    await stopping[1]
    assert [(event.stream, event.reason) for event in bench.of(SoundStopped)] == [(7, "asked")]
    assert bench.driver.busy


async def test_numbers_wrap_around_within_a_stream(bench: Bench) -> None:
    """More frames than sequence numbers: a quarter of an hour of sound."""
    await bench.driver.listen(7, 8000)
    for number in range(0, 66_000, 100):
        for later in [number + 1, number, *range(number + 2, number + 100)]:
            bench.link.audio(AudioFrame(later % 2**16, later, bytes(2)))
    assert [event.first_sample for event in bench.told if isinstance(event, SoundFrame)] == list(range(66_000))
    assert bench.driver.tally.gaps == 0
    bench.driver.close()
