"""Whether the bytes of a catalog entry mean what the entry says. For tests, and for those who add a device."""

from carebag_devices.catalog import Model, Vector
from carebag_devices.events import Value
from carebag_devices.meaning import READERS, meaning_of


def differences(model: Model, vector: Vector) -> list[str]:
    """What differs, in words; empty when all is as written."""
    if vector.characteristic not in READERS:
        return [f"{vector.characteristic} is read by none: {', '.join(READERS)} are"]
    meant = meaning_of(model, vector.characteristic, vector.raw)
    pairs = (
        ("values", vector.values, tuple(map(written, meant.values))),
        ("problem", vector.problem, meant.problem or ""),
        ("flags", vector.flags, meant.flags),
        ("time", vector.time, meant.time or ""),
        ("user", vector.user, meant.user),
    )
    return [f"{name}: written {said!r}, read {found!r}" for name, said, found in pairs if said != found]


def written(value: Value) -> str:
    """As entries write it: `crp <5 mg/L`."""
    return f"{value.name} {value.comparator or ''}{value.value} {value.unit}"
