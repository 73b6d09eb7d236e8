"""What all resources are made of: ids, references, codings, times, and extensions under Carebag's own canonical.

An element without content is left out: FHIR knows no empty string, list or object.
"""

import math
import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

CANONICAL = "https://carebag.example/fhir"
"""A name, not an address: `.example` belongs to nobody (RFC 2606). `docs/fhir.md` says what is under it."""
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_NOT_IN_A_STRING = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FARTHEST_ZONE = timedelta(hours=14)


def part_id(owner: uuid.UUID, part: str) -> uuid.UUID:
    """The same id for the same part of the same thing in every export."""
    return uuid.uuid5(owner, part)


def filled(fields: Json) -> Json:
    """The fields that have content, in their order."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


def resource(kind: str, own_id: uuid.UUID, **fields: Any) -> Json:
    return {"resourceType": kind, "id": str(own_id), **filled(fields)}


def plain(text: str) -> str:
    """Text as a FHIR string may hold it: control characters become spaces, blank text is none."""
    kept = _NOT_IN_A_STRING.sub(" ", text)
    return kept if kept.strip() else ""


def words(code: str) -> str:
    """A code of Carebag as words: `cuff_too_loose` → `cuff too loose`."""
    return code.replace("_", " ").strip() or code


def url_of(own_id: uuid.UUID) -> str:
    return f"urn:uuid:{own_id}"


def reference(kind: str, own_id: uuid.UUID, display: str = "") -> Json:
    """To a resource of the same Bundle, which resolves it by `fullUrl`."""
    return filled({"reference": url_of(own_id), "type": kind, "display": plain(display)})


def named(kind: str, display: str) -> Json:
    """Somebody or something of whom only the name is known."""
    return filled({"type": kind, "display": plain(display)}) if plain(display) else {}


def coding(system: str, code: str, display: str = "") -> Json:
    return filled({"system": system, "code": code, "display": display})


def own_coding(code_system: str, code: str) -> Json:
    return coding(f"{CANONICAL}/CodeSystem/{code_system}", code, words(code))


def concept(*codings: Json, text: str = "") -> Json:
    return filled({"coding": list(codings), "text": plain(text)})


def instant(at: datetime) -> str:
    """With the zone it was told in; one that FHIR cannot write becomes UTC."""
    offset = at.utcoffset() or timedelta()
    whole = offset % timedelta(minutes=1) == timedelta()
    return (at if whole and abs(offset) <= _FARTHEST_ZONE else at.astimezone(UTC)).isoformat()


def number(value: float | None) -> Decimal | None:
    """A float by its shortest decimal form; none for what is no number."""
    return Decimal(repr(value)) if value is not None and math.isfinite(value) else None


def extension(name: str, value_type: str, value: Any) -> list[Json]:
    """One extension of a simple value, or none: `extension("seq", "Decimal", 7)`."""
    if value is None or value == "":
        return []
    return [{"url": f"{CANONICAL}/StructureDefinition/{name}", f"value{value_type}": value}]


def extension_group(name: str, *parts: tuple[str, str, Any]) -> list[Json]:
    """One extension made of named parts, those without a value left out; or none."""
    inner = [{"url": part, f"value{kind}": value} for part, kind, value in parts if value is not None and value != ""]
    return [{"url": f"{CANONICAL}/StructureDefinition/{name}", "extension": inner}] if inner else []


def absent(reason: str) -> list[Json]:
    """Why a required primitive has no value, for its `_name`."""
    return [{"url": DATA_ABSENT, "valueCode": reason}]
