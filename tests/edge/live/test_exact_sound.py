"""The chunk codec: exact for any cutting, a gap stays a gap, any bytes are parsed or refused."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.exact_sound import Chunker, SoundRing, chunk_samples
from carebag_edge.live.sound_packet import (
    MAX_PACKET_BYTES,
    MAX_STATE_BYTES,
    OLDER_MAGIC,
    BadSoundPacket,
    Chunk,
    SoundPacket,
    body,
    parse,
    shortened,
)

GOLDEN = json.loads((Path(__file__).parent / "sound_packets.json").read_text())


def rebuild(chunks: list[Chunk], per_chunk: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples and which of them are missing, from whole chunks in order."""
    samples, missing = [], []
    for number, chunk in enumerate(chunks):
        assert chunk.number == number
        assert chunk.samples == per_chunk or number == len(chunks) - 1
        samples.append(np.zeros(chunk.samples, "<i2") if chunk.pcm is None else np.frombuffer(chunk.pcm, "<i2"))
        if chunk.pcm is None:
            missing.append(np.ones(chunk.samples, bool))
        else:
            bits = np.unpackbits(np.frombuffer(chunk.missing, np.uint8), bitorder="little").astype(bool)
            missing.append(bits[: chunk.samples] if chunk.missing else np.zeros(chunk.samples, bool))
    return np.concatenate(samples), np.concatenate(missing)


@pytest.mark.parametrize("case", GOLDEN["good"], ids=lambda case: case["name"])
def test_golden_bytes_are_read_and_written_alike(case: dict) -> None:
    data = bytes.fromhex(case["hex"])
    packet = parse(data)
    assert parse(bytes(packet)) == packet
    assert (packet.time_us, packet.state.hex()) == (case.get("time_us", 0), case.get("state", ""))
    assert (packet.stream, packet.rate_hz, packet.chunk_samples) == (
        case["stream"],
        case["rate_hz"],
        case["chunk_samples"],
    )
    read = [
        {
            "number": chunk.number,
            "samples": None if chunk.pcm is None else np.frombuffer(chunk.pcm, "<i2").tolist(),
            "length": chunk.samples,
            "missing": chunk.missing.hex(),
        }
        for chunk in packet.chunks
    ]
    assert read == case["chunks"]


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda case: case["name"])
def test_damage_is_refused_with_its_reason(case: dict) -> None:
    with pytest.raises(BadSoundPacket) as refused:
        parse(bytes.fromhex(case["hex"]))
    assert refused.value.reason == case["reason"]


def read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadSoundPacket):
        packet = parse(data)
        # the older layout is only read; its chunk numbers may lie further apart than the newer one can say
        assert data[:4] == OLDER_MAGIC or parse(bytes(packet)) == packet


@given(st.sampled_from([b"", b"CBS1", b"CBS2"]), st.binary(max_size=1300))
def test_any_bytes_are_parsed_or_refused(magic: bytes, data: bytes) -> None:
    read_or_refused(magic + data)


