"""How much video one viewer's path takes, decided from loss and round trip. Pure: no clock, no network of its own.

Exact sound and vitals are sent as they come, and talk; video takes what is left. A change of rate costs a new encoder
and a key frame, so the rate moves in nine steps only: down at once, up one step at a time and seldom.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from carebag_edge.live_port import VideoLimit


@dataclass(frozen=True)
class VideoStep:
    kbps: int
    frames_per_s: float
    """Few bits are worth more in fewer pictures."""


STEPS: Final = (
    VideoStep(60, 6.0),
    VideoStep(100, 12.0),
    VideoStep(150, 15.0),
    VideoStep(225, 15.0),
    VideoStep(340, 15.0),
    VideoStep(500, 15.0),
    VideoStep(750, 15.0),
    VideoStep(1100, 15.0),
    VideoStep(1500, 15.0),
)
START: Final = 2
LESS: Final = VideoStep(60, 3.0)
"""What is left of the picture when the ladder asks for less."""
UP_EVERY_S: Final = 3.0
BACK_EVERY_S: Final = 1.5
"""Up to the step from which room was made for the sound: that the path has none for both was only supposed."""
QUEUE_MS: Final = 80.0
"""Round trip above the shortest of late: so much is waiting in some queue on the way."""
TRIAL_QUEUE_MS: Final = 50.0
LOSS_ANYWAY: Final = 0.25
"""No radio link loses so much by itself."""
LOSS_MORE: Final = 0.10
"""So much more than before the last step up is taken for its fault; of the packets of one second, less is chance."""
SAME_KBPS: Final = 20.0
"""What is measured of the sound wavers by a few: no reason to take a step from the video."""
USED: Final = 0.5
SHORTEST_OF_S: Final = 30.0
WAIT_AT_MOST_S: Final = 48.0
STALE_S: Final = 2.0
"""A report's round trip began so long ago: after a fall the next one still tells of the time before."""


@dataclass(frozen=True)
class PathReport:
    """What a viewer's page says of the path to it, about once a second (RFC 3550 receiver report)."""

    loss: float
    """Share of packets lost since the last report, 0-1."""
    rtt_ms: float | None
    """One measurement, not a mean; None where the report held none."""
    video_kbps: float | None = None
    """What the encoder really gave since the last report; None: as much as it was asked for."""


class ReportPool:
    """Pages report up to three times a second; of so few packets two that are lost look like a broken path."""

    def __init__(self, every_s: float = 1.0) -> None:
        self._every_s = every_s
        self._began_s: float | None = None
        self._losses: list[float] = []
        self._round_trips: list[float] = []

    def take(self, now_s: float, report: PathReport) -> PathReport | None:
        """All since the last one as one, when a second is full: the mean loss, the shortest round trip.

        What waits in a queue lengthens every round trip; a busy machine only some.
        """
        if self._began_s is None:
            self._began_s = now_s
        self._losses.append(report.loss)
        if report.rtt_ms is not None:
            self._round_trips.append(report.rtt_ms)
        if now_s - self._began_s < self._every_s:
            return None
        loss = sum(self._losses) / len(self._losses)
        pooled = PathReport(loss, min(self._round_trips, default=None))
        self._began_s, self._losses, self._round_trips = now_s, [], []
        return pooled


