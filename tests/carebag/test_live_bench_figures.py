"""What a run noted becomes figures: each from a few rows whose result is plain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag.link_emulator.profiles import PROFILES
from carebag.live_bench import figures
from carebag.live_bench.raw import Frame, Heard, Raw, Rendered
from carebag_edge.live.exact_sound import Chunk, SoundPacket
from carebag_edge.live.path_proof import PROOF_STREAMS

RATE = 4000
CHUNK = 80
BEGAN = 1_800_000_000.0


def block(sample: int, at: float, stream: int = 7) -> Rendered:
    return Rendered(stream, sample, BEGAN + at, 0.0, 0.0, {"waited": 0})


def packet(*numbers: int, stream: int = 7) -> bytes:
    chunks = tuple(Chunk(number, CHUNK, bytes(2 * CHUNK)) for number in numbers)
    return bytes(SoundPacket(stream, RATE, CHUNK, chunks))


def heard(
    frames: list[tuple[int, float]] | None = None,
    packets: list[tuple[float, bytes]] | None = None,
    rendered: list[Rendered] | None = None,
) -> Heard:
    came = [(BEGAN + at, "rtp", data) for at, data in packets or []]
    return Heard([(first, BEGAN + left) for first, left in frames or []], came, rendered or [], "verified", 0, 0)


def raw(**noted: object) -> Raw:
    return Raw(PROFILES["clean"], 1, BEGAN, BEGAN + 10, **noted)  # type: ignore[arg-type]


def test_percentiles_are_of_what_was_measured_and_nothing_is_nothing() -> None:
    spread = figures.distribution([0.001 * number for number in range(1, 101)])
    assert (spread.n, spread.p50, spread.p95, spread.p99, spread.most) == (100, 51.0, 96.0, 100.0, 100.0)
    assert figures.distribution([]) == figures.Distribution(0)


def test_the_bare_path_counts_no_loss_in_an_outage() -> None:
    rows = [(BEGAN + 1, BEGAN + 1.04), (BEGAN + 2, None), (BEGAN + 3, None), (BEGAN + 4, BEGAN + 4.05)]
    run = raw(bare=rows, out=[(BEGAN + 2.5, BEGAN + 3.5)])
    assert figures.bare_delays(run) == pytest.approx([0.04, 0.05])
    assert figures.bare_lost(run) == pytest.approx(1 / 3)


def test_a_frame_is_heard_when_the_block_with_its_first_sample_is_rendered() -> None:
    blocks = [block(0, 0.1), block(128, 0.132), block(-1, 0.164), block(256, 0.2), block(384, 0.232)]
    sound = heard([(0, 0.03), (118, 0.06), (236, 0.09), (354, 0.12)], rendered=blocks)
    found = figures.heard_after(sound, BEGAN, BEGAN + 1)
    assert [round(left - BEGAN, 3) for left, _ in found] == [0.03, 0.06, 0.09, 0.12]
    assert [round(after, 3) for _, after in found] == [0.07, 0.04, 0.042, 0.08]


def test_only_the_last_stream_is_looked_at() -> None:
    blocks = [block(0, 5, stream=6), block(0, 0.1), block(128, 0.132)]
    assert [one.stream for one in figures.own_blocks(heard(rendered=blocks))] == [7, 7]


def test_a_chunk_is_late_from_the_frame_that_made_it_whole_until_any_packet_brings_it() -> None:
    frames = [(number * CHUNK, 0.02 * (number + 1)) for number in range(12)]
    came = [(0.02 * (number + 1) + 0.045, packet(number)) for number in range(12) if number != 4]
    came.append((0.30, packet(11, 10, 7, 4)))
    delays = figures.chunk_delays(heard(frames, came), BEGAN, BEGAN + 1)
    late = [round(delay, 3) for _, delay in delays if delay is not None]
    assert late == [0.045, 0.045, 0.045, 0.2, 0.045, 0.045, 0.045, 0.045, 0.045, 0.045]
    assert figures.on_time(delays, 0.15) == pytest.approx(0.9)
    assert figures.on_time(delays, 0.25) == 1.0


def test_a_chunk_that_never_came_is_not_in_time() -> None:
    frames = [(number * CHUNK, 0.02 * number) for number in range(6)]
    delays = figures.chunk_delays(heard(frames, [(0.1, packet(1))]), BEGAN, BEGAN + 1)
    assert [delay is None for _, delay in delays] == [False, True, True, True]


@given(st.lists(st.binary(max_size=60) | st.just(packet(3)), max_size=20))
def test_bytes_that_are_no_packet_are_passed_over(mess: list[bytes]) -> None:
    size, arrived = figures.chunk_arrivals(heard(packets=[(0.1, data) for data in mess]))
    assert (size, set(arrived)) == ((CHUNK, {3}) if packet(3) in mess else (0, set()))


def test_a_proofs_sweep_is_no_body_sound() -> None:
    packets = [(0.1, packet(1)), (0.2, packet(2, stream=PROOF_STREAMS + 5))]
    assert figures.chunk_arrivals(heard(packets=packets))[1] == {1: BEGAN + 0.1}


def test_freezes_have_an_edge_at_both_ends() -> None:
    shown = [Frame(BEGAN + at, None, 640) for at in (0.5, 0.6, 0.84, 1.2)]
    gaps = figures.picture_gaps(shown, BEGAN, BEGAN + 2)
    assert [round(length, 2) for _, length in gaps] == [0.5, 0.36, 0.8]


def test_of_a_vital_state_that_was_lost_the_next_one_counts() -> None:
    states = [(1.05, "channel", 10, 1.0), (3.07, "channel", 12, 3.0), (3.01, "sound", 12, 3.0)]
    delays = [(round(at, 2), round(delay, 2)) for at, delay in figures.vitals_delays(states)]
    assert delays == [(1.0, 0.05), (2.0, 1.01), (3.0, 0.01)]
    assert figures.vitals_delays(states[:1]) == []


def test_a_vital_state_is_overtaken_by_a_newer_one() -> None:
    states = [(5.0, "channel", 1, 1.0), (2.1, "channel", 2, 2.0)]
    assert [round(delay, 2) for _, delay in figures.vitals_delays(states)] == [1.1, 0.1]


def test_neighbouring_polls_with_made_up_sound_are_one_gap() -> None:
    counts = [0, 0, 2400, 4800, 4800, 4800, 5280]
    talk = [(number * 0.05, 1, number * 2400, made_up, 0, 0) for number, made_up in enumerate(counts)]
    assert [round(length, 3) for _, length in figures.talk_gaps(talk)] == [0.1, 0.01]


def test_a_new_call_is_no_gap() -> None:
    talk = [(0.0, 1, 100, 50, 0, 0), (0.05, 2, 100, 4800, 0, 0), (0.1, 2, 200, 4800, 0, 0)]
    assert figures.talk_gaps(talk) == []
    assert figures.talk_share([*talk, (0.15, 2, 1100, 5300, 0, 0)]) == (1000 / 48_000, 0.5)
    assert figures.talk_share([]) == (0, None)


def test_picture_and_sound_are_back_with_what_was_made_after_the_return() -> None:
    pictures = [Frame(BEGAN + at, BEGAN + drawn, 640) for at, drawn in ((4.2, 3.9), (4.5, 4.3))]
    sound = heard([(0, 3.9), (118, 4.1), (236, 4.2)], rendered=[block(0, 4.1), block(128, 4.4), block(256, 4.6)])
    run = raw(pictures=pictures, heard=sound, back=[BEGAN + 4.0])
    assert figures.picture_back(run) == [pytest.approx(0.5)]
    assert figures.sound_back(run) == [pytest.approx(0.4)]


def test_talk_is_back_when_packets_of_any_call_arrive_again() -> None:
    packets = [(3.9, 1, 10), (3.95, 1, 12), (4.05, 1, 13), (4.5, 1, 13), (6.0, 2, 1), (6.05, 2, 3)]
    run = raw(talk=[(BEGAN + at, call, 0, 0, count, 0) for at, call, count in packets], back=[BEGAN + 4.0])
    assert figures.talk_back(run) == [pytest.approx(2.05)]


def test_what_never_came_back_is_never() -> None:
    run = raw(heard=heard(), back=[BEGAN + 4.0])
    assert np.isinf([*figures.picture_back(run), *figures.sound_back(run), *figures.talk_back(run)]).all()
