"""How far a device's clock is from the kit's, estimated from values that were seen to arrive fresh. Pure.

A device's time has no zone and may be years off; it is kept raw. The offset is learnt only from a measurement that the
kit watched: such a value is at most some seconds old when it arrives.
"""

from datetime import UTC, datetime

from carebag_devices.events import Measured
from carebag_edge.wording import short
from carebag_wire.values import Times

UNCERTAINTY_S = 5.0
"""One second of resolution, and up to some seconds between the end of a measurement and its arrival."""


class DeviceClocks:
    """The last offset of each device."""

    def __init__(self) -> None:
        self._offset_s: dict[str, float] = {}

    def times(self, event: Measured, kit: Times, watched: bool) -> Times:
        """The device's and the kit's share of the four times of one value.

        Args:
            watched: its measurement was seen to begin on this connection.
        """
        at = parse(event.device_time)
        if at is not None and watched and event.provenance == "live":
            self._offset_s[event.identity.id] = (kit.kit_utc - at).total_seconds()
        offset_s = self._offset_s.get(event.identity.id) if at is not None else None
        return kit.model_copy(
            update={
                "device": short(event.device_time) if event.device_time else None,
                "device_offset_s": offset_s,
                "device_offset_uncertainty_s": UNCERTAINTY_S if offset_s is not None else None,
            }
        )


def parse(text: str | None) -> datetime | None:
    """ISO time without zone, read as if it were UTC; None for zeros and for what is no time."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
