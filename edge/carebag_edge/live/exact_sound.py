"""From samples to numbered chunks; the chunks of a stream, kept for repeats and repair. The bytes: `sound_packet`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carebag_edge.live.sound_packet import (
    BACK_BYTES,
    HEADER,
    MAX_BACK,
    MAX_PACKET_BYTES,
    BadSoundPacket,
    Chunk,
    SoundPacket,
    body,
    chunk_of,
    gap_map,
    pack,
    parse,
)

__all__ = [
    "EARLIER",
    "MAX_PACKET_BYTES",
    "BadSoundPacket",
    "Chunk",
    "Chunker",
    "SoundPacket",
    "SoundRing",
    "chunk_samples",
    "parse",
]

EARLIER: Final = (1, 4, 9)
"""Which earlier chunks a packet repeats: spread, so that a burst of four lost packets is healed within nine chunks."""


MOST_PARTS: Final = 4
"""Of a longer frame the chunks are not worth fitting: it comes in jerks in any case."""


def chunk_samples(rate_hz: int, frame: int = 0) -> int:
    """Samples per chunk: at most 20 ms, above 8 kHz 10 ms so that repeats still fit into one packet.

    Where the stethoscope sends frames of `frame` samples, a chunk is a frame or a whole part of one, if that is at
    least half as long as usual: then nothing of a frame waits in the kit for the next one.
    """
    most = rate_hz // 50 if rate_hz <= 8000 else rate_hz // 100
    parts = (frame // count for count in range(1, 1 + MOST_PARTS) if frame % count == 0)
    return next((part for part in parts if most // 2 <= part <= most), most)


class Chunker:
    """Cuts a stream of samples into chunks; a jump in the numbers becomes a gap.

    The same chunks come out for any cutting of the same samples. Samples that come late fill a gap of the chunk that is
    still open; for those already cut there is `SoundRing.fill`.
    """

    def __init__(self, stream: int, rate_hz: int, frame: int = 0) -> None:
        """`rate_hz` 1000-32000; `frame`: see `chunk_samples`."""
        if not 1000 <= rate_hz <= 32_000:
            raise ValueError("rate_out_of_range")
        self.stream = stream
        self.rate_hz = rate_hz
        self.chunk_samples = chunk_samples(rate_hz, frame)
        self.position = 0
        """Number of the sample that comes next."""
        self._pcm = np.zeros(self.chunk_samples, dtype="<i2")
        self._missing = np.zeros(self.chunk_samples, dtype=bool)

    def feed(self, first_sample: int, samples: NDArray[np.int16]) -> list[Chunk]:
        """Take samples (int16, one dimension), give the chunks that became full.

        A jump of more than ten minutes is taken for a broken counter: the samples are dropped.
        """
        if first_sample - self.position > 600 * self.rate_hz:
            return []
        late = max(0, self.position - first_sample)
        if late:
            self._fill_open(first_sample, samples[:late])
        if late >= len(samples):
            return []
        return [*self._advance(None, first_sample + late - self.position), *self._advance(samples[late:], None)]

    def _fill_open(self, first_sample: int, samples: NDArray[np.int16]) -> None:
        start = self.position - self.position % self.chunk_samples
        _fill(self._pcm, self._missing, first_sample - start, samples)

    def finish(self, samples: int) -> list[Chunk]:
        """End the stream at `samples` in all: what is missing up to there is a gap, and the last chunk may be short."""
        gap = min(max(0, samples - self.position), 600 * self.rate_hz)
        chunks = list(self._advance(None, gap))
        filled = self.position % self.chunk_samples
        return [*chunks, self._cut(filled)] if filled else chunks

    def _advance(self, samples: NDArray[np.int16] | None, count: int | None) -> Iterator[Chunk]:
        left = len(samples) if samples is not None else count or 0
        while left > 0:
            at = self.position % self.chunk_samples
            step = min(left, self.chunk_samples - at)
            self._missing[at : at + step] = samples is None
            self._pcm[at : at + step] = 0 if samples is None else samples[:step]
            samples = None if samples is None else samples[step:]
            self.position += step
            left -= step
            if at + step == self.chunk_samples:
                yield self._cut(self.chunk_samples)

    def _cut(self, filled: int) -> Chunk:
        number = (self.position - 1) // self.chunk_samples
        chunk = _chunk(number, self._pcm[:filled], self._missing[:filled])
        self._missing[:] = False
        return chunk


def _chunk(number: int, pcm: NDArray[np.int16], gone: NDArray[np.bool_]) -> Chunk:
    if gone.all():
        return Chunk(number, len(pcm), None)
    missing = np.packbits(gone, bitorder="little").tobytes() if gone.any() else b""
    return Chunk(number, len(pcm), pcm.tobytes(), missing)


def _fill(pcm: NDArray[np.int16], gone: NDArray[np.bool_], offset: int, samples: NDArray[np.int16]) -> bool:
    """Put late samples where some are missing, and only there: the first arrival counts. True if there were any."""
    low, high = max(0, offset), min(len(pcm), offset + len(samples))
    if low >= high:
        return False
    late = gone[low:high].copy()
    pcm[low:high][late] = samples[low - offset : high - offset][late]
    gone[low:high] = False
    return bool(late.any())


@dataclass(frozen=True)
class _Kept:
    """A chunk as it is sent, and the kit's time of its first sample, µs (0: not known)."""

    body: bytes
    time_us: int
    gaps: bool


