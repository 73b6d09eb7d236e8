"""When a value was really measured, as far as anybody can know. Pure."""

import math
from datetime import UTC, datetime, timedelta

from carebag_wire.records import Reading
from carebag_wire.values import Times

_LONGEST_VISIT_S = 24 * 3600
"""What is bound to a visit was measured in it: a clock that says less was not set when it stamped the value."""


def measured_at(reading: Reading) -> datetime | None:
    """When it was really measured; None where a memory gave it and its clock says nothing that can be trusted.

    What the kit calls live may have lain in a memory within its visit: the corrected clock tells.
    """
    by_clock, seen = _by_its_clock(reading.times), reading.times.kit_utc
    if reading.provenance == "stored":
        return by_clock
    if reading.provenance in ("manual", "observed") or by_clock is None:
        return seen
    uncertainty_s = max(0.0, _finite(reading.times.device_offset_uncertainty_s) or 0.0)
    return by_clock if uncertainty_s < (seen - by_clock).total_seconds() <= _LONGEST_VISIT_S else seen


def _by_its_clock(times: Times) -> datetime | None:
    """The instrument's own time, taken to UTC by the known error of its clock."""
    offset = _finite(times.device_offset_s)
    try:
        shown = datetime.fromisoformat(times.device or "")
        if shown.tzinfo is not None or offset is None:
            return None
        return shown.replace(tzinfo=UTC) + timedelta(seconds=offset)
    except (ValueError, OverflowError):
        return None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
