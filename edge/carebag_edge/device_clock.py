"""What an instrument's clock says, against the kit's. Pure: the kit's time comes in.

A device's time has no zone and may be years off; it is kept raw. How far it is off is learnt anew at each connection:
from the clock itself where it can be read, else from a measurement that the kit watched, which is at most some seconds
old when it arrives. Nothing is said of a clock that nobody ever set.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from carebag_devices.events import ClockRead, Measured
from carebag_edge.binding import Age
from carebag_edge.wording import short
from carebag_wire.values import Times

UNCERTAINTY_S = 5.0
"""Of a watched value: one second of resolution, and up to some seconds from the end of a measurement to its arrival."""
RIGHT_WITHIN_S = 60.0
"""So far a clock may be off and still be called right: instruments show minutes."""
FIRST_YEAR = 2015
"""Clocks begin at 1970, 2000 or the year of their maker: one that shows less was never set."""

ClockWord = Literal["unknown", "right", "off", "not_set"]


@dataclass(frozen=True)
class ClockState:
    """An instrument's clock as it was read last, for its card."""

    word: ClockWord
    error_s: float | None
    """Its clock minus the kit's wall clock; None where it has no time."""


@dataclass(frozen=True)
class _Offset:
    seconds: float
    """Kit UTC minus device clock."""
    uncertainty_s: float


class DeviceClocks:
    """The offset of each device, as learnt on the connection of now."""

    def __init__(self) -> None:
        self._read: dict[str, _Offset] = {}
        self._watched: dict[str, _Offset] = {}

    def read(self, event: ClockRead, utc: datetime, local: datetime) -> ClockState:
        """The device's clock was read.

        Args:
            utc, local: the kit's time of now, the second in the zone of its wall clock.
        """
        state = clock_state(event, local)
        at = parse(event.device_time)
        self._read.pop(event.identity.id, None)
        if state.error_s is not None and at is not None:
            self._read[event.identity.id] = _Offset((utc - at).total_seconds(), max(0.0, event.uncertainty_s))
        return state

    def gone(self, device_id: str) -> None:
        """The connection ended: until the next one its clock may be set by anybody."""
        self._read.pop(device_id, None)
        self._watched.pop(device_id, None)

    def times(self, event: Measured, kit: Times, watched: bool) -> Times:
        """The device's and the kit's share of the four times of one value.

        Args:
            watched: its measurement was seen to begin on this connection.
        """
        at = parse(event.device_time)
        offset = self._offset(event, at, kit.kit_utc, watched) if at is not None else None
        return kit.model_copy(
            update={
                "device": short(event.device_time) if event.device_time else None,
                "device_offset_s": offset.seconds if offset else None,
                "device_offset_uncertainty_s": offset.uncertainty_s if offset else None,
            }
        )

    def _offset(self, event: Measured, at: datetime, utc: datetime, watched: bool) -> _Offset | None:
        if age := age_of(event):
            # the driver knew the clock before it was set: what is stored was written with that one
            return _Offset((utc - at).total_seconds() - age.seconds, age.uncertainty_s)
        if event.provenance == "stored":
            return None
        device_id = event.identity.id
        if watched:
            self._watched[device_id] = _Offset((utc - at).total_seconds(), UNCERTAINTY_S)
        return self._read.get(device_id) or self._watched.get(device_id)


def age_of(event: Measured) -> Age | None:
    return Age.known(event.age_s, event.age_uncertainty_s)


def clock_state(event: ClockRead, local: datetime) -> ClockState:
    """Right, off or never set, by wall clocks: the device's has no zone, so an hour of summer time is an error of both
    hands and never of arithmetic."""
    at = parse(event.device_time)
    zeros = at is None and event.device_time is not None
    if event.problem == "device_clock_not_set" or zeros or (at is not None and at.year < FIRST_YEAR):
        return ClockState("not_set", None)
    if at is None:
        return ClockState("unknown", None)
    error_s = (at.replace(tzinfo=None) - local.replace(tzinfo=None)).total_seconds()
    return ClockState("right" if abs(error_s) <= RIGHT_WITHIN_S else "off", error_s)


def taken_between(times: Times) -> tuple[datetime, datetime] | None:
    """The earliest and the latest moment (UTC) of a measurement by its device's clock; None where that cannot tell."""
    at, offset_s = parse(times.device), times.device_offset_s
    if at is None or offset_s is None:
        return None
    try:
        uncertainty = timedelta(seconds=times.device_offset_uncertainty_s or 0.0)
        taken = at + timedelta(seconds=offset_s)
        return taken - uncertainty, taken + uncertainty
    except (OverflowError, ValueError):
        return None


def parse(text: str | None) -> datetime | None:
    """ISO time without zone, read as if it were UTC; None for zeros and for what is no time."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
