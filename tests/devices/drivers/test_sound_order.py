"""Frames in any order, lost or doubled: what goes on is in order, exact and once."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.auscultation import AudioFrame, Digest, crc32c
from carebag_devices.drivers.sound_order import Missing, SoundOrder

SIZE = 6


def frame(number: int, *, retransmitted: bool = False) -> AudioFrame:
    samples = np.arange(number * SIZE, (number + 1) * SIZE).astype("<i2")
    return AudioFrame(number % 2**16, number * SIZE, samples.tobytes(), retransmitted=retransmitted)


def numbers(frames: list[AudioFrame]) -> list[int]:
    return [frame.first_sample // SIZE for frame in frames]


def test_a_gap_is_asked_for_and_filled() -> None:
    order = SoundOrder()
    assert numbers(order.feed(frame(0), 0.0)[0]) == [0]
    assert order.feed(frame(3), 1.0) == ([], Missing(1, 2))
    assert order.deadline == 1.3
    assert order.feed(frame(4), 1.1) == ([], None), "asked for once"
    assert numbers(order.feed(frame(1, retransmitted=True), 1.2)[0]) == [1]
    assert numbers(order.feed(frame(2, retransmitted=True), 1.2)[0]) == [2, 3, 4]
    assert (order.deadline, order.next_sample) == (None, 5 * SIZE)
    assert (order.tally.repaired, order.tally.gaps) == (2, 0)


def test_after_its_patience_the_gap_stands() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    order.feed(frame(2), 1.0)
    assert order.overdue(1.29) == []
    assert numbers(order.overdue(1.3)) == [2]
    assert order.feed(frame(1, retransmitted=True), 1.4) == ([], None), "too late: never out of order"
    assert (order.tally.gaps, order.tally.late) == (1, 1)


def test_two_gaps_are_asked_for_apart() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    assert order.feed(frame(2), 0.0)[1] == Missing(1, 1)
    assert order.feed(frame(5), 0.0)[1] == Missing(3, 2)
    assert numbers(order.give_up_gap(0.4)) == [2]
    assert numbers(order.give_up_gap(0.8)) == [5]
    assert order.give_up_gap(0.9) == []


def test_sequence_numbers_wrap() -> None:
    order = SoundOrder(_next_sample=65535 * SIZE, _next_seq=65535)
    assert order.feed(frame(65537), 0.0)[1] == Missing(65535, 2)


def test_digests() -> None:
    order = SoundOrder()
    data = frame(0).data + frame(1).data
    good = Digest(0, 2 * SIZE, crc32c(data))
    order.feed(frame(0), 0.0)
    assert not order.reaches(good)
    order.feed(frame(1), 0.0)
    assert order.reaches(good)
    assert order.digest(good) == "verified"
    assert order.digest(Digest(0, 2 * SIZE, good.crc ^ 1)) == "mismatched"
    order.feed(frame(3), 0.0)
    order.give_up_gap(0.0)
    assert order.digest(Digest(2 * SIZE, 2 * SIZE, 0)) == "incomplete"


@given(st.integers(min_value=1, max_value=60), st.randoms(use_true_random=False), st.floats(0, 0.5), st.floats(0, 0.5))
def test_any_disorder(count: int, chance: random.Random, loss: float, jumble: float) -> None:
    """Every frame may be lost, doubled or late; resends arrive or not. What is not late comes out, in order."""
    order, now, told = SoundOrder(), 0.0, []
    incoming = [frame(n) for n in range(count) if chance.random() >= loss]
    incoming += [f for f in incoming if chance.random() < 0.2]
    incoming.sort(key=lambda f: f.first_sample + chance.random() * jumble * 200)
    while incoming:
        now += 0.03
        told += order.overdue(now)
        released, missing = order.feed(incoming.pop(0), now)
        told += released
        if missing is not None and chance.random() < 0.7:
            again = [frame(missing.seq + n, retransmitted=True) for n in range(missing.count)]
            at = chance.randrange(len(incoming) + 1)
            incoming[at:at] = [f for f in again if chance.random() < 0.8]
    while rest := order.give_up_gap(now):
        told += rest
    given_out = numbers(told)
    assert given_out == sorted(set(given_out))
    assert all(told_frame.data == frame(number).data for told_frame, number in zip(told, given_out, strict=True))
    assert order.next_sample == (given_out[-1] + 1) * SIZE if given_out else order.next_sample == 0
    assert order.tally.delivered == len(told)
    jumps = sum(1 for before, after in zip([-1, *given_out], given_out, strict=False) if after != before + 1)
    assert order.tally.gaps == jumps


def test_a_jump_that_no_radio_makes_is_refused() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    wild = AudioFrame(9, 4_000_000_000, bytes(2 * SIZE))
    assert order.feed(wild, 0.0) == ([], None)
    assert (order.deadline, order.tally.refused) == (None, 1)
    assert numbers(order.feed(frame(1), 0.0)[0]) == [1]


@given(st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=20)), max_size=30))
def test_frames_that_contradict_each_other_do_no_harm(raw: list[tuple[int, int, bytes]]) -> None:
    order, told = SoundOrder(), []
    for now, (seq, first, data) in enumerate(raw):
        told += order.feed(AudioFrame(seq, first, data[: len(data) // 2 * 2]), float(now))[0]
        told += order.overdue(float(now))
    firsts = [f.first_sample for f in told]
    assert firsts == sorted(firsts)
