"""Blood pressure as some of Beurer's cuffs send it: byte orders of their own, and a user whom the flags deny."""

from carebag_devices.codecs.blood_pressure import BloodPressureMeasurement
from carebag_devices.sim.habits import ByteOrder


def in_its_order(said: BloodPressureMeasurement, order: ByteOrder) -> bytes:
    """The value's bytes. These cuffs always send a user and a time; a user nobody chose is the first."""
    if order == "little":
        return bytes(said)
    known = BloodPressureMeasurement(
        said.systolic, said.diastolic, said.mean, said.unit, said.time, said.pulse, said.user or 1, said.status
    )
    tail_big = known.big_endian()
    return tail_big if order == "tail_big" else _swapped(tail_big, 1, 3, 5, 7)


def _swapped(raw: bytes, *words: int) -> bytes:
    swapped = bytearray(raw)
    for at in words:
        swapped[at], swapped[at + 1] = raw[at + 1], raw[at]
    return bytes(swapped)
