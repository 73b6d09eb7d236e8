"""The sweep that proves the sound path: known exactly, to one page only, never as body sound, always second to it."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.exact_sound import parse
from carebag_edge.live.path_proof import (
    HIGH_HZ,
    LEVEL,
    LOW_HOLD_S,
    LOW_HZ,
    PROOF_STREAMS,
    ClockAsk,
    PathProofs,
    ProofAsk,
    sweep,
    understand,
)
from carebag_edge.live.sound_desk import SoundDesk

RATE = 4000
GOLDEN = json.loads((Path(__file__).parent / "golden_sweep.json").read_text())


class Page:
    """What one doctor's page gets."""

    def __init__(self) -> None:
        self.packets: list[tuple[Any, int]] = []
        self.said: list[dict[str, Any]] = []
        self.repaired: list[Any] = []

    def send_sound(self, packet: bytes, rtp_time: int) -> None:
        self.packets.append((parse(packet), rtp_time))

    def send(self, channel: str, message: str | bytes) -> bool:
        assert channel == "repair"
        if isinstance(message, bytes):
            self.repaired.append(parse(message))
        else:
            self.said.append(json.loads(message))
        return True

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.said]

    def samples(self) -> np.ndarray:
        chunks = {chunk.number: chunk for packet, _ in self.packets for chunk in packet.chunks}
        return np.concatenate([np.frombuffer(chunks[number].pcm, "<i2") for number in sorted(chunks)])


class Time:
    """Sleeping moves it; `hook` runs before each sleep."""

    def __init__(self) -> None:
        self.now = 100.0
        self.hook: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.hook()
        self.now += seconds
        await asyncio.sleep(0)


def proofs_of(time: Time, desk: SoundDesk | None = None) -> PathProofs:
    return PathProofs((desk or SoundDesk()).set_aside, monotonic=time.monotonic, sleep=time.sleep, unix_ms=lambda: 7)


def ask(rate_hz: Any = RATE) -> str:
    return json.dumps({"type": "proof_ask", "rate_hz": rate_hz})


async def all_done() -> None:
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "sound path proof"]
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("rate", list(GOLDEN))
def test_the_sweep_is_the_one_that_the_page_expects(rate: str) -> None:
    samples, golden = sweep(int(rate)), GOLDEN[rate]
    assert samples.size == golden["samples"]
    for place, value in golden["at"]:
        assert abs(int(samples[place]) - value) <= 1


@pytest.mark.parametrize("rate", [2500, 4000, 8000, 16_000])
def test_the_sweep_rises_from_20_to_1000_hz_at_one_level_and_ends_in_silence(rate: int) -> None:
    samples = sweep(rate).astype(float)
    assert samples.size == 3 * rate
    assert abs(samples).max() <= LEVEL
    assert samples[0] == 0
    assert abs(samples[-1]) < LEVEL / 50
    crossings = np.flatnonzero(np.diff(np.signbit(samples).astype(int)) == -1) / rate
    tones = 1 / np.diff(crossings)
    assert tones[0] == pytest.approx(LOW_HZ, rel=0.02)
    assert np.median(tones[-60:]) == pytest.approx(HIGH_HZ, rel=0.05)
    middle = samples[int(LOW_HOLD_S * rate) : int(2.9 * rate)]
    peaks = [abs(part).max() for part in np.array_split(middle, 20)]
    assert min(peaks) > 0.9 * LEVEL


@pytest.mark.parametrize("rate", [0, 2499, 32_001])
def test_a_rate_that_cannot_carry_1000_hz_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="rate_out_of_range"):
        sweep(rate)
    assert understand(ask(rate)) is None


def test_a_pages_words_are_understood() -> None:
    assert understand(ask(8000)) == ProofAsk(8000)
    assert understand('{"type": "clock_ask", "id": 3}') == ClockAsk(3)


@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "rate_hz", "id"]), inner),
        ).map(json.dumps),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["proof_ask", "clock_ask"])},
            optional={"rate_hz": st.integers() | st.floats() | st.text(), "id": st.integers() | st.text()},
        ).map(json.dumps),
    )
)
def test_anything_else_is_nothing(message: str | bytes) -> None:
    found = understand(message)
    if isinstance(found, ProofAsk):
        assert 2500 <= found.rate_hz <= 32_000
    elif found is not None:
        assert 0 <= found.id < 2**53


async def test_who_asks_gets_the_sweep_whole_and_in_its_own_time() -> None:
    page, time = Page(), Time()
    proofs = proofs_of(time)
    proofs.message(page, ask())
    await all_done()
    begin, end = page.said
    assert (begin["type"], begin["rate_hz"], begin["samples"], begin["kit_ms"]) == (
        "proof_begin",
        RATE,
        12_000,
        100_000,
    )
    assert begin["stream"] == end["stream"] == PROOF_STREAMS + 7
    assert {packet.stream for packet, _ in page.packets} == {begin["stream"]}
    assert np.array_equal(page.samples(), sweep(RATE))
    assert end["sha256"] == hashlib.sha256(sweep(RATE).astype("<i2").tobytes()).hexdigest()
    assert time.now == pytest.approx(103.0)
    await proofs.close()


