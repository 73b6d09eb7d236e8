"""The kit's two clocks, passed in wherever time matters, so that a test owns time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from carebag_edge.binding import Moment
from carebag_wire.values import Times


@dataclass(frozen=True)
class Clock:
    utc: Callable[[], datetime]
    """Wall clock, UTC, may jump."""
    monotonic_ns: Callable[[], int]
    """Never jumps, starts anywhere."""
    zone: tzinfo | None = None
    """Of the clock on the wall; None: the machine's own."""

    def local(self) -> datetime:
        """What the clock on the wall shows."""
        return self.utc().astimezone(self.zone)

    def moment(self) -> Moment:
        return Moment(utc=self.utc(), ns=self.monotonic_ns())

    def times(self) -> Times:
        """The kit's two times of now, for a record that no device's clock belongs to."""
        return Times(kit_monotonic_ns=self.monotonic_ns(), kit_utc=self.utc())

    def unix_ms(self) -> int:
        return int(self.utc().timestamp() * 1000)


def system_clock() -> Clock:
    return Clock(utc=lambda: datetime.now(UTC), monotonic_ns=time.monotonic_ns)
