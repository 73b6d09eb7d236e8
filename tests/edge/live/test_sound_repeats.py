"""Few repeats on a narrow path that loses nothing, all of them with the first loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.sound_repeats import LITTLE_CHUNKS, QUIET_S, SoundRepeats


def watched(repeats: SoundRepeats, *, seconds: range, loss: float = 0.0, step: int = 2) -> bool:
    for now in seconds:
        repeats.watch(float(now), loss, step)
    return repeats.little


def test_a_narrow_path_that_was_quiet_for_ten_seconds_repeats_little() -> None:
    repeats = SoundRepeats(0.0)
    assert not watched(repeats, seconds=range(1, int(QUIET_S)))
    assert watched(repeats, seconds=range(10, 12))


def test_the_first_loss_brings_all_repeats_back_for_ten_seconds() -> None:
    repeats = SoundRepeats(0.0)
    assert watched(repeats, seconds=range(20))
    assert not watched(repeats, seconds=range(20, 21), loss=0.02)
    assert not watched(repeats, seconds=range(21, 30))
    assert watched(repeats, seconds=range(30, 31))


def test_one_packet_that_a_queue_dropped_is_no_loss_of_the_radio() -> None:
    assert watched(SoundRepeats(0.0), seconds=range(20), loss=0.003)


@pytest.mark.parametrize(("step", "little"), [(-1, True), (0, True), (2, True), (3, False), (8, False)])
def test_a_wide_path_repeats_all(step: int, little: bool) -> None:
    assert watched(SoundRepeats(0.0), seconds=range(20), step=step) is little


def test_the_room_that_it_made_does_not_turn_it_back() -> None:
    repeats = SoundRepeats(0.0)
    watched(repeats, seconds=range(20))
    assert watched(repeats, seconds=range(20, 30), step=4)
    assert not watched(repeats, seconds=range(30, 31), step=5)
    assert not watched(repeats, seconds=range(31, 33), step=4)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1), st.integers(-1, 8)), max_size=60))
def test_never_little_within_ten_seconds_of_a_loss(reports: list[tuple[float, float, int]]) -> None:
    repeats, now, lost = SoundRepeats(0.0), 0.0, 0.0
    for since, loss, step in reports:
        now += since
        lost = now if loss > 0.005 else lost
        repeats.watch(now, loss, step)
        assert not (repeats.little and now - lost < QUIET_S)
    assert LITTLE_CHUNKS == 2
