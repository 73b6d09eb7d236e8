"""A device's advertising data: flags, services, name (Core Specification Supplement, part A)."""

import uuid

from carebag_devices.sim.station import Label

ADVERTISING_MAX = 31
GENERAL, LIMITED = 0x06, 0x05
"""Flags: discoverable, no classic Bluetooth; limited is what devices in pairing mode say."""
_FLAGS, _SERVICES_16, _SERVICES_128, _NAME, _MAKER = 0x01, 0x03, 0x07, 0x09, 0xFF


def advertising_data(label: Label, *, limited: bool = False) -> bytes:
    """Raises `ValueError` for more than a legacy advertisement holds: there is no scan response here."""
    short = b"".join(bytes.fromhex(service)[::-1] for service in label.services if len(service) == 4)
    long = b"".join(uuid.UUID(service).bytes[::-1] for service in label.services if len(service) > 4)
    parts = [(_FLAGS, bytes([LIMITED if limited else GENERAL])), (_SERVICES_16, short), (_SERVICES_128, long)]
    parts += [(_MAKER, company.to_bytes(2, "little")) for company in label.companies]
    parts.append((_NAME, label.name.encode()))
    data = b"".join(bytes([len(content) + 1, kind]) + content for kind, content in parts if content)
    if len(data) > ADVERTISING_MAX:
        raise ValueError(f"{label.name}: {len(data)} bytes do not fit into a legacy advertisement")
    return data
