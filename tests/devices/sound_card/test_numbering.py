"""Sample numbers of an input that has none: exact where we know, estimated where the sound system lost something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.sound_card.numbering import Numbering

BLOCK = st.tuples(st.integers(0, 500), st.floats(0, 1e6), st.booleans(), st.integers(0, 1000))


def test_blocks_follow_each_other_whatever_their_time_stamps_say() -> None:
    numbering = Numbering(8000)
    assert [numbering.place(160, at, overflowed=False) for at in (5.0, 5.02, 7.0, 5.06)] == [0, 160, 320, 480]
    assert (numbering.next_sample, numbering.estimated_gaps) == (640, 0)


def test_an_overflow_is_as_long_as_the_time_stamps_say() -> None:
    numbering = Numbering(8000)
    numbering.place(160, 5.0, overflowed=False)
    assert numbering.place(160, 5.02 + 0.1, overflowed=True) == 160 + 800
    assert (numbering.estimated_gaps, numbering.estimated_samples) == (1, 800)


@pytest.mark.parametrize("at", [5.02, 4.0, 0.0, 16.0, 1e9])
def test_an_overflow_is_at_least_one_sample_and_never_a_wild_number(at: float) -> None:
    numbering = Numbering(8000)
    numbering.place(160, 5.0, overflowed=False)
    assert numbering.place(160, at, overflowed=True) == 161


def test_an_overflow_before_the_first_block() -> None:
    assert Numbering(8000).place(160, 5.0, overflowed=True) == 1


def test_what_we_dropped_is_exact_and_not_counted_twice() -> None:
    numbering = Numbering(8000)
    numbering.place(160, 5.0, overflowed=False)
    assert numbering.place(160, 5.06, overflowed=False, dropped=320) == 480
    assert numbering.place(160, 5.08 + 0.04 + 0.1, overflowed=True, dropped=320) == 640 + 320 + 800
    assert (numbering.estimated_gaps, numbering.estimated_samples) == (1, 800)


@given(st.lists(BLOCK, max_size=40))
def test_no_sample_has_two_places(blocks: list[tuple[int, float, bool, int]]) -> None:
    numbering, end, estimated = Numbering(8000), 0, 0
    for count, at, overflowed, dropped in blocks:
        first = numbering.place(count, at, overflowed=overflowed, dropped=dropped)
        assert first - end >= dropped + overflowed
        assert overflowed or first - end == dropped
        estimated += first - end - dropped
        end = first + count
        assert numbering.next_sample == end
    assert numbering.estimated_samples == estimated
