"""What the hub asks of an SFU, a server that hands one sender's picture on to many; `janus.py` is the adapter in use.

Only the hub speaks to it. Kits and pages say ordinary call set-up to the participant `sfu`; `desk.py` translates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Leg = int
"""One connection between the SFU and a kit or a page; never used twice by the same `Sfu`."""

SfuFault = Literal["sfu_away", "sfu_no_answer", "sfu_refused", "sfu_not_understood"]


class SfuFailed(Exception):
    """It could not be done now."""

    def __init__(self, code: SfuFault) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class SfuEvents:
    """How an SFU reports; called on the event loop, must not block."""

    available: Callable[[bool], None]
    """It can be reached, or no longer: then every leg is over without a further word."""
    up: Callable[[Leg], None]
    """Media can flow between the SFU and this leg's other end."""
    over: Callable[[Leg], None]
    """The leg was hung up by its other end or by the SFU."""


class Sfu(Protocol):
    """All methods are called on the event loop; what awaits may raise `SfuFailed`, and nothing else."""

    async def run(self, events: SfuEvents) -> None:
        """Reach it, again and again, until cancelled."""

    async def publish(self, offer: str) -> tuple[Leg, str]:
        """A kit's picture and sound come in, in a room of their own; the answer's SDP."""

    async def subscribe(self, publication: Leg) -> tuple[Leg, str]:
        """One page is to get what comes in there; the SDP to offer to it."""

    async def answer(self, leg: Leg, answer: str) -> None:
        """The page's answer to what was offered."""

    async def candidate(self, leg: Leg, candidate: dict[str, Any]) -> None:
        """One candidate of the other end, as RTCIceCandidateInit; {} ends them."""

    def hang_up(self, leg: Leg) -> None:
        """End it, a publication with its room; never fails, and `over` does not come for it."""
