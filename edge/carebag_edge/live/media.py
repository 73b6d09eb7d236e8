"""Live media of the open visit: one connection to each doctor, all fed from one camera and one sound stream."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from carebag_edge.live.aiortc_peer import AiortcPeer
from carebag_edge.live.call import Call
from carebag_edge.live.camera import CameraFeed, CameraSource
from carebag_edge.live.ending import end
from carebag_edge.live.heard_marks import HeardMarks
from carebag_edge.live.monitor_sound import MonitorSound
from carebag_edge.live.path_proof import PathProofs
from carebag_edge.live.port import IceServer, MediaPeer, Outgoing, PeerEvents
from carebag_edge.live.relay_race import RelayRace
from carebag_edge.live.rtp_clock import picture_times
from carebag_edge.live.shared_picture import SharedPicture
from carebag_edge.live.sound_desk import SoundDesk
from carebag_edge.live_port import MAX_VIEWERS, PathQuality, SendSignal, VideoLimit
from carebag_wire.calls import SFU, Relay, RelayState, SfuServes
from carebag_wire.messages import Ping, Signal
from carebag_wire.visit import ListeningState, LiveVitals, SoundEnd

HEARTBEAT_S = 1.0
SOUND_BITS_PER_SAMPLE = 32
"""Four chunks in each packet, packed to about half: how much exact sound is expected to take until it is measured."""
SOUND_OVERHEAD_KBPS = 40.0
SET_UP_US = 10_000_000
"""From somebody's coming, or leaving to come back by reloading the page; later files need not wait for a call."""

PeerFactory = Callable[[list[IceServer], Outgoing, PeerEvents], MediaPeer]

log = logging.getLogger(__name__)


