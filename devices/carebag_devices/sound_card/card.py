"""What a stethoscope on a wire needs of the sound system; and how its input and rate are chosen."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from carebag_devices.errors import DeviceRefused, DeviceSilent

RATES_HZ = (8000, 16000, 44100, 48000)
"""Tried in this order after the rate asked for. Nothing is resampled here."""

Receive = Callable[[bytes, float, bool], None]
"""PCM16 mono, capture time of its first sample in seconds, whether the sound system lost something before it."""

_NUMBER = re.compile(r"\s*\(hw:\d+,\d+\)$")


@dataclass(frozen=True)
class SoundInput:
    """One input as the sound system names it. `index` holds until the list is made anew."""

    index: int
    name: str
    channels: int
    rate_hz: int
    """What the system takes it for by default."""

    @property
    def plain_name(self) -> str:
        """Without ALSA's card number, which changes when the plug is pulled and put back."""
        return _NUMBER.sub("", self.name)


class Capture(Protocol):
    """An open input."""

    @property
    def alive(self) -> bool:
        """False once the sound system has given it up."""

    async def close(self) -> None:
        """Let go; never raises, returns within seconds. Blocks already captured have been handed over."""


class Card(Protocol):
    """The sound system. Raises `DeviceSilent` where there is none or it hangs."""

    async def inputs(self) -> list[SoundInput]:
        """What is plugged in now."""

    async def accepts(self, chosen: SoundInput, rate_hz: int) -> bool:
        """Whether the input gives mono int16 at this rate."""

    async def open(self, chosen: SoundInput, rate_hz: int, receive: Receive) -> Capture:
        """Capture; `receive` is called from the sound system's thread. Raises `DeviceRefused`, `DeviceSilent`."""


def find_input(inputs: Sequence[SoundInput], name: str) -> SoundInput:
    """The input of this name, else the only one whose name has it in it.

    Raises `DeviceSilent("sound_input_missing")`, `DeviceRefused("sound_input_ambiguous")`.
    """
    usable = [one for one in inputs if one.channels > 0]
    found = [one for one in usable if name in (one.name, one.plain_name)]
    if not found:
        found = [one for one in usable if name.casefold() in one.name.casefold()]
    if not found:
        raise DeviceSilent("sound_input_missing")
    if len(found) > 1:
        raise DeviceRefused("sound_input_ambiguous")
    return found[0]


async def choose_rate(card: Card, chosen: SoundInput, asked_hz: int) -> int:
    """The rate asked for, else the first of `RATES_HZ` that the input gives, else its own.

    Raises `DeviceRefused("rate_not_supported")`.
    """
    for rate_hz in dict.fromkeys((asked_hz, *RATES_HZ, chosen.rate_hz)):
        if await card.accepts(chosen, rate_hz):
            return rate_hz
    raise DeviceRefused("rate_not_supported")
