"""The kit and its instruments. The UDI is not known to Carebag today: maker, model, serial number and firmware are."""

import base64
import uuid
from collections.abc import Sequence

from carebag_fhir.elements import (
    CANONICAL,
    TERMINOLOGY,
    Json,
    coding,
    concept,
    extension,
    filled,
    own_coding,
    part_id,
    plain,
    reference,
    resource,
)
from carebag_fhir.parties import own_identifier
from carebag_wire.values import DeviceIdentity

TEST_DATA = coding(f"{TERMINOLOGY}/v3-ActReason", "HTEST", "test health data")
"""`meta.security` of all that did not come from a body."""


def device_id(kit_id: uuid.UUID, device: DeviceIdentity) -> uuid.UUID:
    """One for each instrument in each state that a reading names: new firmware is another Device."""
    return part_id(kit_id, device.model_dump_json())


def device_reference(kit_id: uuid.UUID, device: DeviceIdentity) -> Json:
    return reference("Device", device_id(kit_id, device), " ".join(filter(None, (device.maker, device.model))))


def device_of(kit_id: uuid.UUID, device: DeviceIdentity) -> Json:
    model = plain(device.model)
    version = {"type": concept(own_coding("device-version", "firmware")), "value": plain(device.firmware)}
    return resource(
        "Device",
        device_id(kit_id, device),
        meta={"security": [TEST_DATA]} if device.simulated else {},
        extension=extension("simulated", "Boolean", True if device.simulated else None),
        identifier=[{"system": f"{CANONICAL}/identifier/instrument", "value": text}]
        if (text := plain(device.id))
        else [],
        manufacturer=plain(device.maker),
        serialNumber=plain(device.serial),
        deviceName=[{"name": model, "type": "model-name"}] if model else [],
        type=concept(own_coding("instrument", device.kind)),
        version=[version] if plain(device.firmware) else [],
        parent=reference("Device", kit_id),
    )


def kit_of(kit_id: uuid.UUID, name: str, owner: Json, public_keys: Sequence[bytes]) -> Json:
    """The kit with the keys by which its signatures can be checked, the one of now first."""
    return resource(
        "Device",
        kit_id,
        extension=[
            one
            for key in public_keys
            for one in extension("kit-public-key", "Base64Binary", base64.b64encode(key).decode())
        ],
        identifier=[own_identifier("kit", kit_id)],
        deviceName=[filled({"name": plain(name), "type": "user-friendly-name"})] if plain(name) else [],
        type=concept(own_coding("instrument", "kit"), text="Carebag kit"),
        owner=owner,
    )
