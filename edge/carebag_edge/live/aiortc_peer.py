"""The WebRTC peer over aiortc 1.16. What aiortc lacks (own trickle, ICE restart, `disconnected`) is not asked of it:
candidates are gathered before the offer, and a broken connection is replaced by a new one."""

import asyncio
from typing import Any, Literal

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from carebag_edge.live.cures import apply_cures
from carebag_edge.live.port import IceServer, NoNetworkPath, PeerEvents, PeerState
from carebag_edge.live.sound_track import SoundTrack

MAX_WAITING: dict[str, int] = {"live": 8 * 1024, "repair": 64 * 1024}
"""Bytes that may wait in a data channel: aiortc's queue has no bound of its own."""

_STATES: dict[str, PeerState] = {
    "new": "connecting",
    "connecting": "connecting",
    "connected": "connected",
    "failed": "failed",
    "closed": "closed",
}


class AiortcPeer:
    """A `MediaPeer`: VP8 camera, sound packets under the Opus payload type, channels `live` and `repair`."""

    def __init__(self, ice_servers: list[IceServer], camera: MediaStreamTrack, events: PeerEvents) -> None:
        apply_cures()
        self._events = events
        self._connection = RTCPeerConnection(_configuration(ice_servers))
        self._camera = camera
        self._sound = SoundTrack()
        video = self._connection.addTransceiver(camera, direction="sendonly")
        video.setCodecPreferences(_codecs("video", "video/VP8"))
        audio = self._connection.addTransceiver(self._sound, direction="sendonly")
        audio.setCodecPreferences(_codecs("audio", "audio/opus"))
        # state that is whole in each message may be lost; what repairs the sound may not
        self._channels = {
            "live": self._connection.createDataChannel("live", ordered=False, maxRetransmits=0),
            "repair": self._connection.createDataChannel("repair", ordered=False),
        }
        self._listen()

    def _listen(self) -> None:
        self._connection.on("connectionstatechange", self._state_changed)
        for label, channel in self._channels.items():
            channel.on("open", lambda label=label: self._events.opened(label))
            channel.on("message", lambda data, label=label: self._events.message(label, data))

    def _state_changed(self) -> None:
        self._events.state(_STATES[self._connection.connectionState])

    async def offer(self) -> dict[str, Any]:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        description = self._connection.localDescription
        if "a=candidate:" not in description.sdp:
            raise NoNetworkPath
        return {"type": description.type, "sdp": description.sdp}

    async def answer(self, description: dict[str, Any]) -> None:
        sdp = description.get("sdp")
        if description.get("type") != "answer" or not isinstance(sdp, str):
            raise ValueError("not_an_answer")
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # aiortc's SDP parser raises whatever its splits and indices raise
            raise ValueError("answer_does_not_fit") from error

    async def candidate(self, candidate: dict[str, Any]) -> None:
        text = candidate.get("candidate")
        if not text:
            await self._connection.addIceCandidate(None)
            return
        try:
            parsed = candidate_from_sdp(str(text).removeprefix("candidate:"))
            parsed.sdpMid = candidate.get("sdpMid")
            parsed.sdpMLineIndex = candidate.get("sdpMLineIndex")
            await self._connection.addIceCandidate(parsed)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # as above
            raise ValueError("not_a_candidate") from error

    def send_sound(self, packet: bytes, rtp_time: int) -> None:
        self._sound.push(packet, rtp_time)

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        link: RTCDataChannel = self._channels[channel]
        if link.readyState != "open" or link.bufferedAmount > MAX_WAITING[channel]:
            return False
        link.send(message)
        return True

    async def close(self) -> None:
        # a sender that never started does not stop its track
        self._camera.stop()
        self._sound.stop()
        await self._connection.close()


def _configuration(ice_servers: list[IceServer]) -> RTCConfiguration:
    # an empty list, not None: aiortc would ask a public STUN server by default
    servers = [
        RTCIceServer(urls=server.urls, username=server.username or None, credential=server.credential or None)
        for server in ice_servers
    ]
    return RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


def _codecs(kind: str, mime: str) -> list[Any]:
    wanted = (mime.lower(), f"{kind}/rtx")
    return [codec for codec in RTCRtpSender.getCapabilities(kind).codecs if codec.mimeType.lower() in wanted]
