"""Scales with the standard service: one indication of 0x2A9D for each weighing."""

from typing import ClassVar

from carebag_devices.drivers.meter import MeterDriver

MEASUREMENT = "2A9D"


class ScaleDriver(MeterDriver):
    """Also what others weighed: whoever steps on it while it is out of reach is in its memory."""

    results: ClassVar = ((MEASUREMENT,),)
