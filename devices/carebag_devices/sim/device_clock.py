"""A device's own clock: local wall time without zone, right or wrong, set or not, willing to be set or not."""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from carebag_devices.codecs.current_time import CurrentTime
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.errors import Malformed
from carebag_devices.sim.peripheral import Clock, Gatt, Refused
from carebag_devices.sim.station import DATA_FIELD_IGNORED

Wrong = Literal["clock_1970", "clock_unset", "clock_year_0", "clock_dst", "clock_12h", "clock_minutes"]
WRONGS: tuple[Wrong, ...] = get_args(Wrong)
_HOUR_S = 3600.0
_OFFSETS_S: dict[str, float] = {"clock_dst": _HOUR_S, "clock_12h": 12 * _HOUR_S, "clock_minutes": 23 * 60.0}
ZEROS = DateTime(0, 0, 0, 0, 0, 0)


class SimulatedClock:
    """`refuses`: it answers every attempt to set it with ATT 0x80, as Omron's do."""

    def __init__(self, now: Clock, *, refuses: bool = False) -> None:
        self._now = now
        self.refuses = refuses
        self.offset_s = 0.0
        """Ahead of local time."""
        self.unset: Literal["", "zeros", "no_year"] = ""
        """`zeros`: nothing is known. `no_year`: day and time run, the year is 0."""

    def go_wrong(self, how: Wrong) -> None:
        """As by a change of battery, of season, or by fingers on the wrong key."""
        self.unset = ""
        if how == "clock_1970":
            self.offset_s = -_local(self._now()).replace(tzinfo=UTC).timestamp()
        elif how in _OFFSETS_S:
            self.offset_s = _OFFSETS_S[how]
        else:
            self.unset = "zeros" if how == "clock_unset" else "no_year"

    def put_right(self) -> None:
        """A hand sets it by the wall's clock."""
        self.unset, self.offset_s = "", 0.0

    def shows(self, at_s: float | None = None) -> DateTime:
        """What its display shows, now or `at_s` (unix)."""
        if self.unset == "zeros":
            return ZEROS
        wall = _local(self._now() if at_s is None else at_s) + timedelta(seconds=self.offset_s)
        year = 0 if self.unset else wall.year
        return DateTime(year, wall.month, wall.day, wall.hour, wall.minute, wall.second)

    def set(self, time: DateTime) -> None:
        """Raises `Refused`."""
        if self.refuses:
            raise Refused(DATA_FIELD_IGNORED)
        try:
            told = datetime(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)  # noqa: DTZ001
        except ValueError:
            raise Refused(DATA_FIELD_IGNORED) from None
        self.unset = ""
        self.offset_s = (told - _local(self._now()).replace(tzinfo=None)).total_seconds()

    def gatt(self, uuid: str) -> Gatt:
        """`2A2B` (Current Time) or `2A08` (Date Time)."""
        if uuid == "2A2B":
            return Gatt(uuid, read=lambda: bytes(CurrentTime(self.shows())), write=self._set_current, push="notify")
        return Gatt(uuid, read=lambda: bytes(self.shows()), write=self._set_plain)

    def _set_current(self, raw: bytes) -> None:
        try:
            self.set(CurrentTime.parse(raw).time)
        except Malformed:
            raise Refused(DATA_FIELD_IGNORED) from None

    def _set_plain(self, raw: bytes) -> None:
        try:
            self.set(DateTime.parse(raw))
        except Malformed:
            raise Refused(DATA_FIELD_IGNORED) from None


def _local(unix: float) -> datetime:
    return datetime.fromtimestamp(unix, UTC).astimezone()
