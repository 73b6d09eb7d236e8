"""Which input and which rate."""

import pytest

from carebag_devices.errors import DeviceRefused, DeviceSilent
from carebag_devices.sound_card.card import SoundInput, choose_rate, find_input

INPUTS = [
    SoundInput(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)", 2, 44100),
    SoundInput(1, "HDA Intel PCH: HDMI 0 (hw:0,3)", 0, 44100),
    SoundInput(2, "USB Audio Device: - (hw:1,0)", 1, 44100),
    SoundInput(3, "pulse", 32, 44100),
    SoundInput(4, "pulse monitor", 32, 44100),
]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("USB Audio Device: - (hw:1,0)", 2),
        ("USB Audio Device: -", 2),
        ("usb audio", 2),
        ("pulse", 3),
        ("ALC257", 0),
    ],
)
def test_an_input_is_found_by_name_or_a_part_of_it(name: str, index: int) -> None:
    assert find_input(INPUTS, name).index == index


def test_a_card_with_another_number_is_the_same() -> None:
    again = [SoundInput(7, "USB Audio Device: - (hw:3,0)", 1, 44100)]
    assert find_input(again, INPUTS[2].plain_name).index == 7


@pytest.mark.parametrize("name", ["HDMI", "Focusrite"])
def test_an_input_that_is_not_there(name: str) -> None:
    with pytest.raises(DeviceSilent, match="sound_input_missing"):
        find_input(INPUTS, name)


def test_a_name_that_two_have_is_refused() -> None:
    with pytest.raises(DeviceRefused, match="sound_input_ambiguous"):
        find_input(INPUTS, "Pulse")


class Rates:
    def __init__(self, *rates_hz: int) -> None:
        self.rates_hz = rates_hz

    async def accepts(self, _chosen: SoundInput, rate_hz: int) -> bool:
        return rate_hz in self.rates_hz


@pytest.mark.parametrize(
    ("asked", "gives", "rate_hz"),
    [
        (4000, (4000, 8000, 48000), 4000),
        (4000, (8000, 16000, 48000), 8000),
        (8000, (16000, 48000), 16000),
        (16000, (44100, 48000), 44100),
        (4000, (22050, 44100), 44100),
    ],
)
async def test_the_rate_asked_for_else_the_lowest_common_one(asked: int, gives: tuple[int, ...], rate_hz: int) -> None:
    assert await choose_rate(Rates(*gives), INPUTS[0], asked) == rate_hz  # type: ignore[arg-type]


async def test_an_input_with_a_rate_of_its_own() -> None:
    odd = SoundInput(0, "odd", 1, 11025)
    assert await choose_rate(Rates(11025), odd, 8000) == 11025  # type: ignore[arg-type]
    with pytest.raises(DeviceRefused, match="rate_not_supported"):
        await choose_rate(Rates(), odd, 8000)  # type: ignore[arg-type]
