"""VP8 for one viewer, led by the rate controller. It takes the place of aiortc's own encoder, which starts at
500 kbit/s, never goes below 250, follows each estimate of the receiver and sends a key frame each time it does."""

from collections.abc import Callable
from typing import Any, Final

import av
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_TIME_BASE, convert_timebase
from av import VideoFrame

from carebag_edge.live.rate_controller import VideoStep

KEY_EVERY_S: Final = 0.5
"""Key frames that the page asks for, at most so often: while one is on its way it asks again."""
TIMES_KEPT: Final = 48
"""Times of pictures: three seconds at the highest rate."""
_KEY_AT_MOST_PERCENT: Final = 400
"""Of a mean frame's bits: a larger key frame would hold up the sound in the link's queue."""


class SteppedVp8Encoder(Vp8Encoder):
    """Encodes what `wanted()` says at each picture; pictures above its frame rate are skipped before they cost.

    Called in a worker thread, one picture at a time. `pictures`, `keys`, `sent_bytes` count what the network was given.
    """

    def __init__(
        self,
        wanted: Callable[[], VideoStep | None],
        before: Callable[[int | None], None],
        made: Callable[[], None] = lambda: None,
    ) -> None:
        """`before` is called ahead of each picture with the last picture's RTP time, when that one is wholly sent;
        `made` when a picture was made that is sent next."""
        super().__init__()
        self._wanted = wanted
        self._before = before
        self._made = made
        self._kbps = 0
        self._last: int | None = None
        self._due = 0.0
        self._key_wanted = False
        self._key_sent: int | None = None
        self.pictures = 0
        self.keys = 0
        self.sent_bytes = 0
        self.times: tuple[int, ...] = ()
        """When the last pictures were taken, 90 kHz ticks of the kit's clock; only ever replaced: two threads."""

    @property
    def target_bitrate(self) -> int:
        """Bits a second asked of the codec now. aiortc sets the page's estimate (REMB) here; it is not followed."""
        return self._kbps * 1000

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        """One picture's estimate is not worth a new encoder."""

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        self._before(self._last)
        self._key_wanted |= force_keyframe
        now = convert_timebase(frame.pts, frame.time_base, VIDEO_TIME_BASE)
        step = self._wanted()
        if step is None or not self._is_due(now, step):
            return [], now
        codec = self._codec_for(frame, step)
        key = self._take_key(now)
        frame.pict_type = av.video.frame.PictureType.I if key else av.video.frame.PictureType.NONE
        data = b"".join(bytes(packet) for packet in codec.encode(_planar(frame)))
        if not data:
            return [], now
        self._last = now
        self.times = (*self.times[1 - TIMES_KEPT :], now)
        self.pictures += 1
        self.keys += key
        self.sent_bytes += len(data)
        payloads = self._packetize(data, self.picture_id)
        self.picture_id = (self.picture_id + 1) % (1 << 15)
        self._made()
        return payloads, now

    def _is_due(self, now: int, step: VideoStep) -> bool:
        """Pictures come a little early or late: a quarter of one's time is forgiven."""
        period = 90_000 / step.frames_per_s
        if now < self._due - period / 4:
            return False
        self._due = max(self._due + period, now + period / 2)
        return True

    def _take_key(self, now: int) -> bool:
        if not self._key_wanted or (self._key_sent is not None and now - self._key_sent < KEY_EVERY_S * 90_000):
            return False
        self._key_wanted, self._key_sent = False, now
        return True

    def _codec_for(self, frame: VideoFrame, step: VideoStep) -> Any:
        codec: Any = self.codec
        size = (frame.width, frame.height)
        if codec is None or self._kbps != step.kbps or (codec.width, codec.height) != size:
            self._kbps = step.kbps
            self.codec = codec = _vp8(frame.width, frame.height, step.kbps * 1000)
            # its first picture is a key frame
            self._key_wanted = True
            self._key_sent = None
        return codec


def _planar(frame: VideoFrame) -> VideoFrame:
    return frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p")


def _vp8(width: int, height: int, bits_per_s: int) -> Any:
    """Constant bit rate, no look-ahead, one thread: 640x360 needs no more."""
    codec: Any = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height = width, height
    codec.pix_fmt = "yuv420p"
    codec.bit_rate = bits_per_s
    codec.gop_size = 3000
    codec.qmin, codec.qmax = 2, 56
    codec.thread_count = 1
    codec.options = {
        "bufsize": str(bits_per_s),
        "minrate": str(bits_per_s),
        "maxrate": str(bits_per_s),
        "max-intra-rate": str(_KEY_AT_MOST_PERCENT),
        "deadline": "realtime",
        "cpu-used": "-6",
        "lag-in-frames": "0",
        "noise-sensitivity": "4",
        "overshoot-pct": "15",
        "undershoot-pct": "100",
        "static-thresh": "1",
    }
    return codec
