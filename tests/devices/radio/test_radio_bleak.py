"""bleak, unmodified, against both faces of the simulated radio: a device from first sight to loss."""

import asyncio
import struct
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak_retry_connector import establish_connection

HEART_RATE = "0000180d-0000-1000-8000-00805f9b34fb"
MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
LOCATION = "00002a38-0000-1000-8000-00805f9b34fb"
CONTROL_POINT = "00002a39-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
REPORT = "5b5e00ff-9f2a-4c7e-8a3d-6d1c0a7e5c01"
SECRET = "5b5e00fe-9f2a-4c7e-8a3d-6d1c0a7e5c01"


async def test_scan_shows_what_the_device_advertises(radio: Any, strap: Any) -> None:
    found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def on_advert(device: Any, advert: Any) -> None:
        if not found.done():
            found.set_result((device, advert))

    async with BleakScanner(on_advert, service_uuids=[HEART_RATE], backend=radio.scanner_backend):
        device, advert = await asyncio.wait_for(found, 10)
    assert device.address == strap.address
    assert advert.local_name == "Strap"
    assert advert.service_uuids == [HEART_RATE]
    assert advert.manufacturer_data == {0xFFFF: b"\x07\x01"}
    assert advert.rssi == -50


async def test_scan_filter_keeps_others_out(radio: Any, strap: Any) -> None:
    other = "00001810-0000-1000-8000-00805f9b34fb"
    seen = asyncio.Event()
    radio.central.hear(lambda _advert: seen.set())
    async with BleakScanner(service_uuids=[other], backend=radio.scanner_backend) as scanner:
        await asyncio.wait_for(seen.wait(), 10)
        assert scanner.discovered_devices == []


async def test_a_device_that_goes_to_sleep_is_heard_again_when_it_wakes(radio: Any, strap: Any) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def on_advert(_device: Any, advert: Any) -> None:
        heard.put_nowait(advert.manufacturer_data[0xFFFF])

    async with BleakScanner(on_advert, backend=radio.scanner_backend):
        assert await asyncio.wait_for(heard.get(), 10) == b"\x07\x01"
        await strap.device.stop_advertising()
        strap.device.advertising_data = strap.device.advertising_data.replace(b"\x07\x01", b"\x08\x02")
        await strap.device.start_advertising(auto_restart=True)
        async with asyncio.timeout(10):
            while await heard.get() != b"\x08\x02":
                pass


