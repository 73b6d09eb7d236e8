"""The WebRTC peer over PyPI `wrtc` (libwebrtc), an optional extra: `carebag[wrtc]`, `carebag kit --media wrtc`.

It has congestion control, a pacer and concealment of its own, so none of the cures for aiortc is needed. What it has
not: ready packets go through its own decoder and encoder, so exact sound cannot travel in RTP and goes on the data
channel (`exact_in_rtp`), which stalls for up to a second in bursts of loss; there is no monitor sound, because its
encoder takes 20 dB from 20 Hz; it tells no RTP times, so pictures are not on the kit's clock; and it cannot be held to
a relay.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Literal

from webrtc import aiortc as wrtc
from webrtc.aiortc.sdp import candidate_from_sdp

from carebag_edge.live.ending import end
from carebag_edge.live.page_words import answer_sdp, ice_candidate, refused_as
from carebag_edge.live.port import IceServer, NoNetworkPath, Outgoing, PeerEvents, PeerState
from carebag_edge.live.rate_controller import LESS, STEPS
from carebag_edge.live.rtp_clock import ClockPoint
from carebag_edge.live.talk import pass_on
from carebag_edge.live_port import PathQuality, VideoLimit

MAX_WAITING: dict[str, int] = {"live": 8 * 1024, "repair": 64 * 1024}

_STATES: dict[str, PeerState] = {
    "new": "connecting",
    "connecting": "connecting",
    "connected": "connected",
    "disconnected": "connected",  # it may revive; the page's and the kit's silence tell the rest
    "failed": "failed",
    "closed": "closed",
}


class _Passed(wrtc.MediaStreamTrack):  # type: ignore[misc]
    """A track of ours for the engine, which asks for frames by itself."""

    def __init__(self, kind: Literal["audio", "video"], source: Any) -> None:
        super().__init__()
        self.kind = kind
        self._source = source
        self.limit: VideoLimit = "full"
        self.passed = 0
        self._next_pts = 0

    async def recv(self) -> Any:
        while self.readyState == "live":
            try:
                frame = await self._source.recv()
            except Exception as ended:  # each engine has a MediaStreamError of its own
                raise wrtc.MediaStreamError from ended
            if self._goes(frame):
                self.passed += 1
                return frame
        raise wrtc.MediaStreamError

    def _goes(self, frame: Any) -> bool:
        if self.limit == "full" or self.kind == "audio":
            return True
        if self.limit == "none" or frame.pts < self._next_pts:
            return False
        self._next_pts = frame.pts + round(1 / (LESS.frames_per_s * frame.time_base))
        return True

    def stop(self) -> None:
        super().stop()
        self._source.stop()


class WrtcPeer:
    """A `MediaPeer`: VP8 camera and voice; sound packets go on the `repair` channel."""

    exact_in_rtp = False

    def __init__(
        self,
        ice_servers: list[IceServer],
        outgoing: Outgoing,
        events: PeerEvents,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `ValueError` where a relay is demanded."""
        if outgoing.relay_only:
            raise ValueError("relay_only_not_possible")
        self._events = events
        self._monotonic = monotonic
        self._connection = wrtc.RTCPeerConnection(_configuration(ice_servers))
        self._camera = _Passed("video", outgoing.camera)
        self._transceivers = {"camera": self._connection.addTransceiver(self._camera, direction="sendonly")}
        known = wrtc.RTCRtpSender.getCapabilities("video").codecs
        wanted = [codec for codec in known if codec.mimeType.lower() in ("video/vp8", "video/rtx")]
        self._transceivers["camera"].setCodecPreferences(wanted)
        self._talk = outgoing.talk
        if self._talk is not None:
            voice = _Passed("audio", self._talk.microphone)
            self._transceivers["talk"] = self._connection.addTransceiver(voice, direction="sendrecv")
        self._channels: dict[str, Any] = {}
        if outgoing.channels:
            self._channels["live"] = self._connection.createDataChannel("live", ordered=False, maxRetransmits=0)
            self._channels["repair"] = self._connection.createDataChannel("repair", ordered=False)
        self._hearing: asyncio.Task[None] | None = None
        self._heard_s = monotonic()
        self._watched: tuple[float, int, int] | None = None
        self._quality: PathQuality | None = None
        self._listen()

    def _listen(self) -> None:
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("track", self._received)
        for label, channel in self._channels.items():
            channel.on("open", lambda label=label: self._events.opened(label))
            channel.on("message", lambda data, label=label: self._message(label, data))

    def _state_changed(self) -> None:
        self._events.state(_STATES[self._connection.connectionState])

    def _message(self, label: str, data: str | bytes) -> None:
        self._heard_s = self._monotonic()
        self._events.message(label, data)

    def _received(self, track: Any) -> None:
        if self._talk is not None and track.kind == "audio" and self._hearing is None:
            self._hearing = asyncio.create_task(self._hear(track, self._talk.hear), name="live voice")

    async def _hear(self, track: Any, hear: Callable[[Any], None]) -> None:
        with contextlib.suppress(wrtc.MediaStreamError):
            await pass_on(track, hear)

    async def offer(self) -> dict[str, Any]:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        description = self._connection.localDescription
        if "a=candidate:" not in description.sdp:
            raise NoNetworkPath
        tracks = {transceiver.mid: label for label, transceiver in self._transceivers.items()}
        return {"type": description.type, "sdp": description.sdp, "tracks": tracks}

    async def answer(self, description: dict[str, Any]) -> None:
        sdp = answer_sdp(description)
        with refused_as("answer_does_not_fit"):
            await self._connection.setRemoteDescription(wrtc.RTCSessionDescription(sdp=sdp, type="answer"))

    async def candidate(self, candidate: dict[str, Any]) -> None:
        with refused_as("not_a_candidate"):
            await self._connection.addIceCandidate(ice_candidate(candidate, candidate_from_sdp))

    def send_sound(self, packet: bytes, rtp_time: int) -> None:
        """Cannot be (`exact_in_rtp`): the data channel is the way."""

    def send_monitor(self, packet: bytes, rtp_time: int) -> None:
        """Cannot be: see the module's words."""

    def expect_sound(self, kbps: float) -> None:
        """The engine's own congestion control divides what there is."""

    def limit_video(self, limit: VideoLimit) -> None:
        self._camera.limit = limit

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        link = self._channels.get(channel)
        if link is None or link.readyState != "open" or link.bufferedAmount > MAX_WAITING[channel]:
            return False
        link.send(message)
        return True

    async def watch(self) -> None:
        if self._connection.connectionState != "connected":
            self._watched = self._quality = None
            return
        now, report = self._monotonic(), (await self._connection.getStats()).values()
        sent = max((stats.bytesSent for stats in report if stats.type == "transport"), default=0)
        heard = [stats for stats in report if stats.type == "remote-inbound-rtp" and stats.kind == "video"]
        before, self._watched = self._watched, (now, sent, self._camera.passed)
        if before is None:
            return
        seconds = max(now - before[0], 0.1)
        kbps = (sent - before[1]) * 0.008 / seconds
        self._quality = PathQuality(
            rtt_ms=heard[0].roundTripTime * 1000 if heard else None,
            loss=heard[0].fractionLost / 256 if heard else 0.0,
            send_kbps=kbps,
            video_step=_nearest_step(kbps) if self._camera.limit == "full" else -1,
            video_fps=(self._camera.passed - before[2]) / seconds,
            silent_s=now - self._heard_s,
        )

    def quality(self) -> PathQuality | None:
        return self._quality

    def clocks(self, t_us: int) -> list[ClockPoint]:
        return []

    def picture_times(self) -> tuple[int, ...]:
        return ()

    async def close(self) -> None:
        self._camera.stop()
        if self._talk is not None:
            self._talk.microphone.stop()
        if self._hearing is not None:
            await end(self._hearing)
        await self._connection.close()


def _nearest_step(kbps: float) -> int:
    return max((at for at, step in enumerate(STEPS) if step.kbps <= kbps), default=0)


def _configuration(ice_servers: list[IceServer]) -> Any:
    servers = [
        wrtc.RTCIceServer(urls=server.urls, username=server.username or None, credential=server.credential or None)
        for server in ice_servers
    ]
    return wrtc.RTCConfiguration(iceServers=servers, bundlePolicy=wrtc.RTCBundlePolicy.MAX_BUNDLE)
