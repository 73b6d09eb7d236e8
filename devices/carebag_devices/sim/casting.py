"""Any model of the catalog as a simulated device: its name, its services and its habits. The maker stays ours.

Wired analysers and sound cards have no radio, and models with a protocol of their makers' own only show themselves.
"""

import zlib
from dataclasses import replace
from typing import Any

from carebag_devices.catalog import Model
from carebag_devices.sim import berry, cuff, glucose_meter, oximeter, scale, thermometer
from carebag_devices.sim.advertising import ADVERTISING_MAX
from carebag_devices.sim.berry import BerryOximeter
from carebag_devices.sim.body import Body
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.glucose_meter import GlucoseMeter
from carebag_devices.sim.habits import habits_of
from carebag_devices.sim.oximeter import Oximeter
from carebag_devices.sim.peripheral import Clock, Label, Peripheral
from carebag_devices.sim.scale import Scale
from carebag_devices.sim.stethoscope import SoundSource, Stethoscope
from carebag_devices.sim.thermometer import Thermometer

_BASE = "-0000-1000-8000-00805f9b34fb"
_METERS: dict[str, tuple[type[Any], Label]] = {
    "blood_pressure": (Cuff, cuff.LABEL),
    "pulse_oximeter": (Oximeter, oximeter.LABEL),
    "thermometer": (Thermometer, thermometer.LABEL),
    "weight_scale": (Scale, scale.LABEL),
    "glucose": (GlucoseMeter, glucose_meter.LABEL),
}
PLAYABLE = (*_METERS, "berry_oximeter", "auscultation", "lis2_uart", "private")
"""Drivers of the catalog whose devices are on the air."""


class CannotPlay(ValueError):
    """The model is none that a radio can carry; the text is its key."""


class Stranger(Peripheral):
    """A device that speaks its maker's own protocol: it can be seen and connected to, and says nothing."""


def play(
    model: Model,
    hci: Any,
    *,
    body: Body,
    now: Clock,
    speed: float = 1.0,
    sound_source: SoundSource | None = None,
    number: int = 0,
) -> Peripheral:
    """A device that behaves as the catalog says of the model. `number` tells two of the same model apart.

    Raises `CannotPlay`.
    """
    common: dict[str, Any] = {"now": now}
    if model.driver in _METERS:
        kind, label = _METERS[model.driver]
        common |= {"body": body, "label": _label(model, label, number), "habits": habits_of(model)}
        if kind is not Oximeter:
            common["speed"] = speed
        meter: Peripheral = kind(hci.source, hci.sink, **common)
        return meter
    if model.driver == "berry_oximeter":
        return BerryOximeter(hci.source, hci.sink, body=body, now=now, label=_label(model, berry.LABEL, number))
    if model.driver == "auscultation" and sound_source is not None:
        return Stethoscope(hci.source, hci.sink, sound_source=sound_source, now=now)
    if model.driver == "lis2_uart":
        return CrpAnalyser(hci.source, hci.sink, now=now, speed=speed)
    if model.driver == "private":
        plain = Label(model.name[:8], model.name, "XX-0001", "", ())
        return Stranger(hci.source, hci.sink, _label(model, plain, number), now=now)
    raise CannotPlay(model.key)


def _label(model: Model, ours: Label, number: int) -> Label:
    """The model's name and services; an address of its own that is always the same."""
    services = tuple(sorted(_short(service) for service in model.services))[:1]
    if ours.address and not model.name_prefixes and not number:
        return replace(ours, encrypted=model.pairing != "never")
    name = model.name_prefixes[0] if model.name_prefixes else ours.name
    room = ADVERTISING_MAX - 3 - 2 - sum(2 + (2 if len(service) == 4 else 16) for service in services)
    return replace(
        ours,
        name=name.encode()[:room].decode(errors="ignore"),
        model=f"Simulated {model.name or ours.name}"[:40],
        serial=f"{ours.serial[:3]}{1000 + number}",
        address=_address(model.key, number),
        services=services,
        encrypted=model.pairing != "never",
    )


def _short(uuid: str) -> str:
    return uuid[4:8].upper() if uuid.startswith("0000") and uuid.endswith(_BASE) else uuid


def _address(key: str, number: int) -> str:
    made = zlib.crc32(f"{key} {number}".encode()).to_bytes(4, "big")
    return ":".join(f"{byte:02X}" for byte in (0xC6, 0x01, *made))
