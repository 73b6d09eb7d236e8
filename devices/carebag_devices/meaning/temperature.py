"""Health Thermometer Service: body temperature."""

from decimal import Decimal

from carebag_devices.catalog import UCUM, Model
from carebag_devices.codecs.thermometer import SITES, TemperatureMeasurement
from carebag_devices.meaning.meaning import Meaning, numbers


def measurement(_model: Model, raw: bytes) -> Meaning:
    """0x2A1C. Raises `Malformed`."""
    said = TemperatureMeasurement.parse(raw)
    values = numbers((("temperature", said.temperature, UCUM[said.unit]),))
    site = SITES.get(said.site) if said.site is not None else None
    return Meaning(
        "temperature",
        values,
        None if isinstance(said.temperature, Decimal) else "measurement_failed",
        (f"site_{site}",) if site else (),
        str(said.time) if said.time else None,
    )
