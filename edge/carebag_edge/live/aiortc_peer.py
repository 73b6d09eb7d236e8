"""The WebRTC peer over aiortc 1.16. What aiortc lacks (own trickle, ICE restart, `disconnected`) is not asked of it:
candidates are gathered before the offer, and a broken connection is replaced by a new one."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from carebag_edge.live.cures import RED, bound_frames, offer_red, place_buffer, place_encoder
from carebag_edge.live.ending import end
from carebag_edge.live.fixed_delay_audio_buffer import FixedDelayAudioBuffer
from carebag_edge.live.monitor_sound import RedPacker
from carebag_edge.live.page_words import answer_sdp, ice_candidate, refused_as
from carebag_edge.live.port import IceServer, NoNetworkPath, Outgoing, PeerEvents, PeerState
from carebag_edge.live.rtp_clock import ClockPoint
from carebag_edge.live.sound_packet import shortened
from carebag_edge.live.sound_repeats import LITTLE_CHUNKS, LITTLE_SHARE, SoundRepeats
from carebag_edge.live.sound_track import SoundTrack
from carebag_edge.live.talk import WAITING, VoiceTrack, pass_on
from carebag_edge.live.timed_video_buffer import TimedVideoBuffer
from carebag_edge.live.video_sender import VideoSender
from carebag_edge.live_port import PathQuality, VideoLimit

MAX_WAITING: dict[str, int] = {"live": 8 * 1024, "repair": 64 * 1024}
"""Bytes that may wait in a data channel: aiortc's queue has no bound of its own."""

PACKET_OVERHEAD = 66
"""Bytes around each RTP payload: IP, UDP, RTP with extensions, SRTP."""

_STATES: dict[str, PeerState] = {
    "new": "connecting",
    "connecting": "connecting",
    "connected": "connected",
    "failed": "failed",
    "closed": "closed",
}


