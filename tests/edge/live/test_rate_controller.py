"""The video's share of a path, on made-up reports and on a simulated link with a queue."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.rate_controller import (
    BACK_EVERY_S,
    LESS,
    QUEUE_MS,
    START,
    STEPS,
    PathReport,
    RateController,
    ReportPool,
    VideoStep,
)

GOOD = PathReport(0.0, 80.0)


def test_nine_steps_from_60_to_1500_that_start_at_150() -> None:
    assert len(STEPS) == 9
    assert (STEPS[0].kbps, STEPS[-1].kbps) == (60, 1500)
    assert RateController().video == VideoStep(150, 15.0)
    # aiortc builds no new encoder for a change below 10 %: each step must be one
    assert all(after.kbps > 1.1 * before.kbps for before, after in pairwise(STEPS))


def test_a_good_path_rises_one_step_each_three_seconds() -> None:
    controller, steps = RateController(), []
    for second in range(60):
        controller.report(float(second), GOOD)
        steps.append(controller.step)
    assert steps[-1] == len(STEPS) - 1
    rises = [second for second in range(1, 60) if steps[second] > steps[second - 1]]
    assert rises == [3, 6, 9, 12, 15, 18]


def test_a_queue_brings_it_down_at_once() -> None:
    controller = RateController()
    for second in range(20):
        controller.report(float(second), GOOD)
    before = controller.step
    controller.report(20.0, PathReport(0.0, 190.0))
    assert controller.step == before - 1


def test_steady_loss_is_the_radios_and_takes_nothing() -> None:
    controller = RateController()
    for second in range(40):
        controller.report(float(second), PathReport(0.10, 85.0))
    assert controller.step == len(STEPS) - 1


def test_a_still_picture_proves_nothing_of_the_path() -> None:
    controller = RateController()
    for second in range(20):
        controller.report(float(second), PathReport(0.0, 80.0, video_kbps=20.0))
    assert controller.step == START


def test_loss_that_came_with_a_step_up_undoes_it() -> None:
    controller = RateController()
    for second in range(4):
        controller.report(float(second), GOOD)
    assert controller.step == START + 1
    controller.report(4.0, PathReport(0.12, 85.0))
    assert controller.step == START


def test_a_step_that_failed_is_tried_ever_more_seldom() -> None:
    controller, tries = RateController(), []
    before = controller.step
    for second in range(200):
        # the path takes the start step and nothing above it
        controller.report(float(second), GOOD if controller.step <= START else PathReport(0.3, 300.0))
        if controller.step > max(before, START):
            tries.append(second)
        before = controller.step
    waits = [after - earlier for earlier, after in pairwise(tries)]
    assert waits == sorted(waits)
    assert waits[-1] >= 40


def test_sound_that_begins_is_given_room_before_it_comes() -> None:
    controller = RateController()
    for second in range(12):
        controller.report(float(second), GOOD)
    assert STEPS[controller.step].kbps == 500
    controller.reserve(12.0, 130.0)
    assert STEPS[controller.step].kbps == 340
    controller.reserve(13.0, 0.0)
    assert STEPS[controller.step].kbps == 340


def test_room_that_was_made_is_taken_back_sooner_than_new_room_is_tried() -> None:
    controller = RateController()
    for second in range(12):
        controller.report(float(second), GOOD)
    controller.reserve(12.0, 200.0)
    steps = []
    for half in range(30):
        controller.report(12.0 + half / 2, GOOD)
        steps.append(STEPS[controller.step].kbps)
    assert [steps.index(kbps) / 2 for kbps in (340, 500, 750)] == [1.5, 3.0, 6.0]


def test_room_is_not_taken_back_sooner_once_the_path_was_full() -> None:
    controller = RateController()
    for second in range(12):
        controller.report(float(second), GOOD)
    controller.reserve(12.0, 200.0)
    controller.report(12.5, PathReport(0.0, 80.0 + QUEUE_MS + 60.0))
    low = controller.step
    for half in range(2, 7):
        controller.report(12.0 + half / 2, GOOD)
        assert controller.step == low


@pytest.mark.parametrize("loss", [0.02, 0.05, 0.1])
def test_loss_by_chance_does_not_keep_the_picture_small(loss: float) -> None:
    """Reports as Chromium sends them, three a second, of the few packets there were."""
    seconds_above, chance = 0, random.Random(1)
    for _ in range(10):
        controller, pool = RateController(), ReportPool()
        for third in range(180):
            step = STEPS[controller.step]
            packets = max(1, round((step.kbps / 8.8 + step.frames_per_s / 2) / 3))
            lost = sum(chance.random() < loss for _ in range(packets)) / packets
            pooled = pool.take(third / 3, PathReport(lost, 80.0 + chance.uniform(0, 20)))
            if pooled is not None:
                controller.report(third / 3, pooled)
            seconds_above += (third > 60 and step.kbps >= 340) / 3
    assert seconds_above > 0.8 * 10 * 40


def test_reports_of_a_second_are_one() -> None:
    pool = ReportPool()
    assert pool.take(10.0, PathReport(0.3, 120.0)) is None
    assert pool.take(10.5, PathReport(0.0, None)) is None
    assert pool.take(11.0, PathReport(0.0, 80.0)) == PathReport(pytest.approx(0.1), 80.0)
    assert pool.take(11.3, PathReport(0.2, None)) is None
    assert pool.take(12.0, PathReport(0.2, None)) == PathReport(pytest.approx(0.2), None)


def test_sound_that_is_measured_a_little_differently_each_time_takes_no_step() -> None:
    controller = RateController()
    controller.reserve(0.0, 170.0)
    for second in range(60):
        controller.reserve(second + 0.5, 170.0 + 7 * (second % 3))
        controller.report(float(second), GOOD)
    assert controller.step == len(STEPS) - 1


def test_sound_that_grows_little_by_little_is_given_room_all_the_same() -> None:
    controller = RateController()
    for second in range(12):
        controller.report(float(second), GOOD)
    for more in range(0, 131, 5):
        controller.reserve(12.0, float(more))
    assert STEPS[controller.step].kbps <= 500 - 110


def test_the_ladder_has_the_last_word() -> None:
    controller = RateController()
    controller.limit = "less"
    assert controller.video == LESS
    controller.limit = "none"
    assert controller.video is None
    controller.limit = "full"
    assert controller.video == STEPS[START]


REPORTS = st.lists(
    st.tuples(
        st.floats(0.0, 5.0),
        st.floats(0.0, 1.0),
        st.none() | st.floats(0.0, 60_000.0),
        st.floats(0.0, 1000.0),
        st.sampled_from(["full", "less", "none"]),
    ),
    max_size=200,
)


@given(REPORTS)
def test_whatever_is_reported_it_stays_on_the_steps_and_never_hurries_up(reports: list[tuple]) -> None:
    controller, now = RateController(), 0.0
    risen: list[float] = []
    for wait, loss, rtt, sound, limit in reports:
        now += wait
        controller.limit = limit
        before = controller.step
        controller.reserve(now, sound)
        assert controller.step <= before
        between = controller.step
        controller.report(now, PathReport(loss, rtt))
        assert 0 <= controller.step <= between + 1
        assert controller.step < len(STEPS)
        if controller.step > between:
            risen.append(now)
    assert all(later - earlier >= BACK_EVERY_S for earlier, later in pairwise(risen))


@dataclass
class Link:
    """A bottleneck with a tail-drop queue; the page reports once a second what was true a second ago."""

    capacity_kbps: float
    loss: float = 0.0
    queue_limit_ms: float = 300.0
    queue_ms: float = 0.0
    noise: random.Random = field(default_factory=lambda: random.Random(1))

    def second(self, sent_kbps: float) -> PathReport:
        queue_ms = self.queue_ms + (sent_kbps / self.capacity_kbps - 1.0) * 1000.0
        spilt_ms = max(0.0, queue_ms - self.queue_limit_ms)
        self.queue_ms = min(max(queue_ms, 0.0), self.queue_limit_ms)
        spilt = spilt_ms / 1000.0 * self.capacity_kbps / max(sent_kbps, 1.0)
        lost = min(1.0, self.loss * self.noise.uniform(0.5, 1.5) + spilt)
        return PathReport(lost, 80.0 + self.queue_ms + self.noise.uniform(-8.0, 8.0))


def run(link: Link, seconds: int, sound_kbps: float = 180.0) -> tuple[list[int], list[float]]:
    """kbit/s of video and the queue, ms, second by second."""
    controller, videos, queues = RateController(), [], []
    controller.reserve(0.0, sound_kbps)
    for second in range(seconds):
        video = STEPS[controller.step].kbps
        report = link.second(video + sound_kbps)
        controller.report(float(second + 1), report)
        videos.append(video)
        queues.append(link.queue_ms)
    return videos, queues


@pytest.mark.parametrize(("capacity", "at_least"), [(500, 200), (1000, 480), (2000, 900), (5000, 1400)])
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.10])
def test_a_narrow_link_is_used_and_its_queue_stays_empty(capacity: int, at_least: int, loss: float) -> None:
    videos, queues = run(Link(capacity, loss), 180)
    settled = videos[60:]
    assert sum(settled) / len(settled) >= at_least
    assert sum(queue > 100 for queue in queues[60:]) <= 6
    changes = sum(before != after for before, after in pairwise(settled))
    # each is a key frame
    assert changes <= 16


def test_a_link_that_becomes_narrow_is_followed_within_seconds() -> None:
    link, controller = Link(5000.0), RateController()
    for second in range(30):
        controller.report(float(second), link.second(STEPS[controller.step].kbps + 180))
    link.capacity_kbps = 500.0
    for second in range(30, 40):
        controller.report(float(second), link.second(STEPS[controller.step].kbps + 180))
    assert STEPS[controller.step].kbps + 180 <= 500
    assert link.queue_ms < 100


def test_the_same_seed_gives_the_same_course() -> None:
    assert run(Link(800.0, 0.05), 60) == run(Link(800.0, 0.05), 60)
