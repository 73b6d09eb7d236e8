"""What a device's bytes mean for a measurement: values with units, an error in words, or a refusal. Pure.

A driver asks `meaning_of(model, characteristic, raw)`; the catalog's quirks decide how the bytes are read, and nothing
else. What a device sends while it still measures (2A36, 2B35, 2A1E) is no measurement and has no meaning here. Bytes
that cannot be read become the problem `not_readable`: no number is ever guessed from them.

    blood_pressure   2A35, 2B34
    oximetry         2A5E, 2A5F
    temperature      2A1C
    weight           2A9D
    glucose          2A18
"""

from collections.abc import Callable
from dataclasses import replace

from carebag_devices.catalog import Model
from carebag_devices.errors import Malformed
from carebag_devices.events import MeasurementKind
from carebag_devices.meaning import blood_pressure, glucose, oximetry, temperature, weight
from carebag_devices.meaning.meaning import Meaning
from carebag_devices.plausible import doubts

Reader = Callable[[Model, bytes], Meaning]

READERS: dict[str, tuple[MeasurementKind, Reader]] = {
    "2A35": ("blood_pressure", blood_pressure.measurement),
    "2B34": ("blood_pressure", blood_pressure.enhanced),
    "2A5E": ("oximetry", oximetry.spot_check),
    "2A5F": ("oximetry", oximetry.continuous),
    "2A1C": ("temperature", temperature.measurement),
    "2A9D": ("weight", weight.measurement),
    "2A18": ("glucose", glucose.measurement),
}


def meaning_of(model: Model, characteristic: str, raw: bytes) -> Meaning:
    """One value of a characteristic. Never raises; `doubts` of implausible numbers are among the flags."""
    kind, read = READERS[characteristic]
    try:
        meant = read(model, raw)
    except Malformed as error:
        return Meaning(kind, problem=error.code, flags=(error.reason,))
    if meant.problem is not None:
        return replace(meant, values=())
    return replace(meant, flags=(*meant.flags, *doubts(meant.values)))


__all__ = ["READERS", "Meaning", "meaning_of"]
