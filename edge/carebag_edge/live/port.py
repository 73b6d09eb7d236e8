"""What live media needs of a WebRTC library: one peer is one page of a viewer.

`aiortc_peer` is the adapter in use, `wrtc_peer` another; `tests/edge/live/test_conformance.py` holds both to this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from carebag_edge.live.rtp_clock import ClockPoint
from carebag_edge.live_port import PathQuality, VideoLimit

PeerState = Literal["connecting", "connected", "failed", "closed"]


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server; `urls` as in RFC 7064 and RFC 7065. None is ever asked that is not listed."""

    urls: str
    username: str = ""
    credential: str = ""


class NoNetworkPath(Exception):
    """No address to be reached at was found (a machine with loopback only); `code` is a catalogue word."""

    code = "no_network_address"


@dataclass(frozen=True)
class PeerEvents:
    """How a peer reports; called on the event loop, must not block."""

    state: Callable[[PeerState], None]
    opened: Callable[[str], None]
    """A data channel opened, `live` or `repair`."""
    message: Callable[[str, str | bytes], None]
    """A message came on a data channel, with the channel's label."""


@dataclass(frozen=True)
class Talk:
    """Voice both ways between this page and the kit's own microphone and loudspeaker."""

    microphone: Any
    """A track of voice: `async recv()` gives `av.AudioFrame` (s16, mono or stereo), `stop()` ends it."""
    hear: Callable[[Any], None]
    """Takes each `av.AudioFrame` (48 kHz) of the page's voice; must not block."""


@dataclass(frozen=True)
class Outgoing:
    """What one page gets. Body sound goes to it as exact packets, or to a guest as monitor sound in Opus."""

    camera: Any
    """A track of pictures: `async recv()` gives `av.VideoFrame`, `pts` in the kit's monotonic time; `stop()` ends."""
    exact: bool = True
    monitor: bool = False
    talk: Talk | None = None
    relay_only: bool = False
    """By way of a TURN server or not at all."""
    channels: bool = True
    """Whether the two data channels are wanted: not by an SFU."""


class MediaPeer(Protocol):
    """One connection: video and sound go out, two data channels go both ways, voice may come in. The kit offers."""

    exact_in_rtp: bool
    """Whether exact sound can go in RTP packets; where not, it goes on the data channel."""

    async def offer(self) -> dict[str, Any]:
        """The description to send, with all own candidates in it; `tracks` says which `mid` is `camera`, `exact`,
        `monitor` or `talk`.

        Raises:
            NoNetworkPath: when there is no address to offer.
        """

    async def answer(self, description: dict[str, Any]) -> None:
        """Take the page's answer.

        Raises:
            ValueError: the description is not an answer that fits.
        """

    async def candidate(self, candidate: dict[str, Any]) -> None:
        """Take one candidate of the page; an empty one ends them.

        Raises:
            ValueError: not a candidate.
        """

    def send_sound(self, packet: bytes, rtp_time: int) -> None:
        """Queue a packet of exact sound; never blocks, drops the oldest when the transport is too slow."""

    def send_monitor(self, packet: bytes, rtp_time: int) -> None:
        """Queue a packet of Opus for the monitor track, likewise."""

    def expect_sound(self, kbps: float) -> None:
        """Body sound of so much begins: the picture makes room for it before it comes. 0: it is over."""

    def limit_video(self, limit: VideoLimit) -> None:
        """Hold the picture back from the next one on."""

    async def watch(self) -> None:
        """Look how the path is; called once a second."""

    def quality(self) -> PathQuality | None:
        """As of the last `watch`; None while not connected."""

    def clocks(self, t_us: int) -> list[ClockPoint]:
        """What RTP time stands for the kit's monotonic time `t_us`, for each track that sends."""

    def picture_times(self) -> tuple[int, ...]:
        """When the pictures sent last were taken, 90 kHz ticks of the kit's monotonic clock; empty where not known."""

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        """Send on a data channel; False when it is not open or too much is waiting already."""

    async def close(self) -> None: ...
