"""A heart rate strap with a battery, made of Bumble: the smallest device that can do everything a radio must carry.

`make test-bluez` runs the same tests with the real BlueZ in the simulated one's place (CAREBAG_RADIO=bluez), so that
the simulated one cannot drift; what only it can do is left out there.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bumble import hci
from bumble.att import ATT_Error, Attribute
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.pairing import PairingConfig, PairingDelegate

from carebag_devices.radio.link_model import HciPair
from carebag_devices.radio.simulated_radio import SimulatedRadio

HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"
MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
LOCATION = "00002a38-0000-1000-8000-00805f9b34fb"
CONTROL_POINT = "00002a39-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
REPORT = "5b5e00ff-9f2a-4c7e-8a3d-6d1c0a7e5c01"
SECRET = "5b5e00fe-9f2a-4c7e-8a3d-6d1c0a7e5c01"
ADDRESS = "F0:00:00:00:00:01"

P = Characteristic.Properties
W = Attribute.Permissions


class Strap:
    """Advertises, measures, and keeps what was written to it."""

    def __init__(self, pair: HciPair, address: str = ADDRESS, name: str = "Strap") -> None:
        config = DeviceConfiguration(name=name, address=hci.Address(address), advertising_interval_min=20)
        config.advertising_interval_max = 20
        flags_and_services = bytes([2, 0x01, 0x06, 3, 0x03, 0x0D, 0x18, 5, 0xFF, 0xFF, 0xFF, 0x07, 0x01])
        config.advertising_data = flags_and_services + bytes([len(name) + 1, 0x09]) + name.encode()
        self.address = address
        self.device = Device.from_config_with_hci(config, pair.source, pair.sink)
        self.written: list[bytes] = []
        self.refuse_with = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.subscribed = asyncio.Event()
        self.pairing_failed = asyncio.Event()
        self.measurement: Any = Characteristic(MEASUREMENT, P.NOTIFY, W.READABLE, b"")
        self.report: Any = Characteristic(REPORT, P.INDICATE, W.READABLE, b"")
        self.level: Any = Characteristic(BATTERY_LEVEL, P.READ | P.NOTIFY, W.READABLE, bytes([87]))
        self.device.add_services(self.services())
        self.measurement.on("subscription", self.on_subscription)
        self.report.on("subscription", self.on_subscription)
        self.device.on("connection", self.on_connection)

    def services(self) -> list[Any]:
        secret = Characteristic(SECRET, P.READ, W.READABLE | W.READ_REQUIRES_ENCRYPTION, b"only for the bonded")
        point = Characteristic(
            CONTROL_POINT,
            P.WRITE | P.WRITE_WITHOUT_RESPONSE,
            W.WRITEABLE,
            CharacteristicValue(write=self.on_write),
        )
        location = Characteristic(LOCATION, P.READ, W.READABLE, bytes([1]))
        return [
            Service(HEART_RATE, [self.measurement, location, point, self.report, secret]),
            Service("0000180f-0000-1000-8000-00805f9b34fb", [self.level]),
        ]

    def on_connection(self, connection: Any) -> None:
        connection.on("pairing_failure", lambda _reason: self.pairing_failed.set())

    async def on_write(self, _connection: Any, value: bytes) -> None:
        await self.answers.wait()
        if self.refuse_with:
            raise ATT_Error(self.refuse_with)
        self.written.append(bytes(value))

    def on_subscription(self, _bearer: Any, notify: bool, indicate: bool) -> None:
        if notify or indicate:
            self.subscribed.set()
        else:
            self.subscribed.clear()

    @property
    def connection(self) -> Any:
        return next(iter(self.device.connections.values()))

    async def start(self) -> None:
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)

    async def stop(self) -> None:
        for connection in list(self.device.connections.values()):
            await connection.disconnect()
        await self.device.stop_advertising()
        await self.device.power_off()


def mode_parameters() -> list[Any]:
    if os.environ.get("CAREBAG_RADIO") == "bluez":
        return ["bluez"]
    missing = "no dbus-daemon on this machine" if sys.platform == "linux" else "D-Bus is Linux only"
    no_bus = pytest.mark.skipif(sys.platform != "linux" or not shutil.which("dbus-daemon"), reason=missing)
    return [pytest.param("dbus", marks=[pytest.mark.radio, no_bus]), "in_process"]


def brisk() -> Any:
    """BlueZ without its pauses; None where D-Bus is not."""
    if sys.platform != "linux":
        return None
    from carebag_devices.radio.fake_bluez import Options

    return Options(disconnect_s=0.0)


@pytest.fixture
def options() -> Any:
    """How the simulated BlueZ behaves; a test that wants it otherwise parametrizes `options`."""
    return brisk()


def radio_in(mode: Any, options: Any) -> Any:
    """`SimulatedRadio`, or what has its face."""
    if mode != "bluez":
        return SimulatedRadio(mode, options=options)
    if options != brisk():
        pytest.skip("real BlueZ has no such option")
    from vhci_radio import VhciRadio

    return VhciRadio()


@pytest.fixture(params=mode_parameters())
async def radio(request: pytest.FixtureRequest, options: Any) -> AsyncIterator[SimulatedRadio]:
    """Either face of the simulated radio; over D-Bus with an agent that pairs with the strap."""
    async with AsyncExitStack() as stack:
        radio = await stack.enter_async_context(radio_in(request.param, options))
        if radio.mode != "in_process":
            from carebag_devices.radio.agent import PairingAgent

            agent = await stack.enter_async_context(PairingAgent())
            agent.allow(ADDRESS)
        yield radio


@pytest.fixture(params=mode_parameters()[:1])
async def bluez_radio(request: pytest.FixtureRequest, options: Any) -> AsyncIterator[SimulatedRadio]:
    """The D-Bus face only, and no agent."""
    async with radio_in(request.param, options) as radio:
        yield radio


@pytest.fixture
async def strap(radio: SimulatedRadio) -> AsyncIterator[Strap]:
    strap = Strap(radio.new_peripheral_hci("strap"))
    await strap.start()
    yield strap
    await strap.stop()


@pytest.fixture
async def bluez_strap(bluez_radio: SimulatedRadio) -> AsyncIterator[Strap]:
    strap = Strap(bluez_radio.new_peripheral_hci("strap"))
    await strap.start()
    yield strap
    await strap.stop()


@pytest.fixture
def strap_type() -> type[Strap]:
    return Strap


class Display(PairingDelegate):
    """A device that shows the number to be typed on the kit."""

    def __init__(self) -> None:
        super().__init__(PairingDelegate.IoCapability.DISPLAY_OUTPUT_ONLY)
        self.shown: asyncio.Queue[int] = asyncio.Queue()

    async def display_number(self, number: int, digits: int) -> None:
        self.shown.put_nowait(number)


@pytest.fixture
def bluez_strap_with_display(bluez_strap: Strap) -> tuple[Strap, asyncio.Queue[int]]:
    display = Display()
    bluez_strap.device.pairing_config_factory = lambda _connection: PairingConfig(
        sc=True, mitm=True, bonding=True, delegate=display
    )
    return bluez_strap, display.shown


Find = Callable[[SimulatedRadio], Awaitable[BLEDevice]]


@pytest.fixture
def find() -> Find:
    async def find(radio: SimulatedRadio, address: str = ADDRESS) -> BLEDevice:
        device = await BleakScanner.find_device_by_address(address, timeout=10, backend=radio.scanner_backend)
        assert device is not None
        return device

    return find


@pytest.fixture
def client_for() -> Callable[..., BleakClient]:
    def client_for(radio: SimulatedRadio, device: BLEDevice, **kwargs: Any) -> BleakClient:
        return BleakClient(device, backend=radio.backend, **kwargs)

    return client_for
