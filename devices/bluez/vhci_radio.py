"""Simulated devices that real BlueZ hears: the kernel's adapter is a Bumble controller behind /dev/vhci.

The same face as `SimulatedRadio`, so the same tests run on it; only inside the machine that `init.py` has set up.
Each radio has a bluetoothd of its own, with an empty memory: what one test breaks, the next does not feel.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO, Any, NoReturn, Self

import pytest
from bleak.backends.bluezdbus.client import BleakClientBlueZDBus
from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bumble.transport.vhci import open_vhci_transport
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from carebag_devices.radio.dbus_objects import OBJECT_MANAGER, leave
from carebag_devices.radio.link_model import ConnectionEvents, HciPair, LinkController, RadioLink
from carebag_devices.radio.simulated_radio import BUS_VARIABLE, close_bleak_manager

MEMORY = Path("/var/lib/bluetooth")
PROGRAMS = ("/usr/libexec/bluetooth/bluetoothd", "/usr/lib/bluetooth/bluetoothd")
ADDRESS = "02:CA:4E:BA:60:01"
"""Public, as dongles have. Without one, Linux 6.1 connects with the random address of its last scan but pairs with its
static one: `DHKey check failed`."""
PATIENCE_S = 20.0
_numbers = itertools.count(1)


class Bluetoothd:
    """The real one, on the system bus. Its log goes to the results, one file for each start."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        with _new_log() as log:
            self._process = await asyncio.create_subprocess_exec(
                _program(), "--nodetach", "--debug", stdout=log, stderr=log
            )

    async def stop(self) -> None:
        """End it; raises `AssertionError` when it had ended by itself."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.returncode is None, f"bluetoothd ended by itself: {process.returncode}"
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        await _kill(process)

    async def die(self) -> None:
        """As by a crash: no goodbye to anybody."""
        process, self._process = self._process, None
        assert process is not None
        await _kill(process)


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _program() -> str:
    return next(program for program in PROGRAMS if Path(program).exists())


def _new_log() -> IO[bytes]:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0].replace("/", "_")
    logs = Path(os.environ["CAREBAG_RESULTS"], "bluetoothd")
    logs.mkdir(exist_ok=True)
    return (logs / f"{next(_numbers):03}-{test}.log").open("wb")


def _forget_everything() -> None:
    for remembered in MEMORY.iterdir():
        if remembered.is_dir():
            shutil.rmtree(remembered)
        else:
            remembered.unlink()


class VhciRadio:
    """`async with VhciRadio() as radio`: adapter powered, nothing known, inside."""

    mode = "bluez"
    backend = BleakClientBlueZDBus
    scanner_backend = BleakScannerBlueZDBus
    link: RadioLink
    bluetoothd: Bluetoothd

    def __init__(self) -> None:
        self.bus_address = os.environ[BUS_VARIABLE]
        self._stack = AsyncExitStack()
        self._transport: Any = None
        self._controller: Any = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            _forget_everything()
            self.link = RadioLink(ConnectionEvents())
            stack.callback(self.link.close)
            self.bluetoothd = Bluetoothd()
            stack.push_async_callback(self.bluetoothd.stop)
            await self.bluetoothd.start()
            stack.push_async_callback(self.pull_out)
            await self.put_in()
            stack.push_async_callback(close_bleak_manager)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def put_in(self) -> None:
        """The adapter, as a dongle: bluetoothd has it, and it is on, when this returns."""
        self._transport = transport = await open_vhci_transport(None)
        ends = {"host_source": transport.source, "host_sink": transport.sink}
        self._controller = LinkController("bluez", link=self.link, public_address=ADDRESS, **ends)
        await self.until_powered()

    async def pull_out(self) -> None:
        """Its links end at the devices as by distance."""
        transport, self._transport = self._transport, None
        if transport is not None:
            for connection in list(self._controller.le_connections.values()):
                self.link.lose(str(connection.peer_address))
            self.link.remove_controller(self._controller)
            await transport.close()

    @property
    def bluez(self) -> NoReturn:
        pytest.skip("only the simulated BlueZ does this on demand")

    central = bluez

    def new_peripheral_hci(self, name: str = "peripheral") -> HciPair:
        """HCI source and sink for one simulated device."""
        return self.link.new_hci(name)

    async def until_powered(self) -> None:
        """bluetoothd has the adapter, and it is on."""

        def powered(objects: dict[str, Any]) -> bool:
            adapters = [faces.get("org.bluez.Adapter1") for faces in objects.values()]
            return any(adapter and adapter["Powered"].value for adapter in adapters)

        await self.until(powered)

    async def until(self, condition: Callable[[dict[str, Any]], Any]) -> Any:
        """Wait until BlueZ's objects make `condition` true; give what it gave."""
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (found := condition(await _objects(bus))):  # noqa: ASYNC110 - another program's state
                    await asyncio.sleep(0.01)
        finally:
            await leave(bus)
        return found

    async def objects(self) -> dict[str, Any]:
        """BlueZ's answer to GetManagedObjects now."""
        found: dict[str, Any] = await self.until(lambda objects: objects)
        return found


async def _objects(bus: MessageBus) -> dict[str, Any]:
    call = Message(destination="org.bluez", path="/", interface=OBJECT_MANAGER, member="GetManagedObjects")
    answer: Message | None = await bus.call(call)
    if answer is None or answer.message_type is MessageType.ERROR:
        return {}
    objects: dict[str, Any] = answer.body[0]
    return objects
