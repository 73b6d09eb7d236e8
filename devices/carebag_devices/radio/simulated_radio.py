"""The whole simulated radio in one object: the air, and bleak's way to it.

    async with SimulatedRadio("dbus") as radio:
        cuff = CuffSimulator(*radio.new_peripheral_hci("cuff"))
        scanner = BleakScanner(backend=radio.scanner_backend)
        client = BleakClient(device, backend=radio.backend)

`dbus`: a private D-Bus with a BlueZ-shaped service, bleak's own BlueZ backend unmodified, also from another process
(`radio.bus_address` as its `DBUS_SYSTEM_BUS_ADDRESS`). `in_process`: a bleak backend over Bumble, no D-Bus.
"""

import asyncio
import os
import shutil
import sys
from contextlib import AsyncExitStack
from typing import Any, Literal, Self

from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from carebag_devices.radio.bumble_backend import backends_for
from carebag_devices.radio.central import DEFAULT_ADDRESS, Central
from carebag_devices.radio.link_model import ConnectionEvents, HciPair, RadioLink
from carebag_devices.radio.pairing import PairingPolicy

Mode = Literal["dbus", "in_process"]
BUS_VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"


def best_mode() -> Mode:
    """`dbus` where this machine can, else `in_process`."""
    return "dbus" if sys.platform == "linux" and shutil.which("dbus-daemon") else "in_process"


class SimulatedRadio:
    """Owns the link and everything on it; leaving it ends every connection, advertiser, bus and file."""

    link: RadioLink
    central: Central
    backend: type[BaseBleakClient]
    scanner_backend: type[BaseBleakScanner]
    bus_address: str | None = None
    """D-Bus address for other processes; None in process."""
    bluez: Any = None
    """The `FakeBlueZ` (mode `dbus`), for faults and options."""

    def __init__(
        self,
        mode: Mode,
        *,
        timing: ConnectionEvents | None = None,
        policy: PairingPolicy | None = None,
        options: Any = None,
        address: str = DEFAULT_ADDRESS,
    ) -> None:
        """`policy` answers pairing in process; over D-Bus an agent does. `options`: a `fake_bluez.Options`."""
        self.mode = mode
        self._timing = timing
        self._policy = policy
        self._options = options
        self._address = address
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.link = RadioLink(self._timing)
            stack.callback(self.link.close)
            self.central = Central(self.link.new_hci("central"), address=self._address, policy=self._policy)
            await stack.enter_async_context(self.central)
            if self.mode == "dbus":
                await self._start_bus(stack)
            else:
                self.backend, self.scanner_backend = backends_for(self.central)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def new_peripheral_hci(self, name: str = "peripheral") -> HciPair:
        """HCI source and sink for one simulated device."""
        return self.link.new_hci(name)

    async def _start_bus(self, stack: AsyncExitStack) -> None:
        from bleak.backends.bluezdbus.client import BleakClientBlueZDBus
        from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus

        from carebag_devices.radio.fake_bluez import FakeBlueZ
        from carebag_devices.radio.private_bus import PrivateBus

        bus = await stack.enter_async_context(PrivateBus())
        self.bus_address = bus.address
        _set_variable(stack, bus.address)
        self.bluez = FakeBlueZ(self.central, bus.address, self._options)
        await stack.enter_async_context(self.bluez)
        stack.push_async_callback(close_bleak_manager)
        self.backend, self.scanner_backend = BleakClientBlueZDBus, BleakScannerBlueZDBus


def _set_variable(stack: AsyncExitStack, address: str) -> None:
    """bleak reads the variable whenever it opens the bus: for each connection, so it stays while the radio lives."""
    before = os.environ.get(BUS_VARIABLE)

    def restore() -> None:
        if before is None:
            os.environ.pop(BUS_VARIABLE, None)
        else:
            os.environ[BUS_VARIABLE] = before

    os.environ[BUS_VARIABLE] = address
    stack.callback(restore)


async def close_bleak_manager() -> None:
    """Close the bus connection that bleak keeps for this event loop for ever, and forget it.

    bleak offers no way; without this, its socket outlives the bus, and its watcher task the loop.
    """
    from bleak.backends.bluezdbus import manager

    instance = manager._global_instances.pop(asyncio.get_running_loop(), None)
    bus, watcher = getattr(instance, "_bus", None), getattr(instance, "_bus_watcher_task", None)
    if bus is not None:
        bus.disconnect()
    if watcher is not None:
        await asyncio.wait({watcher})
