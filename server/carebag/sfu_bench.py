"""`python -m carebag.sfu_bench`: what one, two and three viewers cost the kit's uplink, directly and by way of a Janus.

Kit, hub's desk and viewers are in this process and Janus beside it; they talk over an address of this machine, without
a narrow link in between, so each picture climbs as far as the machine's load lets it. Exact sound runs all the time.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from carebag import janus
from carebag.janus import Janus
from carebag_edge.live.demo_camera import DemoCamera
from carebag_edge.live.media import AiortcLive
from carebag_server.sfu.desk import SfuDesk
from carebag_server.sfu.janus import JanusSfu
from carebag_server.sfu.watching import Watching
from carebag_wire.calls import SFU, SfuServes
from carebag_wire.messages import Signal

RATE_HZ = 4000
FRAME = 118
SETTLE_S = 20.0
"""Until the SFU has the picture and the rate controllers have climbed."""


@dataclass(frozen=True)
class Cost:
    """Of one arrangement; kbit/s of UDP payload that leave the kit, all connections together."""

    viewers: int
    sfu: bool
    uplink_kbps: int
    pictures_encoded_per_s: float
    pictures_shown_per_s: float
    """At the viewer who got the fewest."""


class Viewer:
    """A page: answers whoever offers, kit or SFU, and counts the pictures that it decodes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pictures = 0
        self._epochs: dict[str, int] = {}
        self._connections: dict[str, RTCPeerConnection] = {}
        self._watching: set[asyncio.Task[None]] = set()

    async def take(self, signal: Signal, sender: str) -> Signal | None:
        """The answer to an offer; None for anything else."""
        if signal.description is None or signal.epoch <= self._epochs.get(sender, 0):
            return None
        await self._hang_up(sender)
        self._epochs[sender] = signal.epoch
        connection = self._connections[sender] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        await connection.setRemoteDescription(RTCSessionDescription(signal.description["sdp"], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        for transceiver in connection.getTransceivers():
            if transceiver.kind == "video":
                task = asyncio.create_task(self._watch(transceiver.receiver.track))
                self._watching.add(task)
        answer = {"type": "answer", "sdp": connection.localDescription.sdp}
        return Signal(visit_id=signal.visit_id, sender=self.name, to=sender, epoch=signal.epoch, description=answer)

    async def _watch(self, track: Any) -> None:
        try:
            while True:
                await track.recv()
                self.pictures += 1
        except MediaStreamError:
            return

    async def _hang_up(self, sender: str) -> None:
        if sender in self._connections:
            await self._connections.pop(sender).close()

    async def close(self) -> None:
        for task in self._watching:
            task.cancel()
        for sender in list(self._connections):
            await self._hang_up(sender)


class Stand:
    """A kit with its viewers, and the hub's part between them."""

    def __init__(self, server: Janus | None, viewers: int) -> None:
        self.visit_id = uuid4()
        self.viewers = {name: Viewer(name) for name in [f"doctor:{number}" for number in range(viewers)]}
        self.live = AiortcLive(lambda signal: self._from("kit", signal), camera=DemoCamera(lambda: datetime.now(UTC)))
        self.desk = SfuDesk(JanusSfu(server.url, server.secret), self._from_sfu) if server else None
        self._inbox: asyncio.Queue[tuple[str, Signal]] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._relay()), asyncio.create_task(self._listen())]

    def _from(self, sender: str, signal: Signal) -> None:
        self._inbox.put_nowait((sender, signal.model_copy(update={"sender": sender})))

    def _from_sfu(self, said: Signal | SfuServes) -> None:
        if isinstance(said, SfuServes):
            self.live.sfu_serves(said)
        else:
            self._from(SFU, said)

    async def _relay(self) -> None:
        while True:
            sender, signal = await self._inbox.get()
            if signal.to == SFU and self.desk is not None:
                self.desk.take(signal)
            elif signal.to == "kit":
                await self.live.on_signal(signal)
            elif signal.to in self.viewers:
                answer = await self.viewers[signal.to].take(signal, sender)
                if answer is not None:
                    self._from(signal.to, answer)

    async def _listen(self) -> None:
        """A stethoscope with a noisy skin, at its own pace."""
        noise = np.random.default_rng(7).normal(0, 300, 60 * RATE_HZ).astype(np.int16)
        self.live.sound_begin(1, RATE_HZ)
        began, first = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, began + first / RATE_HZ - time.monotonic()))
            at = first % (len(noise) - FRAME)
            self.live.sound(1, first, noise[at : at + FRAME])
            first += FRAME

    async def measure(self, seconds: float) -> Cost:
        if self.desk is not None:
            self.desk.start()
            self.desk.take(Watching(visit_id=self.visit_id, kit="kit", viewers=tuple(self.viewers)))
        await self.live.set_viewers(self.visit_id, list(self.viewers))
        await asyncio.sleep(SETTLE_S)
        began, before = time.monotonic(), await self._counts()
        await asyncio.sleep(seconds)
        lasted, after = time.monotonic() - began, await self._counts()
        sent, encoded, *shown = ((now - then) / lasted for now, then in zip(after, before, strict=True))
        return Cost(len(shown), self.desk is not None, round(sent * 0.008), round(encoded, 1), round(min(shown), 1))

    async def _counts(self) -> list[int]:
        """Bytes sent, pictures encoded, pictures shown at each viewer."""
        peers = [call._peer for call in self.live._calls.values()]
        sent = [await peer._sent_bytes() for peer in peers if peer is not None]  # type: ignore[attr-defined]
        pictures = [peer._video.pictures for peer in peers if peer is not None]  # type: ignore[attr-defined]
        return [sum(sent), sum(pictures), *(viewer.pictures for viewer in self.viewers.values())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.live.close()
        if self.desk is not None:
            await self.desk.stop()
        for viewer in self.viewers.values():
            await viewer.close()


async def measure(server: Janus, seconds: float) -> list[Cost]:
    costs = []
    for viewers in (1, 2, 3):
        for used in (None, server):
            stand = Stand(used, viewers)
            try:
                costs.append(await stand.measure(seconds))
            finally:
                await stand.close()
    return costs


def table(costs: list[Cost]) -> str:
    head = "| viewers | | kit's uplink, kbit/s | pictures encoded a second | shown a second |\n|---|---|---|---|---|"
    rows = [
        f"| {one.viewers} | {'by way of Janus' if one.sfu else 'directly'} | {one.uplink_kbps} "
        f"| {one.pictures_encoded_per_s} | {one.pictures_shown_per_s} |"
        for one in costs
    ]
    return "\n".join([head, *rows])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m carebag.sfu_bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="measured of each arrangement (default 15)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carebag-sfu-") as folder:
        try:
            with janus.running(Path(folder), "of a benchmark") as server:
                costs = asyncio.run(measure(server, args.seconds))
        except janus.NoJanus as missing:
            raise SystemExit(f"carebag.sfu_bench: {missing}") from None
    load = [round(value, 1) for value in os.getloadavg()]
    if args.json:
        print(json.dumps({"load": load, "costs": [asdict(one) for one in costs]}, indent=2))
    else:
        print(f"load {load}\n{table(costs)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
