"""What a device says about itself before anybody connects: advertising data, parsed.

Source: Core Specification Supplement, Part A (AD types); Core 5.4 Vol 3 Part C 11 (AD structures).
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_BASE = "-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True)
class Advert:
    """One advertisement. UUIDs are lower-case 128-bit strings; `rssi` and `tx_power` in dBm."""

    address: str
    address_type: Literal["public", "random"]
    rssi: int
    connectable: bool = True
    name: str | None = None
    flags: int | None = None
    appearance: int | None = None
    tx_power: int | None = None
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    service_data: dict[str, bytes] = field(default_factory=dict)


def structures(data: bytes) -> Iterator[tuple[int, bytes]]:
    """AD type and content of each structure. Stops at the first that is cut short: nothing is guessed."""
    at = 0
    while at + 1 < len(data):
        length = data[at]
        if length == 0 or at + 1 + length > len(data):
            return
        yield data[at + 1], data[at + 2 : at + 1 + length]
        at += 1 + length


def uuid_text(little_endian: bytes) -> str:
    """A 2-, 4- or 16-byte UUID as sent, as a 128-bit string."""
    if len(little_endian) == 16:
        return str(uuid.UUID(bytes=little_endian[::-1]))
    return f"{int.from_bytes(little_endian, 'little'):08x}{_BASE}"


def parse_advert(
    data: bytes, *, address: str, address_type: Literal["public", "random"], rssi: int, connectable: bool = True
) -> Advert:
    """Read advertising and scan response data; what is unknown, cut short or of the wrong size is passed over."""
    name: str | None = None
    numbers: dict[int, int] = {}
    uuids: dict[str, None] = {}
    manufacturer: dict[int, bytes] = {}
    services: dict[str, bytes] = {}
    for kind, content in structures(data):
        match kind, len(content):
            case (0x08 | 0x09, _):
                name = content.decode("utf-8", "replace")
            case (0x01, size) if size >= 1:
                numbers[kind] = content[0]
            case (0x19, 2):
                numbers[kind] = int.from_bytes(content, "little")
            case (0x0A, 1):
                numbers[kind] = int.from_bytes(content, "little", signed=True)
            case (0xFF, size) if size >= 2:
                manufacturer[int.from_bytes(content[:2], "little")] = content[2:]
            case _ if kind in _UUID_LISTS:
                uuids.update(dict.fromkeys(_uuid_list(content, _UUID_LISTS[kind])))
            case (_, size) if kind in _SERVICE_DATA and size >= _SERVICE_DATA[kind]:
                services[uuid_text(content[: _SERVICE_DATA[kind]])] = content[_SERVICE_DATA[kind] :]
    return Advert(
        address=address,
        address_type=address_type,
        rssi=rssi,
        connectable=connectable,
        name=name,
        flags=numbers.get(0x01),
        appearance=numbers.get(0x19),
        tx_power=numbers.get(0x0A),
        service_uuids=tuple(uuids),
        manufacturer_data=manufacturer,
        service_data=services,
    )


_UUID_LISTS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}


def _uuid_list(content: bytes, size: int) -> Iterator[str]:
    for at in range(0, len(content) - size + 1, size):
        yield uuid_text(content[at : at + size])
