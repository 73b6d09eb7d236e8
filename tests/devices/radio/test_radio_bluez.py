"""The D-Bus face: shape of the objects, and the answers by which BlueZ surprises its clients."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("D-Bus is Linux only", allow_module_level=True)

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError
from bleak_retry_connector import establish_connection
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from carebag_devices.errors import RadioMissing
from carebag_devices.radio.agent import PairingAgent
from carebag_devices.radio.dbus_objects import leave
from carebag_devices.radio.fake_bluez import FakeBlueZ, Options
from carebag_devices.radio.simulated_radio import SimulatedRadio

ADAPTER = "/org/bluez/hci0"
DEVICE = f"{ADAPTER}/dev_F0_00_00_00_00_01"
HEART_RATE = f"{DEVICE}/service000e"
LOCATION = f"{HEART_RATE}/char0012"
POINT = f"{HEART_RATE}/char0014"
REPORT = f"{HEART_RATE}/char0016"
SECRET = f"{HEART_RATE}/char0019"
I_ADAPTER, I_DEVICE, I_CHARACTERISTIC = "org.bluez.Adapter1", "org.bluez.Device1", "org.bluez.GattCharacteristic1"

Call = Callable[..., Awaitable[Message]]

PATHS = [
    "/org/bluez",
    ADAPTER,
    DEVICE,
    f"{DEVICE}/service0006",
    f"{DEVICE}/service0006/char0007",
    f"{DEVICE}/service0006/char0007/desc0009",
    f"{DEVICE}/service0006/char000a",
    f"{DEVICE}/service0006/char000c",
    HEART_RATE,
    f"{HEART_RATE}/char000f",
    f"{HEART_RATE}/char000f/desc0011",
    LOCATION,
    POINT,
    REPORT,
    f"{REPORT}/desc0018",
    SECRET,
    f"{DEVICE}/service001b",
    f"{DEVICE}/service001b/char001c",
    f"{DEVICE}/service001b/char001c/desc001e",
]
"""Generic Access is BlueZ's own, and not shown."""


