"""The air: what Bumble's own link lets pass and a radio does not."""

import asyncio
from typing import Any

import pytest
from bumble import ll

from carebag_devices.errors import DeviceLost, DeviceSilent
from carebag_devices.radio.central import Central
from carebag_devices.radio.link_model import ConnectionEvents, RadioLink
from carebag_devices.radio.simulated_radio import SimulatedRadio


async def test_a_cancelled_connection_leaves_the_radio_usable(radio: Any, strap: Any) -> None:
    await strap.device.stop_advertising()
    with pytest.raises(DeviceSilent):
        await radio.central.connect(strap.address, 0.05)
    await strap.device.start_advertising(auto_restart=True)
    link = await radio.central.connect(strap.address, 10)
    assert link.mtu == 517
    await link.close()


async def test_dialling_a_device_that_left_ends(radio: Any, strap: Any) -> None:
    """Cancelled while the controller itself waits for the device."""
    central: Central = radio.central
    advert = await central._next_advert(strap.address)
    await strap.device.stop_advertising()
    dialling = asyncio.ensure_future(central._dial(advert))
    await asyncio.sleep(0.01)
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    await strap.device.start_advertising(auto_restart=True)
    await (await central.connect(strap.address, 10)).close()


class LateAir(RadioLink):
    """Keeps the check of the first connection back, and makes it when the second one is only half made."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: asyncio.Queue[Any] = asyncio.Queue()
        self.due = asyncio.Event()

    def _check_established(self, *args: Any) -> None:
        self.kept.put_nowait(args)
        self.due.set()

    def send_advertising_pdu(self, sender_controller: Any, packet: Any) -> None:
        super().send_advertising_pdu(sender_controller, packet)
        if isinstance(packet, ll.ConnectInd) and not self.kept.empty():
            super()._check_established(*self.kept.get_nowait())


async def test_the_check_of_an_earlier_connection_leaves_the_next_one_alone(strap_type: Any) -> None:
    air = LateAir()
    strap = strap_type(air.new_hci("strap"))
    await strap.start()
    async with Central(air.new_hci("ours")) as kit:
        first = await kit.connect(strap.address, 10)
        await asyncio.wait_for(air.due.wait(), 10)
        await first.close()
        second = await kit.connect(strap.address, 2)
        assert not second.lost.done()
        await second.close()
    air.close()


async def test_loss_is_a_supervision_time_out_at_both_ends(radio: Any, strap: Any) -> None:
    link = await radio.central.connect(strap.address, 10)
    reasons: list[int] = []
    strap.connection.on("disconnection", reasons.append)
    radio.link.lose(strap.address)
    assert await asyncio.wait_for(link.lost, 10) == 0x08
    await link.close()
    assert reasons == [0x08]
    with pytest.raises(DeviceLost):
        await link.read(3)


async def test_a_callers_impatience_does_not_mix_up_answers(radio: Any, strap: Any) -> None:
    link = await radio.central.connect(strap.address, 10)
    services = await link.discover()
    found = {c.uuid[4:8]: c.value_handle for service in services for c in service.characteristics}
    impatient = asyncio.ensure_future(link.read(found["2a38"]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await link.read(found["2a19"]) == bytes([87])
    await link.close()


@pytest.mark.parametrize("timing", [ConnectionEvents(0.015, 4), ConnectionEvents(0.0075, 1)])
async def test_connection_events_delay_but_lose_nothing(timing: ConnectionEvents, strap_type: Any) -> None:
    async with SimulatedRadio("in_process", timing=timing) as radio:
        strap = strap_type(radio.new_peripheral_hci("strap"))
        await strap.start()
        link = await radio.central.connect(strap.address, 10)
        services = await link.discover()
        target = next(c for service in services for c in service.characteristics if c.uuid.startswith("00002a37"))
        values: asyncio.Queue[bytes] = asyncio.Queue()
        await link.subscribe(target, values.put_nowait)
        for number in range(20):
            await strap.device.notify_subscribers(strap.measurement, bytes([number]) * 244)
        received = [await asyncio.wait_for(values.get(), 10) for _ in range(20)]
        assert received == [bytes([number]) * 244 for number in range(20)]
        await link.close()
        await strap.stop()


async def test_two_centrals_cannot_have_the_same_device(strap_type: Any) -> None:
    link = RadioLink()
    strap = strap_type(link.new_hci("strap"))
    await strap.start()
    ours, theirs = link.new_hci("ours"), link.new_hci("theirs")
    async with Central(ours) as kit, Central(theirs, address="C0:CA:4E:BA:60:02") as phone:
        taken = await phone.connect(strap.address, 10)
        with pytest.raises(DeviceSilent):
            await kit.connect(strap.address, 0.2)
        await taken.close()
        await (await kit.connect(strap.address, 10)).close()
    link.close()


async def test_removed_radio_is_gone(radio: Any, strap_type: Any) -> None:
    pair = radio.new_peripheral_hci("strap")
    strap = strap_type(pair)
    await strap.start()
    link = await radio.central.connect(strap.address, 10)
    radio.link.remove_hci(pair)
    assert await asyncio.wait_for(link.lost, 10) == 0x08
    with pytest.raises(DeviceSilent):
        await radio.central.connect(strap.address, 0.05)
