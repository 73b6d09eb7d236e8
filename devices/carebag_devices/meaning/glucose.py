"""Glucose Service: blood glucose, with what the person entered beside it."""

from carebag_devices.catalog import Model
from carebag_devices.codecs.glucose import LOCATIONS, SAMPLES, Concentration, GlucoseMeasurement
from carebag_devices.codecs.glucose_context import MEALS, GlucoseContext
from carebag_devices.meaning.meaning import Meaning, numbers

_USUAL_SAMPLE = 1
"""Capillary whole blood, a drop from the finger."""
_WITHOUT_WORD = ("control_solution", "location_not_available")


def measurement(_model: Model, raw: bytes) -> Meaning:
    """0x2A18. Raises `Malformed`. Control solution and every fault of strip or sensor is a problem, never a number."""
    said = GlucoseMeasurement.parse(raw)
    shown = said.concentration.shown if said.concentration else None
    values = numbers((("glucose", *shown),)) if shown else ()
    problem = said.withheld
    flags = (*said.remarks, *(_origin(said.concentration) if said.concentration and problem is None else ()))
    clock = said.clock
    time = clock.isoformat() if clock else str(said.base_time)
    return Meaning("glucose", values, problem, flags, time, sequence=said.sequence)


def expects_context(raw: bytes) -> bool:
    """Whether a 0x2A34 with the same sequence number follows. Raises `Malformed`."""
    return GlucoseMeasurement.parse(raw).context


def context(raw: bytes) -> tuple[int, tuple[str, ...]]:
    """0x2A34: the sequence number it belongs to, and its flags (`before_meal`, `fasting`). Raises `Malformed`."""
    said = GlucoseContext.parse(raw)
    meal = MEALS.get(said.meal) if said.meal is not None else None
    return said.sequence, (meal,) if meal else ()


def _origin(concentration: Concentration) -> tuple[str, ...]:
    sample, site = SAMPLES.get(concentration.sample), LOCATIONS.get(concentration.location)
    flags = (f"sample_{sample}",) if sample and concentration.sample != _USUAL_SAMPLE else ()
    return (*flags, f"site_{site}") if site and site not in _WITHOUT_WORD else flags
