"""Exact body sound in packets: numbered chunks of PCM16, repeated so that a lost packet costs nothing.

A packet (big endian; the same layout is read by `web/src/shared/sound/packet.ts`, golden bytes in
`tests/edge/live/sound_packets.json`):

    4s  magic b"CBS1"              what tells it from the codec whose payload type it travels under
    Q   stream                     <= 2**53, the kit's number of the stream
    I   rate_hz                    1000-96000
    H   chunk_samples              samples in a full chunk
    B   count                      chunks that follow
    count times:
      I   number                   the chunk's first sample is number * chunk_samples
      H   samples                  1..chunk_samples; fewer only in a stream's last chunk
      B   kind                     0 whole, 1 missing (never arrived at the kit), 2 with gaps
      [kind 2] ceil(samples/8) B   bit map, least significant bit first: 1 = this sample never arrived
      [kind 0, 2] samples * 2 B    PCM16 little endian, zero where the bit map says missing
"""

import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"CBS1"
MAX_PACKET_BYTES: Final = 1200
MAX_CHUNK_SAMPLES: Final = 320
MAX_STREAM: Final = 2**53
EARLIER: Final = (1, 4, 9)
"""Which earlier chunks a packet repeats: spread, so that a burst of four lost packets is still healed in 180 ms."""

_HEADER: Final = struct.Struct(">4sQIHB")
_ENTRY: Final = struct.Struct(">IHB")
_WHOLE, _MISSING, _GAPPED = 0, 1, 2


