"""What live media needs of a WebRTC library: one peer is one doctor's page. `aiortc_peer` is the adapter in use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

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


class MediaPeer(Protocol):
    """One connection: video and sound go out, two data channels go both ways, no media comes in. The kit offers."""

    async def offer(self) -> dict[str, Any]:
        """The description to send, with all own candidates in it.

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
        """Queue a sound packet; never blocks."""

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        """Send on a data channel; False when it is not open or too much is waiting already."""

    async def close(self) -> None: ...
