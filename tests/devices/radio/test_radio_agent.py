"""The kit's pairing agent: only the chosen device, only for a minute, only for BlueZ."""

import asyncio
import contextlib
import sys
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("D-Bus is Linux only", allow_module_level=True)

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from carebag_devices.errors import RadioMissing
from carebag_devices.radio.agent import AGENT, AGENT_PATH, PairingAgent
from carebag_devices.radio.dbus_objects import leave
from carebag_devices.radio.fake_bluez import FakeBlueZ
from carebag_devices.radio.gatt_link import PairingFailed
from carebag_devices.radio.private_bus import PrivateBus
from carebag_devices.radio.simulated_radio import SimulatedRadio

OTHER = "F0:00:00:00:00:77"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def pair_by_reading(radio: Any, address: str) -> bool:
    """Let the device's demand start the pairing, which is when BlueZ asks the agent."""
    link = await radio.central.connect(address, 10)
    with contextlib.suppress(PairingFailed):
        await link.secure()
    paired = bool(link.encrypted)
    await link.close()
    return paired


async def test_only_the_chosen_device_pairs(bluez_radio: Any, bluez_strap: Any) -> None:
    async with PairingAgent() as agent:
        assert agent.problem is None
        agent.allow(OTHER)
        assert not await pair_by_reading(bluez_radio, bluez_strap.address)
        agent.allow(bluez_strap.address.lower())
        assert await pair_by_reading(bluez_radio, bluez_strap.address)


async def test_the_window_closes_after_a_minute(bluez_radio: Any, bluez_strap: Any) -> None:
    clock = Clock()
    async with PairingAgent(clock=clock) as agent:
        agent.allow(bluez_strap.address)
        clock.now += 60.0
        assert not await pair_by_reading(bluez_radio, bluez_strap.address)
        agent.allow(bluez_strap.address)
        clock.now += 59.9
        agent.disallow(bluez_strap.address)
        assert not await pair_by_reading(bluez_radio, bluez_strap.address)


async def test_passkey_is_asked_for_and_must_be_right(bluez_radio: Any, bluez_strap_with_display: Any) -> None:
    strap, shown = bluez_strap_with_display
    typed: list[int] = [1]

    async def passkey(address: str) -> int | None:
        assert address == strap.address
        number = await asyncio.wait_for(shown.get(), 10)
        return (number + typed.pop()) % 1_000_000 if typed else number

    async with PairingAgent(passkey=passkey) as agent:
        agent.allow(strap.address)
        assert not await pair_by_reading(bluez_radio, strap.address)
        assert await pair_by_reading(bluez_radio, strap.address)


async def test_nobody_but_bluez_may_ask(bluez_radio: SimulatedRadio) -> None:
    stranger = await MessageBus(bus_address=bluez_radio.bus_address).connect()
    async with PairingAgent() as agent:
        agent.allow(OTHER)
        assert agent._bus is not None
        reply = await stranger.call(
            Message(
                destination=agent._bus.unique_name,
                path=AGENT_PATH,
                interface=AGENT,
                member="RequestAuthorization",
                signature="o",
                body=["/org/bluez/hci0/dev_F0_00_00_00_00_77"],
            )
        )
        assert reply is not None
        assert reply.message_type is MessageType.ERROR
        assert reply.error_name == "org.freedesktop.DBus.Error.AccessDenied"
    await leave(stranger)


async def test_no_bluez_is_a_state_that_passes(bluez_radio: Any) -> None:
    states: asyncio.Queue[str] = asyncio.Queue()

    def on_change(problem: RadioMissing | None) -> None:
        states.put_nowait(problem.reason if problem else "ready")

    async with PrivateBus() as bus, PairingAgent(bus_address=bus.address, on_change=on_change) as agent:
        assert await states.get() == "no_bluez"
        assert isinstance(agent.problem, RadioMissing)
        async with FakeBlueZ(bluez_radio.central, bus.address):
            assert await asyncio.wait_for(states.get(), 10) == "ready"
        assert await asyncio.wait_for(states.get(), 10) == "no_bluez"
        async with FakeBlueZ(bluez_radio.central, bus.address):
            assert await asyncio.wait_for(states.get(), 10) == "ready"


@pytest.mark.parametrize("address", ["unix:path=/nowhere/at/all", "nonsense", ""])
async def test_no_bus_is_radio_missing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    with pytest.raises(RadioMissing):
        await PairingAgent(bus_address=address or "unix:path=/nowhere").start()