class RateController:
    """One viewer's video. Feed `report` as reports come and `reserve` when the sound's share changes; read `video`.

    A step up is a trial: as long as it is young, a smaller sign undoes it, and a step that failed is tried again only
    after a wait that doubles. Loss alone, steady, is the radio's: less video would not cure it.
    """

    def __init__(self) -> None:
        self.step = START
        self.limit: VideoLimit = "full"
        self._reserved_kbps = 0.0
        self._changed_s: float | None = None
        self._rose_s: float | None = None
        self._loss = 0.0
        self._loss_before_rise = 0.0
        self._round_trips: deque[tuple[float, float]] = deque()
        self._wait_s: dict[int, float] = {}
        """For each step that failed: how long to wait before it is tried again."""
        self._before_room = 0
        """Step from which room was made for the sound; 0 once the path said something of its own."""
        self._fell_s = float("-inf")
        self._fell_at_queue_ms = 0.0

    @property
    def video(self) -> VideoStep | None:
        """What the encoder shall give; None: no pictures at all."""
        if self.limit == "none":
            return None
        return LESS if self.limit == "less" else STEPS[self.step]

    def reserve(self, now_s: float, kbps: float) -> None:
        """Exact sound takes so much of this path now: video makes room for it before it comes."""
        more = kbps - self._reserved_kbps
        if abs(more) < SAME_KBPS:
            return
        self._reserved_kbps = kbps
        if more <= 0:
            return
        step = min(self.step, _fitting(STEPS[self.step].kbps - more))
        if step < self.step:
            self._before_room = self.step
        self._move(now_s, step)

    def report(self, now_s: float, report: PathReport) -> None:
        """Take what the page said of the path."""
        queue_ms = self._queue_ms(now_s, report.rtt_ms)
        before, self._loss = self._loss, report.loss
        if self._changed_s is None:
            self._changed_s = now_s
        if self._congested(now_s, report.loss, queue_ms):
            self._fall(now_s, report.loss, queue_ms)
        elif self._may_rise(now_s, report, queue_ms):
            self._loss_before_rise = max(before, report.loss)
            self._rose_s = now_s
            self._move(now_s, self.step + 1)

    def _queue_ms(self, now_s: float, rtt_ms: float | None) -> float:
        trips = self._round_trips
        while trips and trips[0][0] < now_s - SHORTEST_OF_S:
            trips.popleft()
        if rtt_ms is None:
            return 0.0
        trips.append((now_s, rtt_ms))
        return rtt_ms - min(trip for _, trip in trips)

    def _on_trial(self, now_s: float) -> bool:
        return self._rose_s is not None and now_s - self._rose_s <= UP_EVERY_S + 1.0

    def _congested(self, now_s: float, loss: float, queue_ms: float) -> bool:
        if now_s - self._fell_s < STALE_S and queue_ms <= 1.5 * self._fell_at_queue_ms:
            return False
        if loss > LOSS_ANYWAY or queue_ms > QUEUE_MS:
            return True
        return self._on_trial(now_s) and (queue_ms > TRIAL_QUEUE_MS or loss > self._loss_before_rise + LOSS_MORE)

    def _fall(self, now_s: float, loss: float, queue_ms: float) -> None:
        if self._on_trial(now_s):
            # the step that was tried did it
            self._wait_s[self.step] = min(2 * self._wait_s.get(self.step, UP_EVERY_S), WAIT_AT_MOST_S)
        # what is in the queue drains only if less comes than goes
        step = max(0, self.step - (2 if queue_ms > 2 * QUEUE_MS else 1))
        if loss > LOSS_ANYWAY:
            arrived_kbps = (STEPS[self.step].kbps + self._reserved_kbps) * (1.0 - loss)
            step = min(step, _fitting(arrived_kbps - self._reserved_kbps))
        self._move(now_s, step)
        self._fell_s, self._fell_at_queue_ms = now_s, max(queue_ms, TRIAL_QUEUE_MS)
        self._rose_s = None
        self._before_room = 0

    def _may_rise(self, now_s: float, report: PathReport, queue_ms: float) -> bool:
        assert self._changed_s is not None
        if report.video_kbps is not None and report.video_kbps < USED * STEPS[self.step].kbps:
            # a still picture proves nothing of the path
            return False
        if self.limit != "full" or self.step + 1 >= len(STEPS) or queue_ms > TRIAL_QUEUE_MS:
            return False
        wait_s = self._wait_s.get(self.step + 1, UP_EVERY_S)
        every_s = BACK_EVERY_S if self.step < self._before_room else UP_EVERY_S
        return now_s - self._changed_s >= every_s and now_s - self._fell_s >= wait_s

    def _move(self, now_s: float, step: int) -> None:
        if step != self.step:
            self._changed_s = now_s
        self.step = step


def _fitting(kbps: float) -> int:
    """The highest step that takes at most so much; the lowest where none does."""
    return max((at for at, step in enumerate(STEPS) if step.kbps <= kbps), default=0)
