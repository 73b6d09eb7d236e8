"""Frames in any order, lost, doubled or contradictory: what goes on is in order, exact, in its place and once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from carebag_devices.codecs.auscultation import DIGEST_FRAMES, AudioFrame, Digest
from carebag_devices.codecs.auscultation_control import End
from carebag_devices.codecs.crc32c import crc32c
from carebag_devices.drivers.sound_order import FURTHEST_SAMPLES, PATIENCE_S, Missing, Placed, SoundOrder

SIZE = 6


def frame(number: int, *, retransmitted: bool = False) -> AudioFrame:
    samples = np.arange(number * SIZE, (number + 1) * SIZE).astype("<i2")
    return AudioFrame(number % 2**16, number * SIZE % 2**32, samples.tobytes(), retransmitted=retransmitted)


def numbers(frames: list[Placed]) -> list[int]:
    return [placed.first_sample // SIZE for placed in frames]


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
    assert (order.tally.gaps, order.tally.late, order.tally.doubled) == (1, 1, 0)


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


def test_a_stack_that_calls_back_twice_is_heard_once() -> None:
    """hbldh/bleak#2002: StartNotify after a reconnection may double the callbacks."""
    order, told = SoundOrder(), []
    for number in range(20):
        for _ in range(2):
            told += order.feed(frame(number), 0.0)[0]
    assert numbers(told) == list(range(20))
    assert (order.tally.doubled, order.tally.late, order.tally.gaps) == (20, 0, 0)


def test_a_frame_held_is_held_once() -> None:
    order = SoundOrder()
    order.feed(frame(1), 0.0)
    assert order.feed(frame(1), 0.0) == ([], None)
    assert order.tally.doubled == 1
    assert numbers(order.feed(frame(0), 0.0)[0]) == [0, 1]


