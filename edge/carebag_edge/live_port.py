"""What the kit asks of live media: instruments and examination camera, peer to peer to the doctors' pages.

The adapter lives in `carebag_edge.live`; the kit runs without one (`NoLiveMedia`), because live media may be lost
and the record may not.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from carebag_wire.calls import Relay, RelayState, SfuServes
from carebag_wire.messages import Signal
from carebag_wire.visit import ListeningState, LiveVitals, SoundEnd

SendSignal = Callable[[Signal], None]
"""Hands call set-up to the hub's link; never blocks, drops what cannot be sent while the hub is away."""

MAX_VIEWERS = 3
"""Each viewer costs the uplink a full copy; beyond three an SFU is the answer, not the kit."""

VideoLimit = Literal["full", "less", "none"]
"""Of the picture: what the path takes; a few small pictures; none."""


@dataclass(frozen=True)
class PathQuality:
    """The path to one viewer as it is now, from the reports of that viewer's page."""

    rtt_ms: float | None
    """Last measured round trip, queues on the way included; None before the first report."""
    loss: float
    """Share of packets that were lost on their way to the page, 0-1, mean of the last five reports."""
    send_kbps: float
    """Everything that was sent on this connection during the last second, resends and data channels too."""
    video_step: int
    """0 (60 kbit/s) to 8 (1500 kbit/s); -1 where no picture is sent."""
    video_fps: float
    """Pictures sent in the last second."""
    silent_s: float
    """Since the page was heard of, by any word or report."""


class LiveMedia(Protocol):
    """One peer connection to each doctor in the room of the open visit."""

    @property
    def camera_problem(self) -> str | None:
        """Why the examination camera gives no picture, a code; None while it does or nobody looks."""

    @property
    def relay_state(self) -> RelayState | None:
        """How the kit reaches its TURN server, or why not; None without one."""

    def relay(self, relay: Relay) -> None:
        """Take TURN credentials for the calls to come; those of now go on."""

    def hold_to_relay(self, only: bool) -> None:
        """Whether the hub wants media to go by way of a relay or not at all."""

    async def set_viewers(self, visit_id: UUID, viewers: list[str], guests: Collection[str] = ()) -> None:
        """Take the viewers present, by participant id: call those who came, hang up on those who left.

        Those of them who are `guests` hear body sound as monitor sound, not as exact samples.
        """

    def sfu_serves(self, serves: SfuServes) -> None:
        """Whether the hub has an SFU for the picture, and who of the viewers gets it from there."""

    async def on_signal(self, signal: Signal) -> None:
        """Take call set-up from a doctor's page."""

    def sound_begin(self, stream: int, rate_hz: int) -> None:
        """A body sound stream begins."""

    def sound(self, stream: int, first_sample: int, samples: NDArray[np.int16]) -> None:
        """Pass exact samples on; called in the Bluetooth callback, so it only queues."""

    def sound_end(self, end: SoundEnd) -> None:
        """The stream is over; `end` carries the digest of all of it."""

    def another_visit(self) -> None:
        """Another patient's visit begins: nothing that was heard or told before reaches who comes from now on."""

    def state(self, message: LiveVitals | ListeningState) -> None:
        """Send the state of now on the data channel; it may be lost, the next one is whole again."""

    def quality(self) -> Mapping[str, PathQuality]:
        """The path to each doctor who is connected, by participant id; a guest's bad link takes nothing from theirs."""

    @property
    def setting_up(self) -> bool:
        """Whether a call is being set up, or soon will be: somebody came or left, or the kit moved, seconds ago."""

    def limit_video(self, limit: VideoLimit) -> None:
        """Hold the picture back for all viewers, those to come too; exact sound, vitals and talk go on."""

    def renew(self, *, moved: bool) -> None:
        """Connect anew, at once: with `moved` everybody (the kit has another address), else who is not connected."""

    async def close(self) -> None:
        """Hang up on everybody and release the camera."""


LiveFactory = Callable[[SendSignal], LiveMedia]
"""Builds the live media of a kit; camera and ICE servers are already bound in (`functools.partial`)."""


class NoLiveMedia:
    """A kit without live media: a bag whose camera is off, and a test of everything else."""

    camera_problem: str | None = "camera_off"
    relay_state: RelayState | None = None
    setting_up: bool = False

    def relay(self, relay: Relay) -> None: ...

    def hold_to_relay(self, only: bool) -> None: ...

    async def set_viewers(self, visit_id: UUID, viewers: list[str], guests: Collection[str] = ()) -> None: ...

    def sfu_serves(self, serves: SfuServes) -> None: ...

    async def on_signal(self, signal: Signal) -> None: ...

    def sound_begin(self, stream: int, rate_hz: int) -> None: ...

    def sound(self, stream: int, first_sample: int, samples: NDArray[np.int16]) -> None: ...

    def sound_end(self, end: SoundEnd) -> None: ...

    def another_visit(self) -> None: ...

    def state(self, message: LiveVitals | ListeningState) -> None: ...

    def quality(self) -> Mapping[str, PathQuality]:
        return {}

    def limit_video(self, limit: VideoLimit) -> None: ...

    def renew(self, *, moved: bool) -> None: ...

    async def close(self) -> None: ...
