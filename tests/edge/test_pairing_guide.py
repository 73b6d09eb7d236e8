"""The search for a new instrument, as the nurse's page shows it, from the first second to how it ended."""

from datetime import timedelta
from typing import Any

import pytest

from carebag_devices.events import DeviceState, Found, PairingChanged, RadioChanged, StateChanged, UdiSaid
from carebag_edge.bag_check import BagCheck
from carebag_edge.bag_commands import BagCommands
from carebag_edge.damage import DamageBook
from carebag_edge.errors import Refused
from carebag_wire.nurse_messages import (
    ChooseDevice,
    ForgetDevice,
    GivePasskey,
    LabelDevice,
    RetryDevice,
    StartPairing,
    StopListening,
    StopPairing,
)
from carebag_wire.udi import GS1

CUFF = Found("C0:FF:EE:00:00:01", "BM 59", "beurer_bm59", "strong", True, False, "hold_memory")


@pytest.fixture
def bag(room: Any, instruments: Any) -> Any:
    """The commands, with what they asked of the bag in `bag.asked`."""
    hand = instruments(room.intake)
    commands = BagCommands(
        bedside=room.bedside,
        listening=None,  # type: ignore[arg-type]
        intake=room.intake,
        instruments=hand,
        check=BagCheck(room.bedside.journal, room.hands.clock),
        damage=DamageBook(room.bedside.journal, room.hands.clock),
        loop_test=None,  # type: ignore[arg-type]
        owner=room,
        spawn=lambda work: work.close(),
    )
    commands.asked = hand.done  # type: ignore[attr-defined]
    return commands


def said(room: Any, stage: Any, **more: Any) -> Any:
    room.intake(PairingChanged(stage, **more))
    return room.intake.pairing.shown


def test_each_command_reaches_the_bag(room: Any, bag: Any) -> None:
    for message in (
        StartPairing(kind="scale"),
        ChooseDevice(device_id="A"),
        GivePasskey(passkey=123456),
        StopPairing(),
        RetryDevice(device_id="A"),
        ForgetDevice(device_id="A"),
        LabelDevice(device_id="A", text="(01)00844588003288(21)7", by="barcode"),
        LabelDevice(device_id="A", text=" ", by="manual"),
    ):
        assert bag.do(message, room.nurse)
    assert bag.asked == [
        ("start_pairing", "scale"),
        ("choose", "A"),
        ("give_passkey", 123456),
        ("stop_pairing",),
        ("retry", "A"),
        ("forget", "A"),
        ("note_label", "A", UdiSaid("barcode", "(01)00844588003288(21)7", "00844588003288", GS1)),
        ("note_label", "A", None),
    ]
    assert not bag.do(StopListening(), room.nurse)


@pytest.mark.parametrize(
    ("device", "text", "code"),
    [
        ("A", "(01)00844588003289", "gtin_wrong"),
        ("A", "(10)LOT", "gtin_missing"),
        ("A", "(01)00844588003288(17)261332", "date_wrong"),
        ("A", "hello", "not_gs1"),
        ("B", "(01)00844588003288", "not_labelled"),
    ],
)
def test_a_label_that_cannot_be_meant_is_refused_with_what_is_wrong(
    room: Any, bag: Any, device: str, text: str, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        bag.do(LabelDevice(device_id=device, text=text, by="manual"), room.nurse)


def test_searching_finding_pairing_done(room: Any, bag: Any) -> None:
    bag.do(StartPairing(kind="cuff"), room.nurse)
    pairing = said(room, "searching", seconds_left=60.0)
    assert (pairing.stage, pairing.kind, pairing.until) == ("searching", "cuff", room.hands.utc + timedelta(seconds=60))
    room.hands.forward(10)
    pairing = said(room, "searching", kind="cuff", seconds_left=50.0, found=(CUFF,))
    (found,) = pairing.found
    assert (found.id, found.name, found.signal, found.inviting, found.known) == (
        CUFF.id,
        "BM 59",
        "strong",
        True,
        False,
    )
    assert found.press == "hold_memory"
    assert pairing.until == room.hands.utc + timedelta(seconds=50)
    assert said(room, "passkey", device_id=CUFF.id).device_id == CUFF.id
    assert said(room, "done", device_id=CUFF.id).stage == "done"
    assert said(room, "idle").stage == "done"


@pytest.mark.parametrize("stage", ["done", "failed"])
def test_how_it_ended_is_shown_for_a_minute_or_until_it_was_seen(room: Any, bag: Any, stage: str) -> None:
    said(room, stage, kind="cuff", problem="out_of_reach")
    room.hands.forward(59)
    room.intake.tick()
    assert room.intake.pairing.shown.problem == "out_of_reach"
    room.hands.forward(1)
    room.intake.tick()
    assert (room.intake.pairing.shown, room.words[-1]) == (None, None)
    said(room, stage, kind="cuff")
    bag.do(StopPairing(), room.nurse)
    assert room.intake.pairing.shown is None


def test_given_up_it_is_gone_at_once(room: Any, bag: Any) -> None:
    bag.do(StartPairing(kind="scale"), room.nurse)
    said(room, "searching", seconds_left=float("1e9"))
    assert said(room, "idle") is None
    room.hands.forward(100)
    room.intake.tick()
    assert said(room, "searching") is not None


def test_a_search_of_unknown_kind_is_not_shown(room: Any) -> None:
    assert said(room, "searching") is None


def test_a_forgotten_instrument_has_no_card_until_it_is_wanted_again(room: Any, bag: Any) -> None:
    room.device(DeviceState.READY)
    identity = room.world.pressure().identity
    bag.do(ForgetDevice(device_id=identity.id), room.nurse)
    for state in (DeviceState.LOST, DeviceState.UNSEEN, DeviceState.NEEDS_PAIRING):
        room.device(state, "new_device")
        assert room.intake.devices == {}
    bag.do(ChooseDevice(device_id=identity.id), room.nurse)
    room.device(DeviceState.NEEDS_PAIRING)
    assert list(room.intake.devices) == [identity.id]
    bag.do(ForgetDevice(device_id=identity.id), room.nurse)
    room.intake(StateChanged(identity, DeviceState.CONNECTING))
    assert list(room.intake.devices) == [identity.id]


def test_what_it_said_while_it_was_taken_out_brings_no_card_back(room: Any, bag: Any) -> None:
    identity = room.world.pressure().identity
    bag.do(ForgetDevice(device_id=identity.id), room.nurse)
    room.device(DeviceState.READY)
    room.device(DeviceState.UNSEEN, "forgotten")
    assert room.intake.devices == {}


def test_why_bluetooth_does_not_work(room: Any) -> None:
    room.intake(RadioChanged("bluetooth_off"))
    assert room.intake.radio_problem == "bluetooth_off"
    room.intake(RadioChanged(None))
    assert room.intake.radio_problem is None