class AiortcLive:
    """The `LiveMedia` of a kit, over aiortc. All methods are called on the event loop."""

    def __init__(
        self,
        send_signal: SendSignal,
        *,
        camera: CameraSource,
        ice_servers: list[IceServer] | None = None,
        relay_only: bool = False,
        make_peer: PeerFactory = AiortcPeer,
        unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        """`make_peer` is the WebRTC engine; `monotonic_us` is the kit's one clock, which also stamps the pictures."""
        self._send_signal = send_signal
        self._feed = CameraFeed(camera)
        self._ice_servers = list(ice_servers or [])
        self._relays = RelayRace(only=relay_only)
        self._make_peer = make_peer
        self._unix_ms = unix_ms
        self._monotonic_us = monotonic_us
        self._calls: dict[str, Call] = {}
        self._sound = SoundDesk()
        self._marks = HeardMarks()
        self._proofs = PathProofs(self._sound.set_aside)
        self._monitor = MonitorSound()
        self._sound_kbps = 0.0
        self._limit: VideoLimit = "full"
        self._shared = SharedPicture()
        self._latest: dict[str, str] = {}
        self._beat: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._stirred_us: int | None = None
        """When last somebody came or left, or the kit moved."""

    @property
    def camera_problem(self) -> str | None:
        """Why the camera gives no picture, a catalogue word; None while it does or nobody looks."""
        return self._feed.problem

    @property
    def relay_state(self) -> RelayState | None:
        """How the kit reaches its TURN server; None without one."""
        return self._relays.state

    def relay(self, relay: Relay) -> None:
        self._relays.take(relay)

    def hold_to_relay(self, only: bool) -> None:
        self._relays.hold(only)

    async def set_viewers(self, visit_id: UUID, viewers: list[str], guests: Collection[str] = ()) -> None:
        wanted = viewers[:MAX_VIEWERS]
        if len(viewers) > MAX_VIEWERS:
            log.warning("live: %d viewers, %d served", len(viewers), MAX_VIEWERS)
        kept = {*wanted, SFU} if wanted else set()
        gone = [call for who, call in self._calls.items() if who not in kept or call.visit_id != visit_id]
        if gone or any(viewer not in self._calls for viewer in wanted):
            self._stirred_us = self._monotonic_us()
        for call in gone:
            del self._calls[call.viewer]
            self._proofs.forget(call)
        for viewer in wanted:
            if viewer not in self._calls:
                self._calls[viewer] = self._call(visit_id, viewer, guest=viewer in guests)
        if self._calls and self._beat is None:
            self._beat = asyncio.create_task(self._heartbeat(), name="live heartbeat")
        for call in gone:
            self._hang_up(call)

    def _hang_up(self, call: Call) -> None:
        """In the background: a TURN server that does not answer must not hold up the visit."""
        task = asyncio.create_task(call.close(), name="live hang-up")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _call(self, visit_id: UUID, viewer: str, *, guest: bool) -> Call:
        servers = list(self._ice_servers)

        async def prepare(came_to_nothing: bool) -> None:
            relay = await self._relays.best(came_to_nothing)
            # the relay first: aiortc asks one TURN server only
            servers[:] = [*([relay] if relay else []), *self._ice_servers]

        def build(events: PeerEvents) -> MediaPeer:
            outgoing = Outgoing(
                self._feed.track(),
                exact=not guest,
                monitor=guest and viewer != SFU,
                relay_only=self._relays.only,
                channels=viewer != SFU,
            )
            return self._make_peer(servers, outgoing, events)

        call = Call(visit_id, viewer, build, self._send_signal, self._unix_ms)
        call.guest = guest
        call.prepare = prepare
        call.on_opened = self._opened
        call.on_message = self._message
        call.limit_video(self._limit_of(viewer))
        call.expect_sound(self._sound_kbps)
        return call

    def quality(self) -> Mapping[str, PathQuality]:
        found = {viewer: call.quality() for viewer, call in self._calls.items()}
        shared = found.pop(SFU, None)
        doctors = {viewer: quality for viewer, quality in found.items() if not self._calls[viewer].guest}
        paths = {viewer: quality for viewer, quality in doctors.items() if quality is not None}
        if shared is not None:
            # the picture of these goes another way: that way's step is theirs
            for viewer in filter(self._shared.holds, paths):
                paths[viewer] = replace(paths[viewer], video_step=shared.video_step, video_fps=shared.video_fps)
        return paths

    @property
    def setting_up(self) -> bool:
        since = self._stirred_us
        return since is not None and self._monotonic_us() - since < SET_UP_US

    def limit_video(self, limit: VideoLimit) -> None:
        self._limit = limit
        for viewer, call in self._calls.items():
            call.limit_video(self._limit_of(viewer))

    def _limit_of(self, viewer: str) -> VideoLimit:
        return "none" if self._shared.holds(viewer) else self._limit

    def sfu_serves(self, serves: SfuServes) -> None:
        self._shared.told(serves)
        self._share()

    def _share(self) -> None:
        """From the second viewer on the picture goes once, to the SFU, and not to whom that serves."""
        direct = [call for viewer, call in self._calls.items() if viewer != SFU]
        visit_id = direct[0].visit_id if direct else None
        call = self._calls.get(SFU)
        quality = call.quality() if call is not None else None
        silent_s = None if quality is None else quality.silent_s
        self._shared.look(self._monotonic_us() / 1e6, visit_id, [one.viewer for one in direct], silent_s)
        if call is not None and not self._shared.calling:
            self._hang_up(self._calls.pop(SFU))
        elif call is None and self._shared.calling and visit_id is not None:
            self._calls[SFU] = self._call(visit_id, SFU, guest=True)
        self.limit_video(self._limit)

    def renew(self, *, moved: bool) -> None:
        if moved:
            self._stirred_us = self._monotonic_us()
        for call in self._calls.values():
            call.renew(moved=moved)

    async def on_signal(self, signal: Signal) -> None:
        call = self._calls.get(signal.sender)
        if call is not None and call.visit_id == signal.visit_id:
            call.signal(signal)

    def sound_begin(self, stream: int, rate_hz: int) -> None:
        self._proofs.listening(True)
        self._sound.begin(stream, rate_hz)
        self._monitor.begin(stream, rate_hz, self._monotonic_us())
        self._expect_sound(SOUND_OVERHEAD_KBPS + rate_hz * SOUND_BITS_PER_SAMPLE / 1000)

    def _expect_sound(self, kbps: float) -> None:
        self._sound_kbps = kbps
        for call in self._calls.values():
            call.expect_sound(kbps)

    def sound(self, stream: int, first_sample: int, samples: NDArray[np.int16]) -> None:
        for packet, rtp_time in self._sound.take(stream, first_sample, samples):
            self._send_sound(packet, rtp_time)
        guests = [call for viewer, call in self._calls.items() if call.guest and viewer != SFU]
        if not guests:
            return
        for packet, rtp_time in self._monitor.take(stream, first_sample, samples):
            for call in guests:
                call.send_monitor(packet, rtp_time)

    def sound_end(self, end: SoundEnd) -> None:
        self._proofs.listening(False)
        for packet, rtp_time in self._sound.end(end):
            self._send_sound(packet, rtp_time)
        self._monitor.end(end.stream)
        self._expect_sound(0.0)
        text = end.model_dump_json()
        for call in self._doctors():
            # on both: the fast way may lose it, the sure way may be slow
            call.send("live", text)
            call.send("repair", text)

    def _send_sound(self, packet: bytes, rtp_time: int) -> None:
        for call in self._doctors():
            call.send_sound(packet, rtp_time)

    def _doctors(self) -> list[Call]:
        """Who may know values and exact sound; a guest sees the picture and listens along."""
        return [call for call in self._calls.values() if not call.guest]

    def another_visit(self) -> None:
        self._latest.clear()
        self._marks = HeardMarks()
        self._sound.another_visit()

    def state(self, message: LiveVitals | ListeningState) -> None:
        if isinstance(message, ListeningState):
            message = self._marks.take(message)
        text = message.model_dump_json()
        self._latest[message.type] = text
        for call in self._doctors():
            call.send("live", text)
        if isinstance(message, LiveVitals):
            # once more with the sound, where no timer of a data channel can hold it
            for packet, rtp_time in self._sound.vitals(message):
                self._send_sound(packet, rtp_time)

    def _opened(self, call: Call, channel: str) -> None:
        if call.guest:
            return
        if channel == "live":
            for text in self._latest.values():
                call.send("live", text)
        elif channel == "repair":
            for text in self._sound.greeting():
                call.send("repair", text)
            self._tell_marks(call, self._marks.all())

    def _message(self, call: Call, channel: str, message: str | bytes) -> None:
        if channel != "repair" or call.guest or not call.may_ask():
            return
        self._proofs.message(call, message)
        ask = self._sound.understand(message)
        if ask is None:
            return
        if ask.carry:
            call.carry_sound_on_channel = True
        for answer in self._sound.answer(ask):
            call.send("repair", answer)
        self._tell_marks(call, self._marks.between(ask.stream, *self._sound.span(ask)))

    @staticmethod
    def _tell_marks(call: Call, heard: ListeningState | None) -> None:
        """By the channel that loses nothing."""
        if heard is not None:
            call.send("repair", heard.model_dump_json())

    async def _heartbeat(self) -> None:
        """Lets the page notice within seconds that the path is gone; aiortc itself notices after half a minute."""
        number = 0
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            number += 1
            text = Ping(id=number).model_dump_json()
            for call in list(self._calls.values()):
                call.send("live", text)
                await call.watch()
                for point in call.clocks(self._monotonic_us()):
                    call.send("live", json.dumps(point.message()))
            self._tell_picture_times()
            self._share()

    def _tell_picture_times(self) -> None:
        """Doctors who see the picture by way of the SFU put it beside the sound by these."""
        shared = self._calls.get(SFU)
        told = picture_times(shared.picture_times()) if shared is not None else None
        for call in self._calls.values() if told is not None else ():
            if not call.guest:
                call.send("live", json.dumps(told))

    async def close(self) -> None:
        if self._beat is not None:
            await end(self._beat)
        await self._proofs.close()
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            self._hang_up(call)
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._relays.close()
        await self._feed.close()