@pytest.fixture
async def call(bluez_radio: SimulatedRadio) -> AsyncIterator[Call]:
    """Plain method calls, as one bus client."""
    bus = await MessageBus(bus_address=bluez_radio.bus_address).connect()

    async def call(path: str, interface: str, member: str, signature: str = "", *body: Any) -> Message:
        reply = await bus.call(
            Message(
                destination="org.bluez",
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        assert reply is not None
        return reply

    yield call
    await leave(bus)


async def property_becomes(call: Call, path: str, interface: str, name: str, value: Any) -> None:
    """Wait until a property has a value; the bus's own order of messages makes each answer fresh."""
    async with asyncio.timeout(10):
        while True:
            reply = await call(path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name)
            if reply.message_type is not MessageType.ERROR and reply.body[0].value == value:
                return
            await asyncio.sleep(0.01)


async def discover(call: Call) -> None:
    await call(ADAPTER, I_ADAPTER, "SetDiscoveryFilter", "a{sv}", {"Transport": Variant("s", "le")})
    assert (await call(ADAPTER, I_ADAPTER, "StartDiscovery")).message_type is MessageType.METHOD_RETURN
    await property_becomes(call, DEVICE, I_DEVICE, "Connected", False)


async def connect(call: Call) -> None:
    await discover(call)
    assert (await call(DEVICE, I_DEVICE, "Connect")).message_type is MessageType.METHOD_RETURN
    await property_becomes(call, DEVICE, I_DEVICE, "ServicesResolved", True)


async def test_objects_of_a_connected_device(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    await property_becomes(call, DEVICE, "org.bluez.Battery1", "Percentage", 87)
    managed = (await call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")).body[0]
    assert sorted(managed) == PATHS
    shown = {name: variant.value for name, variant in managed[DEVICE][I_DEVICE].items()}
    assert shown["AddressType"] == "random"
    assert shown["Alias"] == shown["Name"] == "Strap"
    assert "00001800-0000-1000-8000-00805f9b34fb" in shown["UUIDs"]
    assert managed[POINT][I_CHARACTERISTIC]["Flags"].value == ["write-without-response", "write"]
    assert managed[POINT][I_CHARACTERISTIC]["MTU"].value == 517
    assert "Notifying" not in managed[POINT][I_CHARACTERISTIC]
    assert managed[REPORT][I_CHARACTERISTIC]["Notifying"].value is False


async def test_objects_stay_when_the_link_ends(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    bluez_radio.link.lose(bluez_strap.address)
    await property_becomes(call, DEVICE, I_DEVICE, "Connected", False)
    managed = (await call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")).body[0]
    assert sorted(managed) == PATHS
    assert managed[DEVICE][I_DEVICE]["ServicesResolved"].value is False
    assert "org.bluez.Battery1" not in managed[DEVICE]
    reply = await call(LOCATION, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})
    assert (reply.error_name, reply.body[0]) == ("org.bluez.Error.Failed", "Not connected")


@pytest.mark.parametrize(
    ("path", "interface", "member", "signature", "body", "error"),
    [
        (ADAPTER, I_ADAPTER, "StartDiscovery", "", [], "org.bluez.Error.InProgress"),
        (ADAPTER, I_ADAPTER, "RemoveDevice", "o", [f"{ADAPTER}/dev_00"], "org.bluez.Error.DoesNotExist"),
        (
            ADAPTER,
            I_ADAPTER,
            "SetDiscoveryFilter",
            "a{sv}",
            [{"Colour": Variant("s", "red")}],
            "org.bluez.Error.InvalidArguments",
        ),
        (DEVICE, I_DEVICE, "CancelPairing", "", [], "org.bluez.Error.DoesNotExist"),
        (DEVICE, I_DEVICE, "Fly", "", [], "org.freedesktop.DBus.Error.UnknownMethod"),
        (DEVICE, I_DEVICE, "Connect", "s", ["now"], "org.freedesktop.DBus.Error.UnknownMethod"),
        (f"{DEVICE}0", I_DEVICE, "Connect", "", [], "org.freedesktop.DBus.Error.UnknownObject"),
        ("/org/bluez", "org.bluez.AgentManager1", "RequestDefaultAgent", "o", ["/x"], "org.bluez.Error.DoesNotExist"),
        (
            DEVICE,
            "org.freedesktop.DBus.Properties",
            "Set",
            "ssv",
            [I_DEVICE, "Paired", Variant("b", True)],
            "org.freedesktop.DBus.Error.PropertyReadOnly",
        ),
    ],
)
async def test_refusals(
    bluez_radio: Any,
    bluez_strap: Any,
    call: Call,
    path: str,
    interface: str,
    member: str,
    signature: str,
    body: list[Any],
    error: str,
) -> None:
    await discover(call)
    reply = await call(path, interface, member, signature, *body)
    assert reply.error_name == error


async def test_disconnecting_what_is_not_connected_is_no_error(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await discover(call)
    assert (await call(DEVICE, I_DEVICE, "Disconnect")).error_name is None


async def test_gatt_refusals(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    twice = [await call(REPORT, I_CHARACTERISTIC, "StartNotify") for _ in range(2)]
    assert [reply.error_name for reply in twice] == [None, None]
    stops = [await call(REPORT, I_CHARACTERISTIC, "StopNotify") for _ in range(2)]
    assert [reply.error_name for reply in stops] == [None, "org.bluez.Error.Failed"]
    refused = await call(POINT, I_CHARACTERISTIC, "StartNotify")
    assert refused.error_name == "org.bluez.Error.NotSupported"
    cccd = await call(f"{REPORT}/desc0018", "org.bluez.GattDescriptor1", "WriteValue", "aya{sv}", b"\1\0", {})
    assert (cccd.error_name, cccd.body[0]) == ("org.bluez.Error.NotPermitted", "Write not permitted")
    write = ("aya{sv}", b"\1", {"type": Variant("s", "request")})
    bluez_strap.answers.clear()
    writes = [asyncio.ensure_future(call(POINT, I_CHARACTERISTIC, "WriteValue", *write)) for _ in range(2)]
    ended, _ = await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
    assert [write.result().error_name for write in ended] == ["org.bluez.Error.InProgress"]
    bluez_strap.answers.set()
    assert {(await write).error_name for write in writes} == {None, "org.bluez.Error.InProgress"}


async def test_without_agent_pairing_fails_and_the_link_stays(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    for _ in range(2):
        reply = await call(DEVICE, I_DEVICE, "Pair")
        assert reply.error_name == "org.bluez.Error.AuthenticationFailed"
    read = await call(SECRET, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})
    assert (read.error_name, read.body[0]) == ("org.bluez.Error.NotPermitted", "Not paired")
    await property_becomes(call, DEVICE, I_DEVICE, "Connected", True)
    assert (await call(LOCATION, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})).body[0] == b"\x01"


async def test_agent_lets_the_chosen_device_pair(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    async with PairingAgent() as agent:
        agent.allow(bluez_strap.address)
        read = await call(SECRET, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})
        assert read.body[0] == b"only for the bonded"
        await property_becomes(call, DEVICE, I_DEVICE, "Paired", True)
        await property_becomes(call, DEVICE, I_DEVICE, "Bonded", True)


async def test_what_is_paired_is_not_paired_again(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    async with PairingAgent() as agent:
        agent.allow(bluez_strap.address)
        assert (await call(DEVICE, I_DEVICE, "Pair")).error_name is None
        assert (await call(DEVICE, I_DEVICE, "Pair")).error_name == "org.bluez.Error.AlreadyExists"


@pytest.mark.parametrize("options", [Options(disconnect_s=0.0, hang_unpaired=True)])
async def test_a_read_that_hangs_without_agent_ends_with_the_link(
    bluez_radio: Any, bluez_strap: Any, call: Call
) -> None:
    await connect(call)
    reading = asyncio.ensure_future(call(SECRET, I_CHARACTERISTIC, "ReadValue", "a{sv}", {}))
    await asyncio.wait_for(bluez_strap.pairing_failed.wait(), 10)
    await call(LOCATION, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})
    assert not reading.done()
    bluez_radio.link.lose(bluez_strap.address)
    assert (await reading).message_type is MessageType.ERROR


async def test_a_clients_death_ends_its_discovery_and_notifications(
    bluez_radio: Any, bluez_strap: Any, call: Call
) -> None:
    await connect(call)
    other = await MessageBus(bus_address=bluez_radio.bus_address).connect()
    # with the first client's filter: real BlueZ starts its scan anew when the filters change, and trips over the death
    le, where = (
        [{"Transport": Variant("s", "le")}],
        {"destination": "org.bluez", "path": ADAPTER, "interface": I_ADAPTER},
    )
    await other.call(Message(**where, member="SetDiscoveryFilter", signature="a{sv}", body=le))
    for path, interface, member in [(ADAPTER, I_ADAPTER, "StartDiscovery"), (REPORT, I_CHARACTERISTIC, "StartNotify")]:
        await other.call(Message(destination="org.bluez", path=path, interface=interface, member=member))
    await call(ADAPTER, I_ADAPTER, "StopDiscovery")
    await property_becomes(call, ADAPTER, I_ADAPTER, "Discovering", True)
    assert bluez_strap.subscribed.is_set()
    await leave(other)
    await property_becomes(call, ADAPTER, I_ADAPTER, "Discovering", False)
    await property_becomes(call, REPORT, I_CHARACTERISTIC, "Notifying", False)
    async with asyncio.timeout(10):
        while bluez_strap.subscribed.is_set():
            await call(LOCATION, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})


async def test_notifications_come_back_after_a_reconnection(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    """As long as the client that asked for them is on the bus: bleak opens a new connection each time for this."""
    await connect(call)
    await call(REPORT, I_CHARACTERISTIC, "StartNotify")
    bluez_radio.link.lose(bluez_strap.address)
    await property_becomes(call, DEVICE, I_DEVICE, "Connected", False)
    bluez_strap.subscribed.clear()
    await call(DEVICE, I_DEVICE, "Connect")
    await asyncio.wait_for(bluez_strap.subscribed.wait(), 10)


async def test_rssi_goes_when_the_scan_ends(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await discover(call)
    await call(ADAPTER, I_ADAPTER, "StopDiscovery")
    reply = await call(DEVICE, "org.freedesktop.DBus.Properties", "Get", "ss", I_DEVICE, "RSSI")
    assert reply.message_type is MessageType.ERROR


async def test_adapter_off(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    await call(ADAPTER, "org.freedesktop.DBus.Properties", "Set", "ssv", I_ADAPTER, "Powered", Variant("b", False))
    await property_becomes(call, DEVICE, I_DEVICE, "Connected", False)
    assert (await call(ADAPTER, I_ADAPTER, "StartDiscovery")).error_name == "org.bluez.Error.NotReady"
    assert (await call(DEVICE, I_DEVICE, "Connect")).error_name == "org.bluez.Error.Failed"


async def test_retry_connector_gets_through_failed_discoveries(bluez_radio: Any, bluez_strap: Any, find: Any) -> None:
    device = await find(bluez_radio)
    bluez_radio.bluez.adapter.failing_discoveries = 1
    with pytest.raises(BleakError, match="failed to discover services"):
        await BleakClient(device).connect()
    bluez_radio.bluez.adapter.failing_discoveries = 1
    client = await establish_connection(BleakClient, await find(bluez_radio), "strap")
    assert client.is_connected
    await client.disconnect()


@pytest.mark.parametrize("options", [Options(temporary_s=0.2)])
async def test_devices_vanish_after_a_while(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await discover(call)
    await bluez_strap.device.stop_advertising()
    async with asyncio.timeout(10):
        while (await call(DEVICE, I_DEVICE, "Disconnect")).error_name != "org.freedesktop.DBus.Error.UnknownObject":
            pass


@pytest.mark.parametrize("options", [Options(disconnect_s=600.0)])
async def test_disconnect_waits_as_bluetoothd_does(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await connect(call)
    leaving = asyncio.ensure_future(call(DEVICE, I_DEVICE, "Disconnect"))
    for _ in range(3):
        assert (await call(LOCATION, I_CHARACTERISTIC, "ReadValue", "a{sv}", {})).body[0] == b"\x01"
    assert not leaving.done()
    bluez_radio.link.lose(bluez_strap.address)
    assert (await leaving).message_type is MessageType.METHOD_RETURN


async def test_connect_can_be_cancelled(bluez_radio: Any, bluez_strap: Any, call: Call) -> None:
    await discover(call)
    await bluez_strap.device.stop_advertising()
    connecting = asyncio.ensure_future(call(DEVICE, I_DEVICE, "Connect"))
    await asyncio.sleep(0)  # let it be sent first
    again = await call(DEVICE, I_DEVICE, "Connect")
    assert (again.error_name, again.body) == ("org.bluez.Error.Failed", ["Operation already in progress"])
    await call(DEVICE, I_DEVICE, "Disconnect")
    cancelled = await connecting
    assert (cancelled.error_name, cancelled.body) == ("org.bluez.Error.Failed", ["br-connection-canceled"])
    await bluez_strap.device.start_advertising(auto_restart=True)
    assert (await call(DEVICE, I_DEVICE, "Connect")).message_type is MessageType.METHOD_RETURN


async def test_when_bluetoothd_dies_clients_are_told_and_may_come_back(
    bluez_radio: SimulatedRadio, bluez_strap: Any, find: Any
) -> None:
    bluez = bluez_radio.bluez  # skips where it cannot die: before there is a connection to leave open
    lost = asyncio.Event()
    client = BleakClient(await find(bluez_radio), disconnected_callback=lambda _: lost.set())
    await client.connect()
    await bluez.stop()
    await asyncio.wait_for(lost.wait(), 10)
    await client.disconnect()
    with pytest.raises(BleakError):
        await BleakScanner.discover(timeout=0.01)
    assert bluez_radio.bus_address is not None
    again = FakeBlueZ(bluez_radio.central, bluez_radio.bus_address, Options(disconnect_s=0.0))
    async with again, BleakClient(await find(bluez_radio)) as client:
        assert client.is_connected


async def test_second_bluez_is_refused(bluez_radio: SimulatedRadio) -> None:
    assert bluez_radio.bus_address is not None
    with pytest.raises(RadioMissing):
        async with FakeBlueZ(bluez_radio.central, bluez_radio.bus_address):
            pass


async def test_another_process_sees_the_devices(bluez_radio: Any, bluez_strap: Any) -> None:
    program = """
import asyncio
from bleak import BleakClient, BleakScanner
async def main():
    device = await BleakScanner.find_device_by_address("F0:00:00:00:00:01", timeout=20)
    async with BleakClient(device) as client:
        print((await client.read_gatt_char("00002a38-0000-1000-8000-00805f9b34fb")).hex())
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={"DBUS_SYSTEM_BUS_ADDRESS": bluez_radio.bus_address, "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert out.decode().strip() == "01", errors.decode()