@pytest.mark.parametrize("start", [2**32 // SIZE - 3, 2**16 - 3, 5 * 2**16 - 3])
def test_numbers_that_wrap_around_count_on(start: int) -> None:
    order, told = SoundOrder(_next_sample=start * SIZE, _next_seq=start), []
    for number in (0, 1, 4, 2, 3, 6, 5, 7):
        told += order.feed(frame(start + number), 0.0)[0]
    assert numbers(told) == [start + number for number in range(8)]
    data = b"".join(placed.frame.data for placed in told)
    said = Digest(start * SIZE % 2**32, 8 * SIZE, crc32c(data))
    assert order.reaches(said)
    assert order.digest(said) == "verified"


def test_a_real_stream_of_seventy_thousand_frames() -> None:
    order, told = SoundOrder(), 0
    for number in range(70_000):
        for placed in order.feed(frame(number), 0.0)[0]:
            assert placed.first_sample == told
            told += placed.frame.count
    assert told == 70_000 * SIZE
    assert order.tally.delivered == 70_000


def overrun(number: int, lost: int) -> AudioFrame:
    return AudioFrame(number, number * SIZE + lost, bytes(2 * SIZE), overrun=True)


def test_an_overrun_is_a_gap_with_nothing_to_ask_for() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    released, missing = order.feed(overrun(1, 50), 0.0)
    assert [placed.first_sample for placed in released] == [SIZE + 50]
    assert (missing, order.deadline, order.tally.gaps) == (None, None, 1)


def test_an_overrun_behind_a_lost_frame() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    assert order.feed(overrun(2, 50), 0.0) == ([], Missing(1, 1))
    released, _ = order.feed(frame(1), 0.1)
    assert [placed.first_sample for placed in released] == [SIZE, 2 * SIZE + 50]
    assert (order.deadline, order.tally.gaps) == (None, 1)


def test_places_that_contradict_the_sequence_are_refused() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    jumped = AudioFrame(1, 3 * SIZE, bytes(2 * SIZE))
    squeezed = AudioFrame(9, SIZE + 2, bytes(2 * SIZE))
    assert order.feed(jumped, 0.0) == order.feed(squeezed, 0.0) == ([], None)
    assert (order.tally.refused, order.deadline) == (2, None)
    assert numbers(order.feed(frame(1), 0.0)[0]) == [1]


def test_a_frame_half_a_turn_away_is_refused() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    for wild in (AudioFrame(1, SIZE + 2**31, bytes(2)), AudioFrame(1 + 2**15, SIZE, bytes(2))):
        assert order.feed(wild, 0.0) == ([], None)
    assert numbers(order.feed(frame(1), 0.0)[0]) == [1]


def test_a_held_frame_that_turns_out_to_contradict_is_refused() -> None:
    order = SoundOrder()
    order.feed(AudioFrame(2, 50, bytes(20)), 0.0)
    order.feed(frame(3), 0.0)
    order.feed(frame(0), 0.0)
    assert numbers(order.feed(frame(1), 0.0)[0]) == [1]
    assert (order.tally.refused, order.deadline) == (1, PATIENCE_S)
    assert numbers(order.overdue(PATIENCE_S)) == [3]


def test_frames_that_overlap_are_not_heard_twice() -> None:
    order = SoundOrder()
    order.feed(AudioFrame(2, 20, bytes(20)), 0.0)
    order.feed(AudioFrame(4, 25, bytes(20)), 0.0)
    assert [placed.first_sample for placed in order.give_up_gap(0.3)] == [20]
    assert order.give_up_gap(0.6) == []
    assert (order.tally.refused, order.next_sample) == (1, 30)


def test_a_tail_that_was_lost_is_asked_for() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    assert order.close(End(4 * SIZE, 4), 1.0) == Missing(1, 3)
    assert order.deadline == 1.3
    for number in (1, 2, 3):
        order.feed(frame(number, retransmitted=True), 1.1)
    assert (order.deadline, order.next_sample, order.tally.gaps) == (None, 4 * SIZE, 0)


def test_a_tail_that_stays_lost_is_a_gap_at_the_end() -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    order.feed(frame(2), 0.9)
    assert order.close(End(4 * SIZE, 4), 1.0) == Missing(3, 1)
    assert numbers(order.overdue(1.3)) == [2]
    assert order.overdue(1.6) == []
    assert (order.deadline, order.next_sample, order.tally.gaps) == (None, 4 * SIZE, 2)
    assert order.feed(frame(3), 1.7) == ([], None)
    assert order.feed(frame(4), 1.7)[0], "the end has been reached; the driver listens no more"


@pytest.mark.parametrize(
    "end", [End(SIZE, 1), End(0, 0), End(SIZE, 3), End(2 * SIZE, 2**16 - 1), End(SIZE + FURTHEST_SAMPLES + 1, 4)]
)
def test_an_end_that_is_reached_or_makes_no_sense(end: End) -> None:
    order = SoundOrder()
    order.feed(frame(0), 0.0)
    assert order.close(end, 1.0) is None
    assert (order.deadline, order.next_sample) == (None, SIZE)


def test_nothing_comes_after_the_end() -> None:
    order = SoundOrder()
    order.close(End(2 * SIZE, 2), 0.0)
    assert order.feed(frame(2), 0.0) == ([], None)
    assert order.feed(AudioFrame(1, SIZE, bytes(2 * SIZE + 2)), 0.0) == ([], None)
    assert order.tally.refused == 2


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
    assert order.digest(Digest(1, 2 * SIZE, good.crc)) == "incomplete", "windows begin with a frame"
    assert order.digest(Digest(0, 2 * SIZE - 1, good.crc)) == "incomplete", "and end with one"
    assert (order.tally.verified, order.tally.mismatched, order.tally.incomplete) == (1, 1, 3)


class Stream(RuleBasedStateMachine):
    """An honest device on a bad line against the whole truth. Sizes vary, both counters wrap around on the way."""

    @initialize(seq=st.sampled_from([0, 2**16 - 4]), sample=st.sampled_from([0, 2**32 - 900]))
    def begin(self, seq: int, sample: int) -> None:
        self.order = SoundOrder(_next_sample=sample, _next_seq=seq)
        self.first, self.now = sample, 0.0
        self.at = (seq, sample)
        self.ring: dict[int, AudioFrame] = {}
        self.on_the_way: list[AudioFrame] = []
        self.asked: list[Missing] = []
        self.told: list[Placed] = []
        self.came: set[int] = set()
        self.lost_in_device = 0
        self.ended = False

    def take(self, released: list[Placed], missing: Missing | None = None) -> None:
        self.told += released
        if missing is not None:
            assert missing.count > 0
            self.asked.append(missing)

    def arrive(self, frame: AudioFrame) -> None:
        self.came.add(frame.seq)
        self.take(*self.order.feed(frame, self.now))

    @precondition(lambda self: not self.ended)
    @rule(
        size=st.integers(1, 255), fate=st.sampled_from(["comes", "comes", "comes", "lost", "waits"]), lost=st.booleans()
    )
    def record(self, size: int, fate: str, lost: bool) -> None:
        seq, sample = self.at
        if lost and seq % 7 == 0:
            self.lost_in_device += 1
            sample += 40
        else:
            lost = False
        data = truth(sample, size)
        frame = AudioFrame(seq % 2**16, sample % 2**32, data, overrun=lost)
        self.ring[frame.seq] = frame
        self.at = seq + 1, sample + size
        if fate == "comes":
            self.arrive(frame)
        elif fate == "waits":
            self.on_the_way.append(frame)

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def late_arrival(self, data: st.DataObject) -> None:
        self.arrive(self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1))))

    @precondition(lambda self: self.came)
    @rule(data=st.data())
    def arrives_again(self, data: st.DataObject) -> None:
        self.arrive(self.ring[data.draw(st.sampled_from(sorted(self.came)))])

    @precondition(lambda self: self.asked)
    @rule(reaches=st.lists(st.booleans(), min_size=1))
    def answer(self, reaches: list[bool]) -> None:
        asked = self.asked.pop(0)
        for offset in range(asked.count):
            if reaches[offset % len(reaches)]:
                self.arrive(AudioFrame(**vars(self.ring[(asked.seq + offset) % 2**16]) | {"retransmitted": True}))

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.31]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.order.overdue(self.now))

    @precondition(lambda self: not self.ended)
    @rule()
    def end(self) -> None:
        self.ended = True
        self.take([], self.order.close(End(self.at[1] % 2**32, self.at[0] % 2**16), self.now))

    @invariant()
    def every_sample_is_in_its_place_and_none_is_there_twice(self) -> None:
        at = self.first
        jumps = 0
        for placed in self.told:
            assert placed.first_sample >= at
            assert placed.frame.data == truth(placed.first_sample, placed.frame.count)
            jumps += placed.first_sample > at
            at = placed.first_sample + placed.frame.count
        assert self.order.next_sample in (at, self.at[1])
        assert self.order.tally.gaps == jumps + (self.order.next_sample > at)
        assert self.order.tally.delivered == len(self.told)
        assert self.order.tally.refused == 0

    @invariant()
    def digests_tell_the_truth(self) -> None:
        if self.told:
            window = self.told[-DIGEST_FRAMES:]
            begin = window[0].first_sample
            whole = window[-1].first_sample + window[-1].frame.count - begin
            said = Digest(begin % 2**32, whole, crc32c(truth(begin, whole)))
            complete = sum(placed.frame.count for placed in window) == whole
            assert self.order.reaches(said)
            assert self.order.digest(said) == ("verified" if complete else "incomplete")
            if complete:
                assert self.order.digest(Digest(said.first_sample, whole, said.crc ^ 1)) == "mismatched"

    def teardown(self) -> None:
        """All that is asked for comes at last: then the gaps are those that time or the device made."""
        while self.asked:
            self.answer([True])
        while self.order.deadline is not None:
            self.now = self.order.deadline
            self.take(self.order.overdue(self.now))
        self.every_sample_is_in_its_place_and_none_is_there_twice()
        if self.ended:
            assert self.order.next_sample == self.at[1]


