"""A device's clock on one connection: read it at once, tell how far off it is, set it only by the catalog's policy.

It is set last, when everything stored has been taken: stamps from before the change would else be read on the wrong
timeline. What may still carry an old stamp is doubted from then on (`device_clock.DeviceClock`).
"""

from collections.abc import Callable
from datetime import datetime

from carebag_devices.catalog import Model
from carebag_devices.codecs.current_time import Adjusted, CurrentTime
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.device_clock import JUMP_S, error_s, moment
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceRefused, Malformed
from carebag_devices.events import ClockRead
from carebag_devices.link import Link

CURRENT_TIME, DATE_TIME = "2A2B", "2A08"
Wall = Callable[[], datetime]
"""The kit's clock, with its zone."""


class ClockKeeper:
    """Made anew for each link. Without a wall clock (`wall` None) nothing is ever set."""

    def __init__(self, link: Link, report: Reporter, model: Model, wall: Wall | None) -> None:
        self._link, self._report, self._model, self._wall = link, report, model, wall
        self._error_s: float | None = None
        self._unset = False

    @property
    def there(self) -> bool:
        return bool(self._model.clock) and self._link.has(self._model.clock)

    async def read(self) -> None:
        """Raises `DeviceLost` and `DeviceSilent`; a refusal is told."""
        if not self.there:
            return
        stamp, problem = await self._ask()
        self._error_s, self._unset = None, problem == "device_clock_not_set"
        shown = moment(stamp)
        if self._wall is not None and shown is not None:
            wall = self._wall()
            self._error_s = error_s(shown, wall)
            self._notice_a_jump(self._error_s + (wall.utcoffset() or wall - wall).total_seconds())
        self._tell(stamp, problem)

    async def set_if_due(self) -> bool:
        """Whether it was set. Raises `DeviceLost` and `DeviceSilent`."""
        if self._wall is None or not self.there or not self._due():
            return False
        ahead_s = self._error_s or 0.0
        try:
            await self._link.write(self._model.clock, self._bytes_of(self._wall()))
        except DeviceRefused:
            self._tell(None, "device_clock_refused")
            return False
        stamp, problem = await self._ask()
        shown = moment(stamp)
        if shown is None:
            self._tell(stamp, problem)
            return False
        self._report.clock.changed(ahead_s)
        self._remember(error_s(shown, self._wall()))
        self._tell(stamp, None, was_set=True)
        return True

    def _due(self) -> bool:
        if self._model.clock_set == "never":
            return False
        if self._unset or not self._report.clock.was_set():
            return True
        off = abs(self._error_s or 0.0) > self._model.clock_tolerance_s
        return off and self._model.clock_set == "when_off"

    async def _ask(self) -> tuple[str | None, str | None]:
        """What it shows as ISO text, and a problem."""
        asked_at = self._report.clock.monotonic()
        try:
            raw = await self._link.read(self._model.clock)
            said = CurrentTime.parse(raw).time if self._model.clock == CURRENT_TIME else DateTime.parse(raw)
        except DeviceRefused:
            return None, "device_clock_refused"
        except Malformed as error:
            return None, error.code
        clock, stamp = self._report.clock, str(said)
        return stamp, None if clock.read(stamp, asked_at) and clock.was_set() else "device_clock_not_set"

    def _notice_a_jump(self, minus_utc_s: float) -> None:
        """Compared in UTC, so that the kit's own change to summer time is none."""
        before = self._report.clock_minus_utc_s
        if before is not None and abs(minus_utc_s - before) > JUMP_S:
            self._report.clock.changed(before - minus_utc_s)
        self._remember_utc(minus_utc_s)

    def _remember(self, error: float) -> None:
        assert self._wall is not None
        wall = self._wall()
        self._error_s = error
        self._remember_utc(error + (wall.utcoffset() or wall - wall).total_seconds())

    def _remember_utc(self, minus_utc_s: float) -> None:
        self._report.clock_minus_utc_s = minus_utc_s
        self._report.remember(clock_minus_utc_s=minus_utc_s, doubtful_until=self._report.clock.doubtful_until)

    def _bytes_of(self, now: datetime) -> bytes:
        time = DateTime(now.year, now.month, now.day, now.hour, now.minute, now.second)
        if self._model.clock == DATE_TIME:
            return bytes(time)
        return bytes(CurrentTime(time, now.isoweekday(), now.microsecond * 256 // 1_000_000, Adjusted.BY_HAND))

    def _tell(self, stamp: str | None, problem: str | None, *, was_set: bool = False) -> None:
        uncertainty = self._report.clock.uncertainty_s or 0.0
        self._report.tell(ClockRead(self._report.identity, stamp, uncertainty, was_set, problem))
