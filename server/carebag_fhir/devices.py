"""The kit and its instruments: what they say of themselves, and the UDI where the instrument or its label says it."""

import base64
import uuid
from collections.abc import Mapping, Sequence

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
from carebag_wire.udi import GS1, Udi, UdiEntry, day_of, printed_elements
from carebag_wire.values import DeviceIdentity

TEST_DATA = coding(f"{TERMINOLOGY}/v3-ActReason", "HTEST", "test health data")
"""`meta.security` of all that did not come from a body."""


MDC = "urn:iso:std:iso:11073:10101"
SPECIALIZATIONS = {
    "cuff": ("528391", "MDC_DEV_SPEC_PROFILE_BP"),
    "oximeter": ("528388", "MDC_DEV_SPEC_PROFILE_PULS_OXIM"),
    "thermometer": ("528392", "MDC_DEV_SPEC_PROFILE_TEMP"),
    "scale": ("528399", "MDC_DEV_SPEC_PROFILE_SCALE"),
    "glucose_meter": ("528401", "MDC_DEV_SPEC_PROFILE_GLUCOSE"),
}
"""Kinds of instrument that ISO/IEEE 11073-10101 names; source: HL7 Personal Health Device guide 2.0.0, value set
DeviceTypes11073MDC. It names no stethoscope and no CRP analyser."""
ISSUERS = {GS1: "http://hl7.org/fhir/NamingSystem/gs1-di"}
AUTHORITIES = {"2.16.840.1.113883.3.24": "http://hl7.org/fhir/NamingSystem/fda-udi"}
"""Names that R4 gives in the definition of `Device.udiCarrier`; others are told by their object identifier."""
ENTRY_TYPES: dict[UdiEntry, str] = {
    "self_reported": "self-reported",
    "barcode": "barcode",
    "manual": "manual",
    "catalog": "unknown",
}


def device_id(kit_id: uuid.UUID, device: DeviceIdentity) -> uuid.UUID:
    """One for each instrument in each state that a reading names: new firmware is another Device."""
    return part_id(kit_id, device.model_dump_json())


def device_reference(kit_id: uuid.UUID, device: DeviceIdentity) -> Json:
    return reference("Device", device_id(kit_id, device), " ".join(filter(None, (device.maker, device.model))))


def device_of(kit_id: uuid.UUID, device: DeviceIdentity, year: int) -> Json:
    """An instrument.

    Args:
        year: in which it was used, for the century of the dates on its label.
    """
    model, label = plain(device.model), printed_elements(device.udi)
    made, expires = (day_of(text, year) for text in (label.made, label.expires))
    version = {"type": concept(own_coding("device-version", "firmware")), "value": plain(device.firmware)}
    return resource(
        "Device",
        device_id(kit_id, device),
        meta={"security": [TEST_DATA]} if device.simulated else {},
        extension=extension("simulated", "Boolean", True if device.simulated else None),
        identifier=[{"system": f"{CANONICAL}/identifier/instrument", "value": text}]
        if (text := plain(device.id))
        else [],
        udiCarrier=[_carrier(device.udi)] if device.udi else [],
        manufacturer=plain(device.maker),
        manufactureDate=made.isoformat() if made else None,
        expirationDate=expires.isoformat() if expires else None,
        lotNumber=label.lot,
        serialNumber=plain(device.serial),
        deviceName=[{"name": model, "type": "model-name"}] if model else [],
        type=concept(*_specialization(device.kind), own_coding("instrument", device.kind)),
        version=[version] if plain(device.firmware) else [],
        parent=reference("Device", kit_id),
    )


def _specialization(kind: str) -> list[Json]:
    return [coding(MDC, *SPECIALIZATIONS[kind])] if kind in SPECIALIZATIONS else []


def _carrier(udi: Udi) -> Json:
    """`carrierAIDC` is left out: what a scanner gave is kept as people read it."""
    return filled(
        {
            "deviceIdentifier": plain(udi.device),
            "issuer": uri_of(udi.issuer, ISSUERS),
            "jurisdiction": uri_of(udi.authority, AUTHORITIES),
            "carrierHRF": plain(udi.carrier),
            "entryType": ENTRY_TYPES[udi.entry],
        }
    )


def uri_of(object_identifier: str, named: Mapping[str, str]) -> str:
    """By its name where R4 gives one, else `urn:oid:…`; empty for none."""
    return named.get(object_identifier) or (f"urn:oid:{object_identifier}" if object_identifier else "")


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
