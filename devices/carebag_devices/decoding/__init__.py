"""What an instrument's bytes mean, in words and decimals, for support and makers. Pure; used by `carebag decode`.

`decode(characteristic, raw)` for one characteristic's value, `decode_file(format, raw)` for what a laboratory
instrument sent. What the device says is no measurement keeps its name and has no number.
"""

import importlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from carebag_devices.decoding import analysers, device, lab, measurements
from carebag_devices.decoding.model import Decoded, DecodedValue

Reader = Callable[[bytes], Decoded]


class UnknownName(LookupError):
    """Nothing here is called so."""


def _sound(name: str) -> Reader:
    """Imported when used: everything else is read without numpy."""

    def read(raw: bytes) -> Decoded:
        reader: Reader = getattr(importlib.import_module("carebag_devices.decoding.sound"), name)
        return reader(raw)

    return read


CHARACTERISTICS: Mapping[str, tuple[str, Reader]] = MappingProxyType(
    {
        "2a35": ("Blood Pressure Measurement", measurements.blood_pressure),
        "2a35-big-endian": ("the same, as Beurer BM 85 and its kin send it", measurements.blood_pressure_big_endian),
        "2a36": ("Intermediate Cuff Pressure", measurements.cuff_pressure),
        "2a49": ("Blood Pressure Feature", device.blood_pressure_feature),
        "2b34": ("Enhanced Blood Pressure Measurement", measurements.enhanced_blood_pressure),
        "2b35": ("Enhanced Intermediate Cuff Pressure", measurements.enhanced_cuff_pressure),
        "2b36": ("Blood Pressure Record, one segment", measurements.blood_pressure_record),
        "2a5e": ("PLX Spot-Check Measurement", measurements.spot_check),
        "2a5f": ("PLX Continuous Measurement", measurements.continuous),
        "2a60": ("PLX Features", device.oximeter_features),
        "berry": ("Berry BM1000 packets", measurements.berry_packets),
        "2a1c": ("Temperature Measurement", measurements.temperature),
        "2a1e": ("Intermediate Temperature", measurements.intermediate_temperature),
        "2a1d": ("Temperature Type", device.temperature_type),
        "2a21": ("Measurement Interval", device.measurement_interval),
        "2a9d": ("Weight Measurement", measurements.weight),
        "2a9e": ("Weight Scale Feature", device.scale_feature),
        "2a18": ("Glucose Measurement", measurements.glucose_measurement),
        "2a34": ("Glucose Measurement Context", measurements.context),
        "2a51": ("Glucose Feature", device.glucose_feature),
        "2a37": ("Heart Rate Measurement", measurements.heart_rate_measurement),
        "2a38": ("Body Sensor Location", device.sensor_location),
        "2a39": ("Heart Rate Control Point", device.heart_rate_command),
        "2a52": ("Record Access Control Point", device.record_access),
        "2a08": ("Date Time", device.date_time),
        "2a2b": ("Current Time", device.now),
        "2a0f": ("Local Time Information", device.local_time),
        "2a14": ("Reference Time Information", device.reference_time),
        "2bf2": ("Current Elapsed Time", device.elapsed_time),
        "2a19": ("Battery Level", device.battery),
        "2a23": ("System ID", device.system_id),
        "2a24": ("Model Number", device.text("model_number")),
        "2a25": ("Serial Number", device.text("serial_number")),
        "2a26": ("Firmware Revision", device.text("firmware_revision")),
        "2a27": ("Hardware Revision", device.text("hardware_revision")),
        "2a28": ("Software Revision", device.text("software_revision")),
        "2a29": ("Manufacturer Name", device.text("manufacturer_name")),
        "2a2a": ("Regulatory Certification Data List", device.certifications),
        "2a50": ("PnP ID", device.pnp_id),
        "2bff": ("UDI for Medical Devices", device.udi),
        "audio": ("Open Auscultation Stream: sound frame", _sound("audio")),
        "control": ("Open Auscultation Stream: command or indication", _sound("control")),
        "digest": ("Open Auscultation Stream: digest", _sound("digest")),
        "info": ("Open Auscultation Stream: what the stethoscope can do", _sound("info")),
    }
)
"""Name → title and reader."""

FILES: Mapping[str, tuple[str, Reader]] = MappingProxyType(
    {
        "lis2": ("LIS2-A2 (ASTM E1394) message, bare or in LIS01-A2 frames", lab.read_lis2),
        "poct1a": ("POCT1-A2 messages (XML), bare or in MLLP", analysers.read_poct1a),
        "afinion": ("Afinion's own protocol, as it came over the line", analysers.read_afinion),
    }
)
"""Name → title and reader of a whole file."""

_BASE = "-0000-1000-8000-00805f9b34fb"
_SOUND = {
    f"5b5e000{number}-9f2a-4c7e-8a3d-6d1c0a7e5c01": name
    for number, name in enumerate(("audio", "control", "digest", "info"), start=2)
}


def canonical(name: str) -> str:
    """The name in `CHARACTERISTICS`, from that, from 16 bits with or without 0x, or from a whole UUID.

    Raises `UnknownName`.
    """
    short = name.strip().lower()
    short = _SOUND.get(short, short)
    if match := re.fullmatch(rf"(?:0x)?(?:0000)?([0-9a-f]{{4}})(?:{_BASE})?", short):
        short = match[1]
    if short not in CHARACTERISTICS:
        raise UnknownName(name)
    return short


def decode(characteristic: str, raw: bytes) -> Decoded:
    """One value. Raises `UnknownName`, and `Malformed` for bytes that cannot be this characteristic's."""
    return CHARACTERISTICS[canonical(characteristic)][1](raw)


def decode_file(format_name: str, raw: bytes) -> Decoded:
    """A file of `FILES`. Raises `UnknownName` and `Malformed`."""
    if format_name not in FILES:
        raise UnknownName(format_name)
    return FILES[format_name][1](raw)


__all__ = ["CHARACTERISTICS", "FILES", "Decoded", "DecodedValue", "UnknownName", "canonical", "decode", "decode_file"]