async def test_the_packets_are_those_of_body_sound() -> None:
    """The same chunks, repeats and RTP steps as the same samples would have had from a stethoscope."""
    page, time, desk = Page(), Time(), SoundDesk()
    proofs = proofs_of(time)
    proofs.message(page, ask())
    await all_done()
    desk.begin(1, RATE)
    as_heard = desk.take(1, 0, sweep(RATE))
    assert [(packet.chunks, at) for packet, at in page.packets] == [(parse(data).chunks, at) for data, at in as_heard]
    await proofs.close()


async def test_rtp_time_goes_on_after_a_proof_where_it_ended() -> None:
    page, time, desk = Page(), Time(), SoundDesk()
    desk.begin(1, RATE)
    before = desk.take(1, 0, np.ones(8000, np.int16))[-1][1]
    proofs = proofs_of(time, desk)
    proofs.message(page, ask())
    await all_done()
    desk.begin(2, RATE)
    after = desk.take(2, 0, np.ones(80, np.int16))[0][1]
    times = [before, *(at for _, at in page.packets), after]
    assert times == sorted(set(times))
    await proofs.close()


async def test_body_sound_goes_first() -> None:
    page, time = Page(), Time()
    proofs = proofs_of(time)
    sleeps = 0

    def begin_to_listen() -> None:
        nonlocal sleeps
        sleeps += 1
        if sleeps == 10:
            proofs.listening(True)

    time.hook = begin_to_listen
    proofs.message(page, ask())
    await all_done()
    assert page.kinds() == ["proof_begin", "proof_stopped"]
    assert page.said[-1]["reason"] == "listening"
    assert len(page.packets) == 9
    proofs.message(page, ask())
    await all_done()
    assert page.kinds() == ["proof_begin", "proof_stopped", "proof_stopped"]
    proofs.listening(False)
    proofs.message(page, ask())
    await all_done()
    assert page.kinds()[-1] == "sound_end"
    await proofs.close()


async def test_asked_again_it_begins_again_under_a_new_number() -> None:
    page, time = Page(), Time()
    proofs = proofs_of(time)
    proofs.message(page, ask())
    await asyncio.sleep(0)
    proofs.message(page, ask(8000))
    await all_done()
    assert page.kinds() == ["proof_begin", "proof_stopped", "proof_begin", "sound_end"]
    first, second = (message["stream"] for message in page.said if message["type"] == "proof_begin")
    assert second == first + 1
    await proofs.close()


async def test_two_pages_have_each_their_own_and_who_left_gets_no_more() -> None:
    left, stays, time = Page(), Page(), Time()
    proofs = proofs_of(time)
    proofs.message(left, ask())
    proofs.message(stays, ask(8000))
    await asyncio.sleep(0)
    proofs.forget(left)
    await all_done()
    assert left.kinds() == ["proof_begin"]
    assert stays.kinds() == ["proof_begin", "sound_end"]
    assert {packet.rate_hz for packet, _ in stays.packets} == {8000}
    await proofs.close()


async def test_what_was_lost_can_be_had_again() -> None:
    page, time = Page(), Time()
    proofs = proofs_of(time)
    proofs.message(page, ask())
    await all_done()
    stream = page.said[0]["stream"]
    proofs.message(page, json.dumps({"type": "sound_ask", "stream": stream, "chunks": [3, 90]}))
    assert [chunk.number for packet in page.repaired for chunk in packet.chunks] == [3, 90]
    proofs.message(page, json.dumps({"type": "sound_ask", "stream": 1, "chunks": [3]}))
    proofs.message(Page(), json.dumps({"type": "sound_ask", "stream": stream, "chunks": [3]}))
    assert len(page.repaired) == 1
    await proofs.close()


async def test_the_kits_clock_is_told_at_once() -> None:
    page, time = Page(), Time()
    proofs = proofs_of(time)
    time.now = 12.3456789
    proofs.message(page, '{"type": "clock_ask", "id": 5}')
    assert page.said == [{"type": "clock_is", "id": 5, "kit_ms": 12_345.679}]
    await proofs.close()


def test_no_body_sound_has_a_proofs_number() -> None:
    """A kit counts from 1; a thousand streams a second for a hundred thousand years stay below."""
    assert PROOF_STREAMS > 1000 * 86_400 * 366 * 100_000
    assert PROOF_STREAMS + 10 * 365 * 86_400 * 1000 * 100 < 2**53


def _main() -> None:
    """Write the golden samples anew."""
    places = [0, 1, 77, 400, 1399, 1400, 1401, 4321, 9000, 11_399, 11_400, 11_500, 11_950, 11_999]
    rates = {rate: [place * rate // RATE for place in places] for rate in (4000, 8000, 11_025)}
    golden = {
        str(rate): {"samples": int(sweep(rate).size), "at": [[at, int(sweep(rate)[at])] for at in chosen]}
        for rate, chosen in rates.items()
    }
    (Path(__file__).parent / "golden_sweep.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    _main()
