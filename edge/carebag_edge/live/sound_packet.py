"""Exact body sound in packets: numbered chunks, each lossless alone, repeated so that a lost packet costs nothing.

A packet (big endian; `web/src/shared/sound/packet.ts` reads the same, golden bytes in
`tests/edge/live/sound_packets.json`):

    4s  magic b"CBS2"              what tells it from the codec whose payload type it travels under
    Q   stream                     <= 2**53, the kit's number of the stream; 0 when there are no chunks
    I   rate_hz                    1000-96000
    H   chunk_samples              1-320, samples in a full chunk
    Q   time_us                    <= 2**53, kit's monotonic clock at the first sample of chunk `number`; 0: not known
    I   number                     the highest chunk number here; chunk n begins with sample n * chunk_samples
    B   state_bytes
    B   count                      chunks that follow
    state_bytes B                  the vital signs of now (`vitals_block`); whoever cannot read it leaves it out
    count times:
      H   back                     the chunk is `number - back`
      B   coding                   bits: 1 Rice, 2 with gaps, 4 missing (never arrived at the kit), 8 short
      [short] H samples            1..chunk_samples - 1; only a stream's last chunk
      [gaps]  ceil(samples/8) B    bit map, least significant bit first: 1 = this sample never arrived
      [Rice]  H, then that many B  `carebag_devices.codecs.rice`
      [else, unless missing] samples * 2 B   PCM16 little endian
    Samples are zero where the bit map says missing.

The layout before, b"CBS1", is still read: header `4s Q I H B` (magic, stream, rate_hz, chunk_samples, count), for each
chunk `I H B` (number, samples, kind: 0 whole, 1 missing, 2 with gaps), the bit map of kind 2, PCM16 of kinds 0 and 2.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from carebag_devices.codecs import rice
from carebag_devices.errors import Malformed

MAGIC: Final = b"CBS2"
OLDER_MAGIC: Final = b"CBS1"
MAX_PACKET_BYTES: Final = 1200
MAX_CHUNK_SAMPLES: Final = 320
MAX_STREAM: Final = 2**53
MAX_STATE_BYTES: Final = 120
MAX_BACK: Final = 0xFFFF

HEADER: Final = struct.Struct(">4sQIHQIBB")
_OLDER_HEADER: Final = struct.Struct(">4sQIHB")
_ENTRY: Final = struct.Struct(">HB")
_OLDER_ENTRY: Final = struct.Struct(">IHB")
_U16: Final = struct.Struct(">H")
_RICE, _GAPS, _MISSING, _SHORT = 1, 2, 4, 8
BACK_BYTES: Final = 2
"""Bytes of an entry before what `body` makes."""


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


@dataclass(frozen=True)
class SoundPacket:
    """What a packet says; `time_us` and `number` as in the layout, `state` as it came."""

    stream: int
    rate_hz: int
    chunk_samples: int
    chunks: tuple[Chunk, ...]
    time_us: int = 0
    state: bytes = b""

    def __bytes__(self) -> bytes:
        return pack(self, [(chunk.number, body(chunk, self.chunk_samples)) for chunk in self.chunks])


def pack(packet: SoundPacket, bodies: list[tuple[int, bytes]]) -> bytes:
    """The bytes of a packet of chunks that are coded already: (number, `body`), in the order to send."""
    highest = max((number for number, _ in bodies), default=0)
    head = HEADER.pack(
        MAGIC,
        packet.stream,
        packet.rate_hz,
        packet.chunk_samples,
        packet.time_us,
        highest,
        len(packet.state),
        len(bodies),
    )
    entries = (_U16.pack(highest - number) + coded for number, coded in bodies)
    return head + packet.state + b"".join(entries)


def body(chunk: Chunk, chunk_samples: int) -> bytes:
    """A chunk without its number: Rice where that is shorter, PCM16 where not."""
    coded = None if chunk.pcm is None else rice.encode(np.frombuffer(chunk.pcm, "<i2"))
    if coded is not None and len(coded) + _U16.size >= 2 * chunk.samples:
        coded = None
    short = _SHORT if chunk.samples < chunk_samples else 0
    coding = short | (_MISSING if chunk.pcm is None else (_RICE if coded else 0) | (_GAPS if chunk.missing else 0))
    length = _U16.pack(chunk.samples) if short else b""
    sound = chunk.pcm or b"" if coded is None else _U16.pack(len(coded)) + coded
    return bytes([coding]) + length + chunk.missing + sound


def parse(data: bytes) -> SoundPacket:
    """Read one packet.

    Raises:
        BadSoundPacket: for anything else, left-over bytes included; whoever sent it, nothing else is raised.
    """
    if len(data) < _OLDER_HEADER.size:
        raise BadSoundPacket("too_short")
    if len(data) > MAX_PACKET_BYTES:
        raise BadSoundPacket("too_long")
    if data[:4] == OLDER_MAGIC:
        return _parse_older(data)
    if data[:4] != MAGIC:
        raise BadSoundPacket("wrong_magic")
    if len(data) < HEADER.size:
        raise BadSoundPacket("too_short")
    _, stream, rate_hz, per_chunk, time_us, highest, state_bytes, count = HEADER.unpack_from(data)
    _check(stream, rate_hz, per_chunk)
    if time_us > MAX_STREAM:
        raise BadSoundPacket("time_out_of_range")
    position = HEADER.size + state_bytes
    if len(data) < position:
        raise BadSoundPacket("truncated")
    chunks = []
    for _ in range(count):
        chunk, position = _parse_chunk(data, position, highest, per_chunk)
        chunks.append(chunk)
    if position != len(data):
        raise BadSoundPacket("left_over")
    return SoundPacket(stream, rate_hz, per_chunk, tuple(chunks), time_us, data[HEADER.size :][:state_bytes])


def shortened(packet: bytes, chunks: int) -> bytes:
    """The same packet with at most so many chunks, those that stand first.

    Args:
        packet: as `pack` makes it; of any other bytes nothing is changed.
    """
    if len(packet) < HEADER.size or packet[:4] != MAGIC:
        return packet
    *head, per_chunk, time_us, highest, state_bytes, count = HEADER.unpack_from(packet)
    if count <= chunks:
        return packet
    position = HEADER.size + state_bytes
    for _ in range(chunks):
        position = _end_of(packet, position + BACK_BYTES, per_chunk)
    return HEADER.pack(*head, per_chunk, time_us, highest, state_bytes, chunks) + packet[HEADER.size : position]


def _end_of(data: bytes, position: int, samples: int) -> int:
    """Where the `body` that begins at `position` ends, without decoding it."""
    coding, position = data[position], position + 1
    if coding & _SHORT:
        samples, position = _number_at(data, position)
    if coding & _MISSING:
        return position
    position += (samples + 7) // 8 if coding & _GAPS else 0
    if coding & _RICE:
        length, position = _number_at(data, position)
        return position + length
    return position + 2 * samples


def _check(stream: int, rate_hz: int, per_chunk: int) -> None:
    if stream > MAX_STREAM:
        raise BadSoundPacket("stream_out_of_range")
    if not 1000 <= rate_hz <= 96_000:
        raise BadSoundPacket("rate_out_of_range")
    if not 1 <= per_chunk <= MAX_CHUNK_SAMPLES:
        raise BadSoundPacket("chunk_samples_out_of_range")


def _parse_chunk(data: bytes, position: int, highest: int, per_chunk: int) -> tuple[Chunk, int]:
    if len(data) < position + _ENTRY.size:
        raise BadSoundPacket("truncated")
    back, _ = _ENTRY.unpack_from(data, position)
    if back > highest:
        raise BadSoundPacket("number_out_of_range")
    return chunk_of(highest - back, data, position + BACK_BYTES, per_chunk)


def chunk_of(number: int, data: bytes, position: int, per_chunk: int) -> tuple[Chunk, int]:
    """The chunk whose `body` begins at `position`, and where it ends.

    Raises:
        BadSoundPacket: there is no chunk there.
    """
    coding, position = data[position], position + 1
    if coding & ~(_RICE | _GAPS | _MISSING | _SHORT) or (coding & _MISSING and coding & (_RICE | _GAPS)):
        raise BadSoundPacket("unknown_kind")
    samples = per_chunk
    if coding & _SHORT:
        samples, position = _number_at(data, position)
        if not 1 <= samples < per_chunk:
            raise BadSoundPacket("samples_out_of_range")
    if coding & _MISSING:
        return Chunk(number, samples, None), position
    missing, position = _bytes_at(data, position, (samples + 7) // 8 if coding & _GAPS else 0)
    if coding & _RICE:
        length, position = _number_at(data, position)
        coded, position = _bytes_at(data, position, length)
        pcm = _decoded(coded, samples)
    else:
        pcm, position = _bytes_at(data, position, 2 * samples)
    if missing:
        _check_map(missing, pcm, samples)
    return Chunk(number, samples, pcm, missing), position


def _number_at(data: bytes, position: int) -> tuple[int, int]:
    taken, end = _bytes_at(data, position, _U16.size)
    return _U16.unpack(taken)[0], end


def _bytes_at(data: bytes, position: int, length: int) -> tuple[bytes, int]:
    end = position + length
    if len(data) < end:
        raise BadSoundPacket("truncated")
    return data[position:end], end


def _decoded(coded: bytes, samples: int) -> bytes:
    try:
        return rice.decode(coded, samples).astype("<i2").tobytes()
    except Malformed:
        raise BadSoundPacket("bad_rice") from None


def _check_map(missing: bytes, pcm: bytes, samples: int) -> None:
    gone = np.unpackbits(np.frombuffer(missing, np.uint8), bitorder="little").astype(bool)
    if gone[samples:].any() or not gone.any() or gone[:samples].all():
        raise BadSoundPacket("bad_gap_map")
    if np.frombuffer(pcm, "<i2")[gone[:samples]].any():
        raise BadSoundPacket("gap_not_zero")


def gap_map(chunk: Chunk) -> NDArray[np.bool_]:
    """For each sample of the chunk, whether it never arrived."""
    if chunk.pcm is None:
        return np.ones(chunk.samples, dtype=bool)
    if not chunk.missing:
        return np.zeros(chunk.samples, dtype=bool)
    bits = np.unpackbits(np.frombuffer(chunk.missing, np.uint8), bitorder="little")
    return bits[: chunk.samples].astype(bool)


def _parse_older(data: bytes) -> SoundPacket:
    _, stream, rate_hz, per_chunk, count = _OLDER_HEADER.unpack_from(data)
    _check(stream, rate_hz, per_chunk)
    chunks, position = [], _OLDER_HEADER.size
    for _ in range(count):
        chunk, position = _parse_older_chunk(data, position, per_chunk)
        chunks.append(chunk)
    if position != len(data):
        raise BadSoundPacket("left_over")
    return SoundPacket(stream, rate_hz, per_chunk, tuple(chunks))


def _parse_older_chunk(data: bytes, position: int, per_chunk: int) -> tuple[Chunk, int]:
    head, position = _bytes_at(data, position, _OLDER_ENTRY.size)
    number, samples, kind = _OLDER_ENTRY.unpack(head)
    if not 1 <= samples <= per_chunk:
        raise BadSoundPacket("samples_out_of_range")
    if kind not in (0, 1, 2):
        raise BadSoundPacket("unknown_kind")
    if kind == 1:
        return Chunk(number, samples, None), position
    missing, position = _bytes_at(data, position, (samples + 7) // 8 if kind == 2 else 0)
    pcm, position = _bytes_at(data, position, 2 * samples)
    if missing:
        _check_map(missing, pcm, samples)
    return Chunk(number, samples, pcm, missing), position
