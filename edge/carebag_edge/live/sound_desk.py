"""The sending side of the live sound, without any network: chunks, packets, what the pages ask to have again."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_edge.live.exact_sound import EARLIER, Chunk, Chunker, SoundRing
from carebag_edge.live.rtp_clock import SampleClock
from carebag_edge.live.sound_packet import MAX_CHUNK_SAMPLES, SoundPacket
from carebag_edge.live.vitals_block import vitals_block
from carebag_wire.visit import LiveVitals, SoundEnd

MAX_ASKED = 128
"""Chunk numbers that one message of a page may ask for."""
STATE_IN = (0, *EARLIER)
"""Which packets after a change carry the vital signs: as spread as the repeats, so that no loss holds them up."""
STATE_EVERY = 25
"""And so often for a page that comes later."""
STREAMING_US = 100_000
"""Sound was sent so short a while ago that the next packet will not be long."""


@dataclass(frozen=True)
class Ask:
    """What a page wants on the repair channel."""

    stream: int
    chunks: tuple[int, ...] = ()
    end: bool = False
    """Send the `SoundEnd` again."""
    carry: bool = False
    """This browser cannot take packets out of RTP: send them on this channel from now on."""


class SoundDesk:
    """One stream at a time; the last one stays available for repair until the next begins."""

    def __init__(self, monotonic_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        """`monotonic_us` is the kit's one clock; times of samples in packets are its times."""
        self._monotonic_us = monotonic_us
        self._chunker: Chunker | None = None
        self._ring: SoundRing | None = None
        self._end: SoundEnd | None = None
        self._clock: SampleClock | None = None
        self._rtp_base = 0
        self._state = b""
        self._state_age = 0
        self._sent_us = -STREAMING_US

    def begin(self, stream: int, rate_hz: int) -> None:
        """Raises `ValueError` for a rate outside 1000-32000 Hz."""
        chunker = Chunker(stream, rate_hz)
        self._rtp_base = self._rtp_now()
        self._chunker, self._ring, self._end = chunker, SoundRing(stream, rate_hz), None
        self._clock = SampleClock(rate_hz)

    def another_visit(self) -> None:
        """Nothing of the stream is told or repaired any more, nor the vital signs: they are another patient's."""
        self._rtp_base = self._rtp_now()
        self._chunker = self._ring = self._end = self._clock = None
        self._state = b""

    def vitals(self, message: LiveVitals) -> list[tuple[bytes, int]]:
        """Take the vital signs of now: they ride in the next packets of sound, or without sound in one of their own.

        Returns that packet to send now, with its RTP time, or nothing.
        """
        self._state, self._state_age = vitals_block(message), 0
        now_us = self._monotonic_us()
        if not self._state or now_us - self._sent_us < STREAMING_US:
            return []
        packet = SoundPacket(0, 48_000, MAX_CHUNK_SAMPLES, (), now_us, self._state)
        return [(bytes(packet), self._rtp_now())]

    def _riding(self) -> bytes:
        """The state that goes with the next packet of sound."""
        age = self._state_age
        self._state_age += 1
        return self._state if age in STATE_IN or age % STATE_EVERY == 0 else b""

    def _rtp_now(self) -> int:
        """The 48 kHz time of the next sample: it rises over all streams, as RTP wants."""
        if self._chunker is None:
            return self._rtp_base
        return self._rtp_base + self._chunker.position * 48_000 // self._chunker.rate_hz

    def set_aside(self, seconds: float) -> int:
        """RTP time (48 kHz) for something else of this length between two streams; returns where it begins."""
        begins = self._rtp_now()
        self._rtp_base += round(seconds * 48_000)
        return begins

    def take(self, stream: int, first_sample: int, samples: NDArray[np.int16]) -> list[tuple[bytes, int]]:
        """Packets to send now, each with its RTP time; samples of another stream than the one begun are not taken."""
        if self._chunker is None or self._chunker.stream != stream or self._end is not None:
            return []
        if self._chunker.position == 0:
            self._fit(len(samples))
        assert self._ring is not None
        assert self._clock is not None
        end = first_sample + len(samples)
        if self._chunker.position < end <= self._chunker.position + 600 * self._chunker.rate_hz:
            self._clock.arrived(end, self._monotonic_us())
        late = self._ring.fill(first_sample, samples) if first_sample < self._chunker.position else []
        filled = [(packet, self._rtp_now()) for packet in self._ring.packets(late)]
        return [*filled, *self._packets(self._chunker.feed(first_sample, samples))]

    def _fit(self, frame: int) -> None:
        """The first frame shows how many samples come at once: chunks are cut so that none waits for the next frame."""
        assert self._chunker is not None
        stream, rate_hz = self._chunker.stream, self._chunker.rate_hz
        self._chunker = Chunker(stream, rate_hz, frame)
        self._ring = SoundRing(stream, rate_hz, frame=frame)

    def end(self, end: SoundEnd) -> list[tuple[bytes, int]]:
        """The last packets of the stream."""
        if self._chunker is None or self._chunker.stream != end.stream or self._end is not None:
            return []
        self._end = end
        return self._packets(self._chunker.finish(end.samples))

    def _packets(self, chunks: list[Chunk]) -> list[tuple[bytes, int]]:
        assert self._ring is not None
        assert self._chunker is not None
        assert self._clock is not None
        packets = []
        if chunks:
            self._sent_us = self._monotonic_us()
        for chunk in chunks:
            time_us = self._clock.time_of(chunk.number * self._chunker.chunk_samples)
            self._ring.put(chunk, max(0, time_us or 0))
            # a long gap says nothing new with each chunk: its end is enough, the page asks for the rest
            if chunk.pcm is not None or chunk is chunks[-1]:
                first = chunk.number * self._chunker.chunk_samples
                rtp_time = self._rtp_base + first * 48_000 // self._chunker.rate_hz
                packets.append((self._ring.packet(chunk.number, self._riding()), rtp_time))
        return packets

    def greeting(self) -> Iterator[str]:
        """What a page that just came needs to know of the stream: where it is, and its end if it is over."""
        if self._chunker is not None and (self._chunker.position > 0 or self._end is not None):
            yield self._where()
        if self._end is not None:
            yield self._end.model_dump_json()

    def _where(self) -> str:
        assert self._chunker is not None
        assert self._ring is not None
        return json.dumps(
            {
                "type": "sound_here",
                "stream": self._chunker.stream,
                "rate_hz": self._chunker.rate_hz,
                "chunk_samples": self._chunker.chunk_samples,
                "oldest_chunk": self._ring.oldest,
                "next_chunk": self._chunker.position // self._chunker.chunk_samples,
            }
        )

    def understand(self, message: str | bytes) -> Ask | None:
        """Read a page's message; None for anything that is not one."""
        try:
            body = json.loads(message)
            if body["type"] != "sound_ask":
                return None
            chunks = tuple(number for number in body.get("chunks", [])[:MAX_ASKED] if type(number) is int)
            return Ask(int(body["stream"]), chunks, body.get("end") is True, body.get("carry") is True)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def span(self, ask: Ask) -> tuple[int, int]:
        """The samples from the first to the last chunk asked for; empty where none is."""
        if self._chunker is None or self._chunker.stream != ask.stream or not ask.chunks:
            return 0, 0
        size = self._chunker.chunk_samples
        return min(ask.chunks) * size, (max(ask.chunks) + 1) * size

    def answer(self, ask: Ask) -> Iterator[str | bytes]:
        """Packets and words for the repair channel; what the ring no longer holds is said to be gone."""
        if self._ring is None or self._ring.stream != ask.stream:
            return
        if any(number < self._ring.oldest for number in ask.chunks):
            yield self._where()
        yield from self._ring.packets(ask.chunks)
        if ask.end and self._end is not None:
            yield self._end.model_dump_json()
