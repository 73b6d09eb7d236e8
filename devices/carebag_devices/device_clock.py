"""How old a reading is by the device's own clock, whatever that clock shows. Pure.

A device's time has no zone, may be years off and may be changed at any moment. Its age needs none of that: the clock
read on this connection minus the stamp of the reading, as long as both are of one timeline. Where the clock was changed
since the reading may have been taken, the age is not known, and the reading is nobody's until a person decides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

RESOLUTION_S = 1.0
"""Date Time has whole seconds."""
DRIFT_PER_S = 1e-3
"""A bad crystal: 86 s a day."""
JUMP_S = 120.0
"""More than drift explains since the last connection: somebody changed the clock."""
UNSET_BEFORE = 2015
"""A clock that shows an earlier year was never set: Bluetooth meters are younger."""


@dataclass(frozen=True)
class Age:
    """Seconds before now, give or take `uncertainty_s`."""

    seconds: float
    uncertainty_s: float


def moment(stamp: str | None) -> datetime | None:
    """A stamp as a point on the device's timeline; None where it has zeros or is no time."""
    try:
        at = datetime.fromisoformat(stamp or "")
    except ValueError:
        return None
    return at.replace(tzinfo=None)


@dataclass
class DeviceClock:
    """One device's clock. `monotonic` is seconds that never go back; `doubtful_until` is a stamp of the device."""

    monotonic: Callable[[], float]
    doubtful_until: str = ""
    _read: tuple[datetime, float, float] | None = field(default=None)
    """What it showed, when (the middle of question and answer), and how uncertain."""

    @property
    def uncertainty_s(self) -> float | None:
        return self._read[2] if self._read else None

    def read(self, stamp: str | None, asked_at: float) -> bool:
        """The clock was asked at `asked_at` and answered now. False where it has no usable time."""
        now, at = self.monotonic(), moment(stamp)
        if at is None:
            self._read = None
            return False
        self._read = (at, (asked_at + now) / 2, RESOLUTION_S / 2 + (now - asked_at) / 2)
        return True

    def now(self) -> datetime | None:
        """What it shows at this moment; None where it was not read on this connection."""
        if self._read is None:
            return None
        at, when, _ = self._read
        return at + timedelta(seconds=self.monotonic() - when)

    def age(self, stamp: str | None) -> Age | None:
        """How old a reading with this stamp is. None: no clock, no stamp, from the future, or from a changed clock."""
        at, now = moment(stamp), self.now()
        if at is None or now is None or self._read is None or self.doubts(stamp):
            return None
        seconds = (now - at).total_seconds()
        uncertainty = self._read[2] + RESOLUTION_S / 2 + abs(seconds) * DRIFT_PER_S
        return Age(max(0.0, seconds), uncertainty) if seconds >= -uncertainty else None

    def doubts(self, stamp: str | None) -> bool:
        """Whether the stamp may be from before the clock was changed."""
        at, until = moment(stamp), moment(self.doubtful_until)
        return at is not None and until is not None and at <= until

    def changed(self, ahead_s: float) -> None:
        """The clock was changed just now (read it again first). `ahead_s`: how far it was ahead of what it shows now.

        What was taken before carries stamps up to the change, and up to `ahead_s` beyond it where it had been fast.
        """
        now = self.now()
        if now is None:
            return
        until = now + timedelta(seconds=max(0.0, ahead_s) + RESOLUTION_S)
        before = moment(self.doubtful_until)
        if before is None or until > before:
            self.doubtful_until = until.isoformat(timespec="seconds")

    def was_set(self) -> bool:
        """Whether it shows a time that somebody once gave it."""
        return self._read is not None and self._read[0].year >= UNSET_BEFORE


def error_s(device: datetime, wall: datetime) -> float:
    """The device's clock minus the kit's wall clock (both as they would stand on a wall), in seconds."""
    return (device - wall.replace(tzinfo=None)).total_seconds()
