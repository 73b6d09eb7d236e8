"""The simulated bag with its radio and a control address: what a hand does with a real instrument is a request here."""

import json
from typing import Any

from aiohttp import web

from carebag.sound_sources import SoundSource
from carebag_devices.radio.simulated_radio import Mode, SimulatedRadio
from carebag_devices.sim.bag import SimulatedBag


class Simulation:
    """`async with Simulation(…) as simulation`: four devices on one air, reachable by bleak and by HTTP."""

    def __init__(self, mode: Mode, sound: SoundSource, *, seed: int = 1, speed: float = 1.0) -> None:
        self.radio = SimulatedRadio(mode)
        self._sound, self._seed, self._speed = sound, seed, speed
        self.bag: SimulatedBag
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "Simulation":
        await self.radio.__aenter__()
        try:
            self.bag = SimulatedBag(self.radio.link, sound_source=self._sound, seed=self._seed, speed=self._speed)
            await self.bag.start()
        except BaseException:
            await self.radio.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
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
        """POST {"device": …, "action": …}: 204, or 400 for what cannot be done."""
        try:
            body = json.loads(await request.text())
            await self.bag.press(str(body["device"]), str(body["action"]))
        except (ValueError, KeyError, TypeError):
            return web.json_response({"code": "unknown_action"}, status=400)
        return web.Response(status=204)

    async def _departures(self, _: web.Request) -> web.Response:
        """When each indication of a measurement left the device, unix seconds: the start of the latency that counts."""
        return web.json_response({name: _times(device) for name, device in self.bag.devices.items()})

    async def _frames(self, _: web.Request) -> web.Response:
        """[first sample, unix seconds] of the stethoscope's frames as they left."""
        return web.json_response([[left.first_sample, left.unix] for left in self.bag.stethoscope.log])


def _times(device: Any) -> list[float]:
    return [float(getattr(departure, "unix", departure)) for departure in getattr(device, "departures", ())]