@st.composite
def chunks_of(draw: st.DrawFn, number: int, per_chunk: int) -> Chunk:
    """Any chunk that a kit may make: loud or quiet, whole, with gaps or missing, full or short."""
    samples = draw(st.sampled_from([per_chunk, draw(st.integers(1, per_chunk))]))
    if draw(st.integers(0, 5)) == 0:
        return Chunk(number, samples, None)
    loudest = draw(st.sampled_from([0, 3, 200, 32767]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    pcm = random.integers(-loudest - 1, loudest + 1, samples).astype("<i2")
    gone = random.random(samples) < draw(st.sampled_from([0, 0.2]))
    if gone.all():
        return Chunk(number, samples, None)
    pcm[gone] = 0
    return Chunk(number, samples, pcm.tobytes(), np.packbits(gone, bitorder="little").tobytes() if gone.any() else b"")


@given(st.data())
def test_a_packet_says_what_was_put_into_it(data: st.DataObject) -> None:
    per_chunk = data.draw(st.integers(1, 80))
    number = data.draw(st.integers(9, 2**32 - 1))
    packet = SoundPacket(
        data.draw(st.integers(0, 2**53)),
        data.draw(st.integers(1000, 96_000)),
        per_chunk,
        tuple(data.draw(chunks_of(number - back, per_chunk)) for back in (0, 1, 4, 9)),
        data.draw(st.integers(0, 2**53)),
        data.draw(st.binary(max_size=MAX_STATE_BYTES)),
    )
    assert parse(bytes(packet)) == packet
    assert len(bytes(packet)) <= MAX_PACKET_BYTES
    for chunks in range(1, 6):
        short = parse(shortened(bytes(packet), chunks))
        assert short == replace(packet, chunks=packet.chunks[:chunks])


def test_what_is_no_packet_is_not_shortened() -> None:
    assert shortened(b"", 1) == b""
    assert shortened(OLDER_MAGIC + bytes(40), 1) == OLDER_MAGIC + bytes(40)


def test_a_chunk_is_never_longer_than_its_samples() -> None:
    """Noise that Rice cannot shorten costs nothing more."""
    noise = np.random.default_rng(2).integers(-32768, 32768, 80).astype("<i2")
    quiet = (noise // 600).astype("<i2")
    sizes = [len(body(Chunk(0, 80, pcm.tobytes()), 80)) for pcm in (noise, quiet)]
    assert sizes[0] == 1 + 160
    assert sizes[1] < 100


@given(st.data())
def test_damaged_packets_are_parsed_or_refused(data: st.DataObject) -> None:
    good = bytearray.fromhex(data.draw(st.sampled_from(GOLDEN["good"]))["hex"])
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    read_or_refused(bytes(good))


@given(
    st.sampled_from([2000, 4000, 8000, 16_000]),
    st.lists(st.tuples(st.integers(0, 700), st.integers(1, 500)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_samples_and_gaps_come_back_for_any_cutting(rate: int, runs: list[tuple[int, int]], random) -> None:
    """Runs are (gap before, samples); the same stream cut in two ways gives the same chunks, and nothing is lost."""
    total = sum(gap + length for gap, length in runs)
    samples, missing = np.zeros(total, np.int16), np.zeros(total, bool)
    one, other, at = Chunker(7, rate), Chunker(7, rate), 0
    chunks, again = [], []
    for gap, length in runs:
        missing[at : at + gap] = True
        at += gap
        samples[at : at + length] = np.frombuffer(random.randbytes(2 * length), np.int16)
        chunks += one.feed(at, samples[at : at + length])
        cut = random.randint(0, length)
        again += other.feed(at, samples[at : at + cut]) + other.feed(at + cut, samples[at + cut : at + length])
        at += length
    chunks += one.finish(total)
    again += other.finish(total)
    assert chunks == again
    found, gone = rebuild(chunks, chunk_samples(rate))
    assert np.array_equal(found, samples)
    assert np.array_equal(gone, missing)
    for chunk in chunks[-3:]:
        packet = SoundPacket(7, rate, chunk_samples(rate), (chunk,))
        assert len(bytes(packet)) <= MAX_PACKET_BYTES
        assert parse(bytes(packet)) == packet


def test_samples_already_passed_are_dropped_and_an_overlap_is_cut() -> None:
    chunker = Chunker(1, 4000)
    assert chunker.feed(0, np.arange(60, dtype=np.int16)) == []
    assert chunker.feed(0, np.full(40, 9, np.int16)) == []
    (chunk,) = chunker.feed(50, np.arange(50, 80, dtype=np.int16))
    assert np.frombuffer(chunk.pcm or b"", "<i2").tolist() == list(range(80))


def test_samples_sent_again_fill_their_gap_and_nothing_else() -> None:
    samples = np.arange(1, 401, dtype=np.int16)
    chunker, ring = Chunker(1, 4000), SoundRing(1, 4000)
    for first, end in ((0, 50), (210, 300), (320, 330)):
        for chunk in chunker.feed(first, samples[first:end]):
            ring.put(chunk)
    assert ring.fill(0, np.full(50, 7, np.int16)) == []
    assert ring.fill(40, samples[40:200]) == [0, 1, 2]
    assert ring.fill(200, samples[200:320]) == [2, 3]
    assert chunker.feed(300, samples[300:325]) == []
    for chunk in [*chunker.feed(330, samples[330:]), *chunker.finish(400)]:
        ring.put(chunk)
    (packet,) = ring.packets(range(5))
    found, gone = rebuild(list(parse(packet).chunks), 80)
    assert np.array_equal(found, samples)
    assert not gone.any()


def test_a_broken_counter_makes_no_endless_gap() -> None:
    chunker = Chunker(1, 4000)
    assert chunker.feed(2**50, np.zeros(80, np.int16)) == []
    assert chunker.position == 0


@pytest.mark.parametrize(("rate", "loudest", "repeats"), [(4000, 30, 4), (16_000, 30, 4), (8000, 32767, 3)])
def test_a_packet_repeats_spread_chunks_as_far_as_they_fit(rate: int, loudest: int, repeats: int) -> None:
    chunker, ring = Chunker(3, rate), SoundRing(3, rate)
    noise = np.random.default_rng(1).integers(-loudest, loudest + 1, rate)
    for chunk in chunker.feed(0, noise.astype(np.int16)):
        ring.put(chunk)
    packet = parse(ring.packet(20))
    assert [chunk.number for chunk in packet.chunks] == [20, 19, 16, 11][:repeats]


def test_the_first_packet_repeats_only_what_there_is() -> None:
    chunker, ring = Chunker(3, 4000), SoundRing(3, 4000)
    for chunk in chunker.feed(0, np.ones(160, np.int16)):
        ring.put(chunk)
    assert [chunk.number for chunk in parse(ring.packet(1)).chunks] == [1, 0]


def test_the_ring_forgets_the_oldest_and_says_so() -> None:
    chunker, ring = Chunker(3, 4000), SoundRing(3, 4000, seconds=1)
    for chunk in chunker.feed(0, np.ones(8000, np.int16)):
        ring.put(chunk)
    assert ring.oldest == 50
    assert list(ring.packets([0, 49])) == []
    repaired = [chunk.number for packet in ring.packets(range(100)) for chunk in parse(packet).chunks]
    assert repaired == list(range(50, 100))


@given(st.integers(1000, 32_000), st.integers(0, 3000))
def test_chunks_are_parts_of_frames_or_of_the_usual_length(rate: int, frame: int) -> None:
    usual = chunk_samples(rate)
    size = chunk_samples(rate, frame)
    assert size == usual or (usual // 2 <= size < usual and frame % size == 0)


def test_chunks_of_real_frames() -> None:
    assert [chunk_samples(rate, 118) for rate in (4000, 8000, 16_000)] == [59, 118, 118]
    assert [chunk_samples(4000, frame) for frame in (236, 113, 160, 1000, 20)] == [59, 80, 80, 80, 80]


def test_repairs_far_apart_go_in_packets_of_their_own() -> None:
    """Numbers count back from the highest in 16 bits; half an hour has more chunks than that."""
    ring = SoundRing(1, 4000, frame=118)
    for number in range(70_000):
        ring.put(Chunk(number, 59, None))
    packets = [parse(data) for data in ring.packets([69_999, 0, 1, 69_998])]
    assert [[chunk.number for chunk in packet.chunks] for packet in packets] == [[69_999], [0, 1], [69_998]]