def truth(first_sample: int, count: int) -> bytes:
    """The only sound there is: every sample tells its place."""
    return (np.arange(first_sample, first_sample + count, dtype=np.int64) * 40503 >> 3).astype("<i2").tobytes()


Stream.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
test_a_stream_on_a_bad_line = Stream.TestCase


@given(st.lists(st.integers(1, 255), min_size=1, max_size=80), st.sets(st.integers(0, 79)), st.randoms())
def test_what_is_resent_in_time_leaves_no_gap(sizes: list[int], lost: set[int], chance: object) -> None:
    order, sample, ring, told, asked = SoundOrder(), 0, {}, [], []
    for seq, size in enumerate(sizes):
        ring[seq] = AudioFrame(seq, sample, truth(sample, size))
        sample += size
        if seq not in lost:
            released, missing = order.feed(ring[seq], 0.0)
            told += released
            asked += [missing] if missing else []
    last = order.close(End(sample, len(sizes)), 0.0)
    for missing in [*asked, *([last] if last else [])]:
        again = [ring[missing.seq + offset] for offset in range(missing.count)]
        chance.shuffle(again)  # type: ignore[attr-defined]
        for frame in again:
            told += order.feed(frame, 0.2)[0]
    assert b"".join(placed.frame.data for placed in told) == truth(0, sample)
    assert (order.tally.gaps, order.deadline, order.tally.doubled, order.tally.late) == (0, None, 0, 0)


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
    ends = [placed.first_sample + placed.frame.count for placed in told]
    assert all(end <= placed.first_sample for end, placed in zip(ends, told[1:], strict=False)), "no sample twice"
