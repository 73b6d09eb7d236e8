"""The simulated bag with its radio and a control address: what a hand does with a real instrument is a request here.

GET  /health      how its radio works
POST /press       {"device": …, "action": …}
POST /fault       {"device": …, "fault": …, "after": 0, "amount": null}
GET  /devices     which there are, what can be done with them, what their displays show
GET  /taken       what their sensors found
GET  /departures  when each measurement left its device, unix seconds
GET  /frames      [first sample, unix seconds] of the stethoscope's frames
"""

import asyncio
import json
import logging
import time
from typing import Any

from aiohttp import web

from carebag.stage import Stage
from carebag_devices.lab.faults import BadScript, Script, Step
from carebag_devices.lab.player import NotHere, Player
from carebag_devices.lab.replay_device import ReplayBag
from carebag_devices.radio.simulated_radio import Mode, SimulatedRadio
from carebag_devices.sim.bag import SimulatedBag
from carebag_devices.sim.controllers import ForeignRadio
from carebag_devices.sim.handled import HandledBag
from carebag_devices.sim.instrument import Instrument
from carebag_devices.sim.peripheral import Peripheral
from carebag_devices.sim.stethoscope import Stethoscope
from carebag_devices.sim.truth import Taken

log = logging.getLogger(__name__)


class Simulation:
    """`async with Simulation(…) as simulation`: the stage's devices on one air, reachable by bleak and by HTTP."""

    def __init__(self, radio: Mode | ForeignRadio, stage: Stage) -> None:
        self.radio: Any = radio if isinstance(radio, ForeignRadio) else SimulatedRadio(radio)
        self._stage = stage
        self.bag: HandledBag
        self._player: Player
        self._playing: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "Simulation":
        await self.radio.__aenter__()
        try:
            self.bag = self._make_bag()
            await self.bag.start()
        except BaseException:
            await self.radio.__aexit__()
            raise
        self._player = Player(self.bag)
        if self._stage.script is not None:
            self._playing = asyncio.create_task(self._play(self._stage.script))
        return self

    async def _play(self, script: Script) -> None:
        try:
            await self._player.play(script)
        except (NotHere, KeyError) as error:
            log.error("the script of faults ended early: %s", error)

    def _make_bag(self) -> HandledBag:
        stage, body = self._stage, self._stage.body()
        if stage.session is not None:
            return ReplayBag(self.radio.link, stage.session, now=time.time)
        return SimulatedBag(
            self.radio.link,
            sound_source=stage.sound(body),
            speed=stage.speed,
            devices=stage.devices,
            models=stage.models,
            body=body,
        )

    async def __aexit__(self, *_: object) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait([self._playing])  # not `suppress(CancelledError)`, which would take ours for its
            if not self._playing.cancelled():
                self._playing.result()
        if self._runner:
            await self._runner.cleanup()
        await self.bag.stop()
        await self.radio.__aexit__()

    async def serve(self, port: int) -> str:
        """Open the control address on loopback; gives its URL."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self._health),
                web.post("/press", self._press),
                web.post("/fault", self._fault),
                web.get("/devices", self._devices),
                web.get("/taken", self._taken),
                web.get("/departures", self._departures),
                web.get("/frames", self._frames),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{port}"

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"mode": self.radio.mode})

    async def _press(self, request: web.Request) -> web.Response:
        """204, or 400 for what cannot be done."""
        try:
            body = json.loads(await request.text())
            await self.bag.press(str(body["device"]), str(body["action"]))
        except (ValueError, KeyError, TypeError):
            return web.json_response({"code": "unknown_action"}, status=400)
        return web.Response(status=204)

    async def _fault(self, request: web.Request) -> web.Response:
        """204, or 400 for what is no fault of this instrument."""
        try:
            step = Step.from_data({"at_s": 0.0, **json.loads(await request.text())})
            if step.fault is None:
                raise BadScript("no fault")
            await self._player.do(step)
        except (ValueError, KeyError, TypeError):
            return web.json_response({"code": "unknown_fault"}, status=400)
        return web.Response(status=204)

    async def _devices(self, _: web.Request) -> web.Response:
        offers = self.bag.offers()
        return web.json_response(
            {name: _seen(one) | {"actions": offers[name]} for name, one in self.bag.devices.items()}
        )

    async def _taken(self, _: web.Request) -> web.Response:
        found = {name: getattr(one, "taken", []) for name, one in self.bag.devices.items()}
        return web.json_response({name: [_reading(taken) for taken in all_of] for name, all_of in found.items()})

    async def _departures(self, _: web.Request) -> web.Response:
        """The start of the latency that counts."""
        return web.json_response({name: _times(device) for name, device in self.bag.devices.items()})

    async def _frames(self, _: web.Request) -> web.Response:
        steth = self.bag.devices.get("stethoscope")
        log = steth.log if isinstance(steth, Stethoscope) else ()
        return web.json_response([[left.first_sample, left.unix] for left in log])


def _times(device: Peripheral) -> list[float]:
    return [departure.unix for departure in device.departures]


def _seen(device: Peripheral) -> dict[str, Any]:
    """What a person who stands before it sees."""
    seen: dict[str, Any] = {
        "name": device.label.name,
        "model": device.label.model,
        "address": device.label.address,
        "battery": device.battery,
        "connected": device.connected,
        "pairing_mode": device.inviting,
        "passkey": device.passkey,
    }
    if isinstance(device, Instrument):
        seen |= {"clock": str(device.clock.shows()), "stored": len(device.memory), "user": device.user}
    return seen


def _reading(taken: Taken) -> dict[str, Any]:
    values = [
        {"name": one.name, "value": str(one.value), "unit": one.unit, "comparator": one.comparator}
        for one in taken.values
    ]
    return {"kind": taken.kind, "at_s": taken.at_s, "values": values, "user": taken.user, "problem": taken.problem}
