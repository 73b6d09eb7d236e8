"""Proof of the sound path: a known sweep sent to one page as body sound is sent, but never as body sound.

The sweep travels in the same packets over the same path; its stream number alone says what it is. It is made here and
measured in the page (`web/src/shared/sound/proofSweep.ts`, golden samples in `tests/edge/live/golden_sweep.json`). It
reaches neither recording nor monitor. Body sound goes first: when it begins, a running proof ends.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from carebag_edge.live.exact_sound import chunk_samples
from carebag_edge.live.sound_desk import SoundDesk
from carebag_wire.visit import SoundEnd

PROOF_STREAMS: Final = 2**52
"""Streams from this number on are proofs; a kit counts its body sounds from 1."""
SECONDS: Final = 3.0
LOW_HZ: Final = 20.0
HIGH_HZ: Final = 1000.0
LOW_HOLD_S: Final = 0.35
"""So long the lowest tone stands, that a whole number of its waves can be measured."""
HIGH_HOLD_S: Final = 0.15
FADE_IN_S: Final = 0.08
FADE_OUT_S: Final = 0.02
LEVEL: Final = 8192
"""Amplitude, -12 dB of full scale."""
RATES_HZ: Final = range(2500, 32_001)


def sweep(rate_hz: int) -> NDArray[np.int16]:
    """The sweep, 3 s of PCM16: 20 Hz held, then logarithmically up to 1000 Hz, which is held; faded in and out.

    Raises:
        ValueError: for a rate outside 2500-32000 Hz.
    """
    if rate_hz not in RATES_HZ:
        raise ValueError("rate_out_of_range")
    at = np.arange(round(SECONDS * rate_hz)) / rate_hz
    rising_s = SECONDS - LOW_HOLD_S - HIGH_HOLD_S
    per_second = np.log(HIGH_HZ / LOW_HZ) / rising_s
    risen = np.clip(at - LOW_HOLD_S, 0, rising_s)
    turns = (
        LOW_HZ * np.minimum(at, LOW_HOLD_S)
        + LOW_HZ / per_second * np.expm1(per_second * risen)
        + HIGH_HZ * np.maximum(at - LOW_HOLD_S - rising_s, 0)
    )
    fade = np.minimum(np.clip(at / FADE_IN_S, 0, 1), np.clip((SECONDS - at) / FADE_OUT_S, 0, 1))
    rounded: NDArray[np.int16] = np.rint(LEVEL * fade * np.sin(2 * np.pi * turns)).astype(np.int16)
    return rounded


@dataclass(frozen=True)
class ProofAsk:
    """A page wants the sweep, at the rate (Hz) its audio runs at."""

    rate_hz: int


@dataclass(frozen=True)
class ClockAsk:
    """A page wants to know what the kit's monotonic clock says now; `id` comes back with the answer."""

    id: int