class SoundRing:
    """The chunks of one stream, coded once, to repeat and repair from. Numbers rise by one.

    At 4 kHz a minute takes about 0.7 MB; the usual length is that of the longest recording, so that nothing is lost to
    a page that comes late.
    """

    def __init__(self, stream: int, rate_hz: int, seconds: int = 1800, frame: int = 0) -> None:
        self.stream = stream
        self.rate_hz = rate_hz
        self.chunk_samples = chunk_samples(rate_hz, frame)
        self._limit = max(1, seconds * rate_hz // self.chunk_samples)
        self._chunks: dict[int, _Kept] = {}
        self.oldest = 0
        """Lowest chunk number that can still be repaired; 0 when nothing came yet."""

    def put(self, chunk: Chunk, time_us: int = 0) -> None:
        if not self._chunks:
            self.oldest = chunk.number
        gaps = chunk.pcm is None or bool(chunk.missing)
        self._chunks[chunk.number] = _Kept(body(chunk, self.chunk_samples), time_us, gaps)
        while len(self._chunks) > self._limit:
            self._chunks.pop(self.oldest, None)
            self.oldest += 1

    def fill(self, first_sample: int, samples: NDArray[np.int16]) -> list[int]:
        """Take samples that came late (the stethoscope sent them again); the numbers of the chunks that changed."""
        last = (first_sample + len(samples) - 1) // self.chunk_samples
        first = max(first_sample // self.chunk_samples, self.oldest)
        return [number for number in range(first, last + 1) if self._fill_chunk(number, first_sample, samples)]

    def _fill_chunk(self, number: int, first_sample: int, samples: NDArray[np.int16]) -> bool:
        kept = self._chunks.get(number)
        if kept is None or not kept.gaps:
            return False
        chunk, _ = chunk_of(number, kept.body, 0, self.chunk_samples)
        pcm = np.frombuffer(chunk.pcm or bytes(2 * chunk.samples), "<i2").copy()
        gone = gap_map(chunk)
        if not _fill(pcm, gone, first_sample - number * self.chunk_samples, samples):
            return False
        self.put(_chunk(number, pcm, gone), kept.time_us)
        return True

    def packet(self, number: int, state: bytes = b"") -> bytes:
        """The packet that carries `number` first, then as many of the earlier ones as fit, and the state."""
        return next(self.packets([number, *(number - back for back in EARLIER)], state), b"")

    def packets(self, numbers: Iterable[int], state: bytes = b"") -> Iterator[bytes]:
        """Packets with the chunks asked for; those that the ring no longer holds are left out."""
        chosen: list[int] = []
        size = HEADER.size + len(state)
        for number in numbers:
            kept = self._chunks.get(number)
            if kept is None:
                continue
            length = BACK_BYTES + len(kept.body)
            far = max(number, *chosen) - min(number, *chosen) > MAX_BACK if chosen else False
            if far or (chosen and (size + length > MAX_PACKET_BYTES or len(chosen) == 255)):
                yield self._packed(chosen, state)
                chosen, size = [], HEADER.size + len(state)
            chosen.append(number)
            size += length
        if chosen:
            yield self._packed(chosen, state)

    def _packed(self, numbers: list[int], state: bytes) -> bytes:
        time_us = self._chunks[max(numbers)].time_us
        packet = SoundPacket(self.stream, self.rate_hz, self.chunk_samples, (), time_us, state)
        return pack(packet, [(number, self._chunks[number].body) for number in numbers])
