"""One wired analyser over its life: dialled or waited for, served, lost, reached again."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from carebag_devices.catalog import Model
from carebag_devices.catalog.model import DriverName
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceError, DeviceLost
from carebag_devices.events import DeviceState, Identity
from carebag_devices.wired.address import Dial, Listen, SerialPort, parse_address
from carebag_devices.wired.afinion import AfinionSession
from carebag_devices.wired.lis2 import Lis2Session
from carebag_devices.wired.poct1a import Poct1aSession
from carebag_devices.wired.stream import Listener, Stream, open_stream

log = logging.getLogger(__name__)

BACK_OFF_S = (0.3, 1.0, 3.0, 10.0)


class Session(Protocol):
    """What is spoken over the wire. Lives across connections; `serve` is called anew for each."""

    @property
    def busy(self) -> bool:
        """In the middle of something: if the wire breaks now, it is a loss."""

    async def serve(self, stream: Stream) -> None:
        """Until the analyser took its leave. Raises `DeviceError` when the wire breaks or it stops to make sense."""

    def close(self) -> None:
        """The connection is over: end what was going on."""


_SESSIONS: dict[DriverName, Callable[[Reporter, Model], Session]] = {
    "lis2_wired": Lis2Session,
    "afinion_wired": AfinionSession,
    "poct1a_wired": Poct1aSession,
}
_USUAL_BAUD: dict[DriverName, int] = {"afinion_wired": 115_200}
"""Afinion knows no other speed (manual of the elexis driver)."""


def wired_identity(url: str, model: Model, *, simulated: bool = False) -> Identity:
    """Who it is before it has said a word. Raises `ValueError` for an address that is none."""
    parse_address(url)
    return Identity(f"wired:{url}", model.kind, maker=model.maker, model=model.name, simulated=simulated)


async def run_wired(url: str, model: Model, report: Reporter) -> None:
    """Serve the analyser at this address until cancelled.

    Raises: ValueError: the address is none, or the model is not for a wire.
    """
    address = parse_address(url, usual_baud=_USUAL_BAUD.get(model.driver, 9600))
    if model.driver not in _SESSIONS:
        raise ValueError(f"{model.key} is not for a wire")
    line = _Line(model, report, _SESSIONS[model.driver](report, model))
    if isinstance(address, Listen):
        await line.listen(address)
    else:
        await line.dial(address)


class _Line:
    def __init__(self, model: Model, report: Reporter, session: Session) -> None:
        self._model, self._report, self._session = model, report, session
        self._failures = 0

    async def dial(self, address: SerialPort | Dial) -> None:
        self._report.enter(DeviceState.CONNECTING)
        while True:
            try:
                stream = await open_stream(address)
            except DeviceError as error:
                self._report.enter(DeviceState.LOST, error.code)
            else:
                await self._serve(stream, leaves=self._model.sleeps)
            await self._back_off()

    async def listen(self, address: Listen) -> None:
        """An analyser that dials itself comes when it has something, and may leave in between."""
        while True:
            try:
                async with Listener(address) as listener:
                    await self._receive(listener)
            except DeviceError as error:
                self._report.enter(DeviceState.LOST, error.code)
            await self._back_off()

    async def _receive(self, listener: Listener) -> None:
        self._report.enter(DeviceState.UNSEEN)
        serving: asyncio.Task[None] | None = None
        try:
            while True:
                stream = await listener.accept()
                await _cancelled(serving)
                serving = asyncio.create_task(self._serve(stream, leaves=True))
        finally:
            await _cancelled(serving)

    async def _serve(self, stream: Stream, *, leaves: bool) -> None:
        """One connection. `leaves`: its end is no loss while nothing is going on."""
        try:
            await self._session.serve(stream)
            self._report.enter(DeviceState.ASLEEP)
        except DeviceError as error:
            log.info("%s: %s %s", self._model.key, error.code, error.reason)
            asleep = leaves and not self._session.busy and isinstance(error, DeviceLost)
            self._report.enter(DeviceState.ASLEEP if asleep else DeviceState.LOST, "" if asleep else error.code)
        except Exception as error:
            # one analyser's surprise must not silence it for the rest of the visit; by type only, see `errors`
            log.error("%s: %s", self._model.key, type(error).__name__)
            self._report.enter(DeviceState.LOST, DeviceLost.code)
        finally:
            self._session.close()
            await asyncio.shield(stream.close())
        if stream.heard:
            self._failures = 0

    async def _back_off(self) -> None:
        wait_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        await asyncio.sleep(wait_s)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
