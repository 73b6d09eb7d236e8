"""Weight Scale Service: body weight. What the scale reckons from it (BMI) is not a measurement and is left out."""

from carebag_devices.catalog import UCUM, Model
from carebag_devices.codecs.weight_scale import WeightMeasurement
from carebag_devices.meaning.meaning import Meaning, known_user, numbers


def measurement(_model: Model, raw: bytes) -> Meaning:
    """0x2A9D. Raises `Malformed`."""
    said = WeightMeasurement.parse(raw)
    values = numbers((("weight", said.weight, UCUM[said.unit]),))
    problem = None if values else "measurement_failed"
    return Meaning("weight", values, problem, (), str(said.time) if said.time else None, known_user(said.user))