class AiortcPeer:
    """A `MediaPeer`: VP8 camera, sound packets under the Opus payload type, channels `live` and `repair`."""

    exact_in_rtp = True

    def __init__(
        self,
        ice_servers: list[IceServer],
        outgoing: Outgoing,
        events: PeerEvents,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        offer_red()
        self._events = events
        self._monotonic = monotonic
        self._connection = RTCPeerConnection(_configuration(ice_servers, outgoing.relay_only))
        self._tracks: dict[str, RTCRtpTransceiver] = {}
        """What goes out, by its label."""
        video = self._add("camera", outgoing.camera, ["video/VP8"])
        self._video = VideoSender(video.sender, monotonic)
        self._repeats = SoundRepeats(monotonic())
        self._sound: dict[str, SoundTrack] = {}
        if outgoing.exact:
            self._sound["exact"] = SoundTrack()
            self._add("exact", self._sound["exact"], ["audio/opus"])
        if outgoing.monitor:
            self._sound["monitor"] = SoundTrack()
            self._add("monitor", self._sound["monitor"], [RED, "audio/opus"])
        self._talk = outgoing.talk
        if self._talk is not None:
            self._add("talk", VoiceTrack(self._talk.microphone), ["audio/opus"], direction="sendrecv")
        # state that is whole in each message may be lost; what repairs the sound may not
        self._channels: dict[str, RTCDataChannel] = {}
        if outgoing.channels:
            self._channels["live"] = self._connection.createDataChannel("live", ordered=False, maxRetransmits=0)
            self._channels["repair"] = self._connection.createDataChannel("repair", ordered=False)
        self._hearing: asyncio.Task[None] | None = None
        self._heard_s = monotonic()
        self._watched: tuple[float, int, int] | None = None
        self._sound_bytes = 0
        self._expected_kbps = 0.0
        self._quality: PathQuality | None = None
        self._listen()

    def _add(
        self, label: str, track: MediaStreamTrack, mimes: list[str], direction: str = "sendonly"
    ) -> RTCRtpTransceiver:
        transceiver = self._connection.addTransceiver(track, direction=direction)
        transceiver.setCodecPreferences(_codecs(mimes))
        self._tracks[label] = transceiver
        return transceiver

    def _listen(self) -> None:
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("track", self._received)
        for label, channel in self._channels.items():
            channel.on("open", lambda label=label: self._events.opened(label))
            channel.on("message", lambda data, label=label: self._message(label, data))

    def _message(self, label: str, data: str | bytes) -> None:
        self._heard_s = self._monotonic()
        self._events.message(label, data)

    def _received(self, track: MediaStreamTrack) -> None:
        """A page sends something: bounded whatever it is, and heard only where talk was offered."""
        bound_frames(track, WAITING)
        for label, transceiver in self._tracks.items():
            receiver = transceiver.receiver
            if receiver.track is not track:
                continue
            is_audio = track.kind == "audio"
            place_buffer(receiver, FixedDelayAudioBuffer() if is_audio else TimedVideoBuffer(self._monotonic))
            if label == "talk" and self._talk is not None:
                self._hearing = asyncio.create_task(pass_on(track, self._talk.hear), name="live voice")

    def _state_changed(self) -> None:
        self._events.state(_STATES[self._connection.connectionState])

    async def offer(self) -> dict[str, Any]:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        description = self._connection.localDescription
        if "a=candidate:" not in description.sdp:
            raise NoNetworkPath
        tracks = {transceiver.mid: label for label, transceiver in self._tracks.items()}
        return {"type": description.type, "sdp": description.sdp, "tracks": tracks}

    async def answer(self, description: dict[str, Any]) -> None:
        sdp = answer_sdp(description)
        with refused_as("answer_does_not_fit"):
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
        self._agreed()

    def _agreed(self) -> None:
        """Monitor sound goes with redundancy where the page takes it."""
        if (monitor := self._tracks.get("monitor")) is None:
            return
        types = {codec.mimeType: codec.payloadType or 0 for codec in monitor._codecs}
        if next(iter(types), None) == RED and "audio/opus" in types:
            place_encoder(monitor.sender, RedPacker(types["audio/opus"]))

    async def candidate(self, candidate: dict[str, Any]) -> None:
        with refused_as("not_a_candidate"):
            await self._connection.addIceCandidate(ice_candidate(candidate, candidate_from_sdp))

    def send_sound(self, packet: bytes, rtp_time: int) -> None:
        self._push("exact", shortened(packet, LITTLE_CHUNKS) if self._repeats.little else packet, rtp_time)

    def send_monitor(self, packet: bytes, rtp_time: int) -> None:
        self._push("monitor", packet, rtp_time)

    def _push(self, label: str, packet: bytes, rtp_time: int) -> None:
        if (track := self._sound.get(label)) is not None:
            self._sound_bytes += len(packet) + PACKET_OVERHEAD
            track.push(packet, rtp_time)

    def expect_sound(self, kbps: float) -> None:
        self._expected_kbps = kbps
        self._video.reserve(kbps)

    def limit_video(self, limit: VideoLimit) -> None:
        self._video.limit(limit)

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        link = self._channels.get(channel)
        if link is None or link.readyState != "open" or link.bufferedAmount > MAX_WAITING[channel]:
            return False
        link.send(message)
        return True

    async def watch(self) -> None:
        now = self._monotonic()
        sent = await self._sent_bytes()
        before, self._watched = self._watched, (now, sent, self._video.pictures)
        sound, self._sound_bytes = self._sound_bytes, 0
        if before is None or self._connection.connectionState != "connected":
            self._quality = None
            return
        seconds = max(now - before[0], 0.1)
        self._repeats.watch(now, self._video.loss, self._video.step)
        if self._expected_kbps:
            expected = self._expected_kbps * (LITTLE_SHARE if self._repeats.little else 1.0)
            self._video.reserve(max(expected, sound * 0.008 / seconds))
        self._quality = PathQuality(
            rtt_ms=self._video.rtt_ms,
            loss=self._video.loss,
            send_kbps=(sent - before[1]) * 0.008 / seconds,
            video_step=self._video.step,
            video_fps=(self._video.pictures - before[2]) / seconds,
            silent_s=now - max(self._heard_s, self._video.reported_s or 0.0),
        )

    async def _sent_bytes(self) -> int:
        report = await self._tracks["camera"].sender.getStats()
        return max((stats.bytesSent for stats in report.values() if stats.type == "transport"), default=0)

    def quality(self) -> PathQuality | None:
        return self._quality

    def clocks(self, t_us: int) -> list[ClockPoint]:
        point = self._video.clock.point(self._tracks["camera"].mid or "", "camera", t_us)
        return [] if point is None else [point]

    def picture_times(self) -> tuple[int, ...]:
        return self._video.times

    async def close(self) -> None:
        # a sender that never started does not stop its track
        for transceiver in self._tracks.values():
            if transceiver.sender.track is not None:
                transceiver.sender.track.stop()
        if self._hearing is not None:
            await end(self._hearing)
        await self._connection.close()


def _configuration(ice_servers: list[IceServer], relay_only: bool = False) -> RTCConfiguration:
    # an empty list, not None: aiortc would ask a public STUN server by default
    servers = [
        RTCIceServer(urls=server.urls, username=server.username or None, credential=server.credential or None)
        for server in ice_servers
    ]
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE, iceTransportPolicy=policy)


def _codecs(mimes: list[str]) -> list[Any]:
    """These codecs in this order, and resends of them."""
    kind = mimes[0].split("/")[0]
    known = RTCRtpSender.getCapabilities(kind).codecs
    return [codec for mime in (*mimes, f"{kind}/rtx") for codec in known if codec.mimeType == mime]