class BadSoundPacket(ValueError):
    """Bytes that are not a sound packet; `reason` is a code, never content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Chunk:
    """`samples` samples from `number * chunk_samples` on; `pcm` is None when none of them ever arrived.

    `missing` is the bit map of samples that never arrived, empty when all did.
    """

    number: int
    samples: int
    pcm: bytes | None
    missing: bytes = b""

    def __bytes__(self) -> bytes:
        if self.pcm is None:
            return _ENTRY.pack(self.number, self.samples, _MISSING)
        kind = _GAPPED if self.missing else _WHOLE
        return _ENTRY.pack(self.number, self.samples, kind) + self.missing + self.pcm


@dataclass(frozen=True)
class SoundPacket:
    stream: int
    rate_hz: int
    chunk_samples: int
    chunks: tuple[Chunk, ...]

    def __bytes__(self) -> bytes:
        head = _HEADER.pack(MAGIC, self.stream, self.rate_hz, self.chunk_samples, len(self.chunks))
        return head + b"".join(bytes(chunk) for chunk in self.chunks)


def chunk_samples(rate_hz: int) -> int:
    """Samples per chunk: 20 ms, above 8 kHz 10 ms so that repeats still fit into one packet."""
    return rate_hz // 50 if rate_hz <= 8000 else rate_hz // 100


def parse(data: bytes) -> SoundPacket:
    """Read one packet.

    Raises:
        BadSoundPacket: for anything else, left-over bytes included; whoever sent it, nothing else is raised.
    """
    if len(data) < _HEADER.size:
        raise BadSoundPacket("too_short")
    if len(data) > MAX_PACKET_BYTES:
        raise BadSoundPacket("too_long")
    magic, stream, rate_hz, per_chunk, count = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BadSoundPacket("wrong_magic")
    if stream > MAX_STREAM:
        raise BadSoundPacket("stream_out_of_range")
    if not 1000 <= rate_hz <= 96_000:
        raise BadSoundPacket("rate_out_of_range")
    if not 1 <= per_chunk <= MAX_CHUNK_SAMPLES:
        raise BadSoundPacket("chunk_samples_out_of_range")
    chunks, position = [], _HEADER.size
    for _ in range(count):
        chunk, position = _parse_chunk(data, position, per_chunk)
        chunks.append(chunk)
    if position != len(data):
        raise BadSoundPacket("left_over")
    return SoundPacket(stream, rate_hz, per_chunk, tuple(chunks))


def _parse_chunk(data: bytes, position: int, per_chunk: int) -> tuple[Chunk, int]:
    if len(data) < position + _ENTRY.size:
        raise BadSoundPacket("truncated")
    number, samples, kind = _ENTRY.unpack_from(data, position)
    position += _ENTRY.size
    if not 1 <= samples <= per_chunk:
        raise BadSoundPacket("samples_out_of_range")
    if kind == _MISSING:
        return Chunk(number, samples, None), position
    if kind not in (_WHOLE, _GAPPED):
        raise BadSoundPacket("unknown_kind")
    map_bytes = (samples + 7) // 8 if kind == _GAPPED else 0
    end = position + map_bytes + 2 * samples
    if len(data) < end:
        raise BadSoundPacket("truncated")
    missing, pcm = data[position : position + map_bytes], data[position + map_bytes : end]
    if missing:
        _check_map(missing, pcm, samples)
    return Chunk(number, samples, pcm, missing), end


def _check_map(missing: bytes, pcm: bytes, samples: int) -> None:
    gone = np.unpackbits(np.frombuffer(missing, np.uint8), bitorder="little").astype(bool)
    if gone[samples:].any() or not gone.any() or gone[:samples].all():
        raise BadSoundPacket("bad_gap_map")
    if np.frombuffer(pcm, "<i2")[gone[:samples]].any():
        raise BadSoundPacket("gap_not_zero")


class Chunker:
    """Cuts a stream of samples into chunks; a jump in the numbers becomes a gap.

    The same chunks come out for any cutting of the same samples. Samples that come late fill a gap of the chunk that is
    still open; for those already cut there is `SoundRing.fill`.
    """

    def __init__(self, stream: int, rate_hz: int) -> None:
        """`rate_hz` 1000-32000."""
        if not 1000 <= rate_hz <= 32_000:
            raise ValueError("rate_out_of_range")
        self.stream = stream
        self.rate_hz = rate_hz
        self.chunk_samples = chunk_samples(rate_hz)
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


class SoundRing:
    """The last chunks of one stream, to repeat and repair from. Numbers rise by one."""

    def __init__(self, stream: int, rate_hz: int, seconds: int = 180) -> None:
        self.stream = stream
        self.rate_hz = rate_hz
        self.chunk_samples = chunk_samples(rate_hz)
        self._limit = max(1, seconds * rate_hz // self.chunk_samples)
        self._chunks: OrderedDict[int, Chunk] = OrderedDict()

    def put(self, chunk: Chunk) -> None:
        self._chunks[chunk.number] = chunk
        while len(self._chunks) > self._limit:
            self._chunks.popitem(last=False)

    def fill(self, first_sample: int, samples: NDArray[np.int16]) -> list[int]:
        """Take samples that came late (the stethoscope sent them again); the numbers of the chunks that changed."""
        last = (first_sample + len(samples) - 1) // self.chunk_samples
        first = max(first_sample // self.chunk_samples, self.oldest)
        return [number for number in range(first, last + 1) if self._fill_chunk(number, first_sample, samples)]

    def _fill_chunk(self, number: int, first_sample: int, samples: NDArray[np.int16]) -> bool:
        chunk = self._chunks.get(number)
        if chunk is None or (chunk.pcm is not None and not chunk.missing):
            return False
        pcm = np.frombuffer(chunk.pcm or bytes(2 * chunk.samples), "<i2").copy()
        gone = np.ones(chunk.samples, dtype=bool)
        if chunk.missing:
            bits = np.unpackbits(np.frombuffer(chunk.missing, np.uint8), bitorder="little")
            gone = bits[: chunk.samples].astype(bool)
        if not _fill(pcm, gone, first_sample - number * self.chunk_samples, samples):
            return False
        self._chunks[number] = _chunk(number, pcm, gone)
        return True

    @property
    def oldest(self) -> int:
        """Lowest chunk number that can still be repaired; 0 when nothing came yet."""
        return next(iter(self._chunks), 0)

    def packet(self, number: int) -> bytes:
        """The packet that carries `number` first, then as many of the earlier ones as fit."""
        return next(self.packets([number, *(number - back for back in EARLIER)]), b"")

    def packets(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """Packets with the chunks asked for; those that the ring no longer holds are left out."""
        chosen: list[Chunk] = []
        size = _HEADER.size
        for number in numbers:
            chunk = self._chunks.get(number)
            if chunk is None:
                continue
            length = len(bytes(chunk))
            if chosen and (size + length > MAX_PACKET_BYTES or len(chosen) == 255):
                yield self._packed(chosen)
                chosen, size = [], _HEADER.size
            chosen.append(chunk)
            size += length
        if chosen:
            yield self._packed(chosen)

    def _packed(self, chunks: list[Chunk]) -> bytes:
        return bytes(SoundPacket(self.stream, self.rate_hz, self.chunk_samples, tuple(chunks)))