async def test_read_write_and_discovery(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    async with client_for(radio, await find(radio)) as client:
        assert HEART_RATE in {service.uuid for service in client.services}
        assert "00001800-0000-1000-8000-00805f9b34fb" not in {service.uuid for service in client.services}
        point = client.services.get_characteristic(CONTROL_POINT)
        assert set(point.properties) == {"write", "write-without-response"}
        assert point.max_write_without_response_size == 514
        assert await client.read_gatt_char(LOCATION) == b"\x01"
        assert await client.read_gatt_char(BATTERY_LEVEL) == bytes([87])
        await client.write_gatt_char(CONTROL_POINT, b"\x01", response=True)
        await client.write_gatt_char(CONTROL_POINT, b"\x02", response=False)
        await client.write_gatt_char(CONTROL_POINT, bytes(range(256)) * 2, response=True)
        assert strap.written == [b"\x01", b"\x02", bytes(range(256)) * 2]


async def test_notifications_are_all_carried_in_order(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    """What 8 kHz of 16-bit sound needs in 5 s: 339 frames of 244 bytes."""
    frames = 339
    done = asyncio.Event()
    numbers: list[int] = []

    def on_frame(_: Any, value: bytearray) -> None:
        assert len(value) == 244
        numbers.append(struct.unpack_from("<I", value)[0])
        if len(numbers) == frames:
            done.set()

    async with client_for(radio, await find(radio)) as client:
        await client.start_notify(MEASUREMENT, on_frame)
        for number in range(frames):
            await strap.device.notify_subscribers(strap.measurement, struct.pack("<I", number) + bytes(240))
        await asyncio.wait_for(done.wait(), 30)
        await client.stop_notify(MEASUREMENT)
    assert numbers == list(range(frames))


async def test_indication_is_confirmed_and_stop_ends_it(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    values: asyncio.Queue[bytes] = asyncio.Queue()
    async with client_for(radio, await find(radio)) as client:
        await client.start_notify(REPORT, lambda _, value: values.put_nowait(bytes(value)))
        await strap.device.indicate_subscribers(strap.report, b"\x16\x78\x00")  # returns once confirmed
        assert await asyncio.wait_for(values.get(), 10) == b"\x16\x78\x00"
        await client.stop_notify(REPORT)
        # real BlueZ answers first, and tells the device after
        async with asyncio.timeout(10):
            while strap.subscribed.is_set():
                await client.read_gatt_char(LOCATION)
        await strap.device.indicate_subscribers(strap.report, b"unheard")
        await client.read_gatt_char(LOCATION)
        assert values.empty()


async def test_a_read_that_needs_a_bond_pairs_by_itself(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    async with client_for(radio, await find(radio)) as client:
        assert await client.read_gatt_char(SECRET) == b"only for the bonded"
        assert strap.connection.is_encrypted
        assert await radio.central.is_bonded(strap.address)


async def test_bond_encrypts_the_next_link_without_pairing(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    pairings: list[int] = []
    device = await find(radio)
    async with client_for(radio, device, pair=True) as client:
        assert strap.connection.is_encrypted
        assert client.is_connected
    strap.device.on("pairing_start", lambda _connection: pairings.append(1))
    async with client_for(radio, await find(radio)) as client:
        assert strap.connection.is_encrypted
        assert await client.read_gatt_char(SECRET) == b"only for the bonded"
    assert pairings == []


async def test_after_unpair_the_device_must_pair_anew(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    client = client_for(radio, await find(radio), pair=True)
    async with client:
        assert await radio.central.is_bonded(strap.address)
    await client.unpair()
    assert not await radio.central.is_bonded(strap.address)
    async with client_for(radio, await find(radio)) as client:
        assert await client.read_gatt_char(SECRET) == b"only for the bonded"


async def test_a_device_that_lost_its_bond_is_not_usable(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    async with client_for(radio, await find(radio), pair=True):
        pass
    await strap.device.keystore.delete_all()
    # over BlueZ, bleak dials until its time is over: each link is dropped because it cannot be encrypted
    with pytest.raises((BleakError, TimeoutError)):
        await client_for(radio, await find(radio), timeout=3.0).connect()


async def test_loss_and_switch_off_are_told_once(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    for end in ("out of reach", "switched off"):
        lost: asyncio.Queue[int] = asyncio.Queue()
        client = client_for(radio, await find(radio), disconnected_callback=lambda _, told=lost: told.put_nowait(1))
        await client.connect()
        if end == "out of reach":
            radio.link.lose(strap.address)
        else:
            await strap.connection.disconnect()
        await asyncio.wait_for(lost.get(), 10)
        assert not client.is_connected
        with pytest.raises(BleakError):
            await client.read_gatt_char(LOCATION)
        await client.disconnect()
        assert lost.empty()


async def test_a_request_ends_when_the_link_does(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    async with client_for(radio, await find(radio)) as client:
        radio.link.lose(strap.address, silent_s=0.2)
        with pytest.raises(BleakError):
            await client.read_gatt_char(LOCATION)


async def test_a_device_that_is_not_there(radio: Any, client_for: Any) -> None:
    with pytest.raises((BleakDeviceNotFoundError, TimeoutError)):
        await client_for(radio, "F0:00:00:00:00:99", timeout=0.2).connect()


@pytest.mark.parametrize("code", [0x03, 0x06, 0x0D, 0x0E, 0x13, 0x80])
async def test_an_att_error_keeps_its_code(radio: Any, strap: Any, find: Any, client_for: Any, code: int) -> None:
    async with client_for(radio, await find(radio)) as client:
        strap.refuse_with = code
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(CONTROL_POINT, b"\x01", response=True)
        assert refused.value.code == code


async def test_retry_connector(radio: Any, strap: Any, find: Any) -> None:
    for _ in range(3):
        client = await establish_connection(BleakClient, await find(radio), "strap", backend=radio.backend)
        assert await client.read_gatt_char(LOCATION) == b"\x01"
        await client.disconnect()


async def test_two_devices_at_once(radio: Any, strap: Any, find: Any, client_for: Any) -> None:
    second = type(strap)(radio.new_peripheral_hci("second"), "F0:00:00:00:00:02", "Second")
    await second.start()
    first_device, second_device = await find(radio), await find(radio, second.address)
    async with client_for(radio, first_device) as one, client_for(radio, second_device) as two:
        await asyncio.gather(
            one.write_gatt_char(CONTROL_POINT, b"one", response=True),
            two.write_gatt_char(CONTROL_POINT, b"two", response=True),
        )
    await second.stop()
    assert (strap.written, second.written) == ([b"one"], [b"two"])


async def test_advertising_above_31_bytes_is_not_heard(radio: Any, strap: Any) -> None:
    await strap.device.stop_advertising()
    long_name = b"a name that is far too long for it"
    strap.device.advertising_data = bytes([len(long_name) + 1, 0x09]) + long_name
    await strap.device.start_advertising()
    short = type(strap)(radio.new_peripheral_hci("short"), "F0:00:00:00:00:03", "Short")
    await short.start()
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with BleakScanner(lambda device, _: heard.put_nowait(device.address), backend=radio.scanner_backend):
        assert {await asyncio.wait_for(heard.get(), 10) for _ in range(4)} == {short.address}
    await short.stop()
