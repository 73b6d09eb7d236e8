"""One viewer's picture over aiortc: encoder, rate controller and clock put together around a sender."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from aiortc import RTCRtpSender

from carebag_edge.live.cures import last_rtp_time, place_encoder, watch_reports
from carebag_edge.live.rate_controller import PathReport, RateController, ReportPool
from carebag_edge.live.rtp_clock import RtpClock
from carebag_edge.live.video_encoder import SteppedVp8Encoder
from carebag_edge.live.video_repeats import VideoRepeats, worth_repeating
from carebag_edge.live_port import VideoLimit

LOSS_OVER_REPORTS = 5


class VideoSender:
    """Leads the encoder of `sender` by what the page reports; make it before the connection is up."""

    def __init__(self, sender: RTCRtpSender, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._decided_s = monotonic()
        self._counted = 0
        self._controller = RateController()
        self._pool = ReportPool()
        self.clock = RtpClock(90_000, lambda: last_rtp_time(sender))
        self._repeats = VideoRepeats(sender, self._worth_repeating)
        self._encoder = SteppedVp8Encoder(lambda: self._controller.video, self.clock.sent, self._repeats.picture_made)
        self._losses: deque[float] = deque(maxlen=LOSS_OVER_REPORTS)
        self.rtt_ms: float | None = None
        self.reported_s: float | None = None
        """When the page reported last, monotonic."""
        place_encoder(sender, self._encoder)
        watch_reports(sender, self._reported)

    def _reported(self, report: PathReport) -> None:
        now = self._monotonic()
        self.reported_s = now
        self._losses.append(report.loss)
        if report.rtt_ms is not None:
            self.rtt_ms = report.rtt_ms
        pooled = self._pool.take(now, report)
        if pooled is None:
            return
        since, self._decided_s = max(now - self._decided_s, 0.1), now
        sent, self._counted = self._encoder.sent_bytes - self._counted, self._encoder.sent_bytes
        self._controller.report(now, replace(pooled, video_kbps=sent * 0.008 / since))

    def _worth_repeating(self) -> bool:
        video = self._controller.video
        return video is not None and worth_repeating(self.loss, video.kbps)

    def limit(self, limit: VideoLimit) -> None:
        self._controller.limit = limit

    def reserve(self, kbps: float) -> None:
        self._controller.reserve(self._monotonic(), kbps)

    @property
    def loss(self) -> float:
        return sum(self._losses) / len(self._losses) if self._losses else 0.0

    @property
    def step(self) -> int:
        if self._controller.video is None:
            return -1
        return 0 if self._controller.limit == "less" else self._controller.step

    @property
    def times(self) -> tuple[int, ...]:
        """When the last pictures were taken, 90 kHz ticks of the kit's clock."""
        return self._encoder.times

    @property
    def pictures(self) -> int:
        """Sent so far."""
        return self._encoder.pictures