def understand(message: str | bytes) -> ProofAsk | ClockAsk | None:
    """Read a page's message; None for anything that is not one of these."""
    try:
        body = json.loads(message)
        if body["type"] == "proof_ask" and type(body["rate_hz"]) is int and body["rate_hz"] in RATES_HZ:
            return ProofAsk(body["rate_hz"])
        if body["type"] == "clock_ask" and type(body["id"]) is int and 0 <= body["id"] < 2**53:
            return ClockAsk(body["id"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        pass
    return None


class Viewer(Protocol):
    """The one page that asked: a `Call`."""

    def send_sound(self, packet: bytes, rtp_time: int) -> None: ...

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool: ...


class PathProof:
    """One sweep to one page, in the time that a stethoscope would take for it."""

    def __init__(self, stream: int, rate_hz: int, viewer: Viewer, rtp_base: int) -> None:
        self.stream = stream
        self._rate_hz = rate_hz
        self._viewer = viewer
        self._rtp_base = rtp_base
        self._samples = sweep(rate_hz)
        self._desk = SoundDesk()
        self._desk.begin(stream, rate_hz)

    async def play(self, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        """Send the sweep; sample n counts as captured n / rate after the time that the page is told."""
        began, step = monotonic(), chunk_samples(self._rate_hz)
        self._say(
            type="proof_begin",
            stream=self.stream,
            rate_hz=self._rate_hz,
            samples=self._samples.size,
            kit_ms=round(began * 1000, 3),
        )
        for first in range(0, self._samples.size, step):
            part = self._samples[first : first + step]
            await sleep(max(0.0, began + (first + part.size) / self._rate_hz - monotonic()))
            self._send(self._desk.take(self.stream, first, part))
        digest = hashlib.sha256(self._samples.astype("<i2").tobytes()).hexdigest()
        end = SoundEnd(stream=self.stream, samples=self._samples.size, gaps=[], sha256=digest)
        self._send(self._desk.end(end))
        self._viewer.send("repair", end.model_dump_json())

    def stopped(self, reason: Literal["listening", "again"]) -> None:
        """The page need not wait for the rest."""
        self._say(type="proof_stopped", stream=self.stream, reason=reason)

    def answer(self, message: str | bytes) -> None:
        """Repair, as for body sound."""
        ask = self._desk.understand(message)
        if ask is not None:
            for packet in self._desk.answer(ask):
                self._viewer.send("repair", packet)

    def _send(self, packets: list[tuple[bytes, int]]) -> None:
        for packet, rtp_time in packets:
            self._viewer.send_sound(packet, self._rtp_base + rtp_time)

    def _say(self, **message: object) -> None:
        self._viewer.send("repair", json.dumps(message))


class PathProofs:
    """The proofs of a kit, one at a time for each page. All methods are called on the event loop.

    `rtp_time` sets time of the connection's RTP clock aside for so many seconds (`SoundDesk.set_aside`).
    """

    def __init__(
        self,
        rtp_time: Callable[[float], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._rtp_time = rtp_time
        self._monotonic = monotonic
        self._sleep = sleep
        self._unix_ms = unix_ms
        self._listening = False
        self._last = PROOF_STREAMS
        self._proofs: dict[Viewer, tuple[PathProof, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def message(self, viewer: Viewer, message: str | bytes) -> None:
        """Take what a page said on the repair channel; what is not about a proof or the clock changes nothing."""
        ask = understand(message)
        if isinstance(ask, ClockAsk):
            self._tell_time(viewer, ask)
        elif isinstance(ask, ProofAsk):
            self._begin(viewer, ask)
        elif viewer in self._proofs:
            self._proofs[viewer][0].answer(message)

    def _tell_time(self, viewer: Viewer, ask: ClockAsk) -> None:
        kit_ms = round(self._monotonic() * 1000, 3)
        viewer.send("repair", json.dumps({"type": "clock_is", "id": ask.id, "kit_ms": kit_ms}))

    def _begin(self, viewer: Viewer, ask: ProofAsk) -> None:
        if self._listening:
            viewer.send("repair", json.dumps({"type": "proof_stopped", "stream": None, "reason": "listening"}))
            return
        self._stop(viewer, "again")
        # by the clock, so that it rises over restarts of the kit: a page takes no stream twice
        self._last = max(self._last + 1, PROOF_STREAMS + self._unix_ms())
        proof = PathProof(self._last, ask.rate_hz, viewer, self._rtp_time(SECONDS))
        task = asyncio.create_task(proof.play(self._monotonic, self._sleep), name="sound path proof")
        self._proofs[viewer] = proof, task

    def listening(self, on: bool) -> None:
        """Body sound begins, which ends every proof, or is over."""
        self._listening = on
        if on:
            for viewer in list(self._proofs):
                self._stop(viewer, "listening")

    def forget(self, viewer: Viewer) -> None:
        """The page is gone."""
        self._stop(viewer, None)

    def _stop(self, viewer: Viewer, reason: Literal["listening", "again"] | None) -> None:
        proof, task = self._proofs.pop(viewer, (None, None))
        if proof is None or task is None:
            return
        if reason is not None and not task.done():
            proof.stopped(reason)
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        for viewer in list(self._proofs):
            self._stop(viewer, None)
        await asyncio.gather(*self._ending, return_exceptions=True)
