"""What bleak and the bus raise, in our words."""

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from carebag_devices.bleak_link import answered_within, translated
from carebag_devices.errors import DeviceError, DeviceLost, DeviceRefused, DeviceSilent, NeedsPairing, RadioMissing

ATT = BleakGATTProtocolErrorCode


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), DeviceSilent("timeout")),
        (BleakDeviceNotFoundError("x"), DeviceSilent("timeout")),
        (BleakDBusError("org.bluez.Error.InProgress", []), DeviceSilent("in_progress")),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), RadioMissing("bluetooth_service_missing")),
        (ConnectionRefusedError(), RadioMissing("bluetooth_service_missing")),
        (EOFError(), RadioMissing("bluetooth_service_missing")),
        (
            BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
            RadioMissing("powered_off"),
        ),
        (BleakDBusError("org.bluez.Error.AuthenticationFailed", []), NeedsPairing("refused")),
        (BleakGATTProtocolError(ATT.INSUFFICIENT_ENCRYPTION), NeedsPairing("encryption_demanded")),
        (BleakGATTProtocolError(ATT.WRITE_NOT_PERMITTED), DeviceRefused("att_0x03")),
        (BleakCharacteristicNotFoundError("2a35"), DeviceRefused("characteristic_missing")),
        (BleakDBusError("org.bluez.Error.Failed", ["Not connected"]), DeviceLost("link_broken")),
        (BleakError("failed to discover services, device disconnected"), DeviceLost("link_broken")),
        (AttributeError("'NoneType' object has no attribute 'call'"), DeviceLost("link_broken")),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}",
)
async def test_translation(error: Exception, expected: DeviceError) -> None:
    found = translated(error)
    assert (type(found), found.reason) == (type(expected), expected.reason)
    with pytest.raises(type(expected)):
        async with answered_within(10):
            raise error


async def test_a_stack_that_never_answers() -> None:
    import asyncio

    with pytest.raises(DeviceSilent):
        async with answered_within(0.001):
            await asyncio.Event().wait()
