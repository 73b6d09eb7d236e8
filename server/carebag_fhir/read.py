"""Reads Carebag's own export back: readings out of a Bundle, from the elements that any receiver reads, and ours.

Numbers, units, comparators, status and device are taken from FHIR's own elements; what FHIR has no place for comes from
the extensions. A Bundle in which the two disagree is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from pydantic import ValidationError

from carebag_fhir.devices import AUTHORITIES, ENTRY_TYPES, ISSUERS
from carebag_fhir.elements import CANONICAL, Json
from carebag_fhir.questionnaires import Answered, answered_in
from carebag_wire.records import Reading
from carebag_wire.scores import ScorePremise
from carebag_wire.values import QuantityName
from carebag_wire.visit import ReadingView

_DECISIONS = {"preliminary": "draft", "final": "kept", "entered-in-error": "rejected"}
_ORDER = {name: place for place, name in enumerate(get_args(QuantityName))}
_IDS = ("visit", "patient", "nurse", "request", "kit")


class NotReadable(ValueError):
    """Not an export of Carebag, or a damaged one."""


@dataclass(frozen=True)
class ReadBack:
    view: ReadingView
    """Quantities in the order of `QuantityName`."""
    measured_at: datetime | None
    """`effectiveDateTime`; None where nobody knows."""


def readings_in(bundle: Json) -> list[ReadBack]:
    """The readings of a decoded Bundle (`json_text.decode`), in its order.

    Raises:
        NotReadable: see there.
    """
    try:
        by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
        groups: dict[str, list[Json]] = {}
        for one in by_url.values():
            for identifier in one.get("identifier", []) if one["resourceType"] == "Observation" else []:
                if identifier["system"] == f"{CANONICAL}/identifier/reading":
                    groups.setdefault(identifier["value"], []).append(one)
        return [_read(parts, by_url) for parts in groups.values()]
    except (KeyError, IndexError, TypeError, AttributeError, ValidationError, ValueError) as error:
        raise NotReadable(type(error).__name__) from None


def answers_in(bundle: Json) -> list[Answered]:
    """What was asked at fixed moments and answered, in the Bundle's order.

    Raises:
        NotReadable: an answer to no question of the Bundle, or one that was not offered.
    """
    try:
        all_of = [entry["resource"] for entry in bundle["entry"]]
        questions = {f"{one['url']}|{one['version']}": one for one in all_of if one["resourceType"] == "Questionnaire"}
        answers = [one for one in all_of if one["resourceType"] == "QuestionnaireResponse"]
        return [answered_in(one, questions[one["questionnaire"]]) for one in answers]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotReadable(type(error).__name__) from None


def _read(parts: list[Json], by_url: dict[str, Json]) -> ReadBack:
    first = parts[0]
    for shared in ("status", "device", "subject", "encounter", "extension", "effectiveDateTime"):
        if any(one.get(shared) != first.get(shared) for one in parts):
            raise NotReadable(shared)
    told, times, bound = (_group(first, name) for name in ("reading", "times", "binding"))
    decision, filed = _group(first, "decision"), _group(first, "filed")
    if _DECISIONS[first["status"]] != _one(decision, "decision"):
        raise NotReadable("status")
    _same_patient(first, bound, filed)
    quantities = sorted((q for one in parts for q in _quantities(one)), key=lambda q: _ORDER[q["name"]])
    quality, circumstances = _group(first, "quality"), _group(first, "circumstances")
    photo = _one(told, "displayPhoto")
    reading = {
        "id": _uuid(told, "record"),
        "binding": {f"{name}_id": _uuid(bound, name) for name in _IDS} | {"kit_seq": int(_one(bound, "kitSeq"))},
        "times": _times(times),
        "kind": _one(told, "kind"),
        "quantities": quantities,
        "problem": _one(told, "problem"),
        "flags": told.get("flag", []),
        "circumstances": {name: _one(circumstances, name) for name in ("site", "posture", "point")},
        "quality": {"word": _one(quality, "word"), "reasons": quality.get("reason", [])},
        "device": _device(by_url[first["device"]["reference"]]) if "device" in first else _observer(first),
        "provenance": _one(told, "origin"),
        "raw": _one(told, "raw") or "",
        "display_photo": photo.removeprefix("urn:uuid:") if photo else None,
        "user": int(_one(told, "user")) if "user" in told else None,
        "seen": _seen(first),
    }
    view = {
        "reading": Reading.model_validate(reading),
        "decision": _one(decision, "decision"),
        "decided_by": _one(decision, "by") or "",
        "decided_at": _one(decision, "at"),
        "reason": _one(decision, "reason") or "",
        "move": _one(decision, "move") or "",
        "received_at": _one(times, "hubReceived"),
        "filed_by": _one(filed, "by") or "",
        "filed_at": _one(filed, "at"),
        "taken_back": bool(_one(filed, "takenBack")),
    }
    at = first.get("effectiveDateTime")
    return ReadBack(ReadingView.model_validate(view), datetime.fromisoformat(at) if at else None)


def _same_patient(one: Json, bound: dict[str, list[Any]], filed: dict[str, list[Any]]) -> None:
    """A value is its patient's: what it was bound to when it was taken, unless a person filed it."""
    for element, name in (("subject", "patient"), ("encounter", "visit")):
        told = _one(bound, name)
        if told is not None and told != one[element]["reference"] and not filed:
            raise NotReadable(element)


def _quantities(one: Json) -> Iterator[Json]:
    for part in (one, *one.get("component", [])):
        value = part.get("valueQuantity")
        if value is not None:
            yield {
                "name": _own_code(part["code"], "quantity"),
                "value": _decimal(value["value"]),
                "unit": value.get("unit", ""),
                "comparator": value.get("comparator"),
            }


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise NotReadable("value")
    return Decimal(value)


def _own_code(concept: Json, code_system: str) -> str:
    (code,) = (c["code"] for c in concept["coding"] if c["system"] == f"{CANONICAL}/CodeSystem/{code_system}")
    return str(code)


def _device(device: Json) -> Json:
    return {
        "id": device["identifier"][0]["value"] if "identifier" in device else "",
        "kind": _own_code(device["type"], "instrument"),
        "maker": device.get("manufacturer", ""),
        "model": device["deviceName"][0]["name"] if "deviceName" in device else "",
        "serial": device.get("serialNumber", ""),
        "firmware": device["version"][0]["value"] if "version" in device else "",
        "udi": _udi(device["udiCarrier"][0]) if "udiCarrier" in device else None,
        "simulated": _is_simulated(device),
    }


def _observer(first: Json) -> Json:
    """No instrument: the nurse herself."""
    return {"id": "observer", "kind": "observer", "simulated": _is_simulated(first)}


def _is_simulated(one: Json) -> bool:
    return any(e["url"] == f"{CANONICAL}/StructureDefinition/simulated" for e in one.get("extension", []))


def _seen(first: Json) -> Json | None:
    """What was observed; the value that any receiver reads must say the same."""
    parts = _group(first, "seen")
    if not parts:
        return None
    seen = {name: _one(parts, name) for name in ("consciousness", "breathes")}
    value = first.get("valueCodeableConcept")
    kind = _one(_group(first, "reading"), "kind")
    if value is not None and _own_code(value, str(kind)) != seen["breathes" if kind == "oxygen" else "consciousness"]:
        raise NotReadable("valueCodeableConcept")
    numbers = {"breaths": _one(parts, "breaths"), "counted_s": _one(parts, "countedS")}
    return {
        **seen,
        "oxygen_device": _one(parts, "oxygenDevice"),
        **{name: int(number) if number is not None else None for name, number in numbers.items()},
    }


@dataclass(frozen=True)
class ScoreReadBack:
    """NEWS2 as any receiver reads it, and what doctors said about it."""

    total: int | None
    points: dict[str, int]
    scale: int
    risk: str | None
    derived_from: frozenset[str]
    """`urn:uuid:` of the Observations."""
    premises: tuple[ScorePremise, ...]


def early_warning_in(bundle: Json) -> ScoreReadBack | None:
    """The score of a visit's decoded Bundle; None where there is none.

    Raises:
        NotReadable: a total that is not the sum of its parts, a part or source that is not there.
    """
    try:
        by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
        system = f"{CANONICAL}/identifier/news2"
        found = [
            one
            for one in by_url.values()
            if one["resourceType"] == "Observation" and one["identifier"][0]["system"] == system
        ]
        return _score(found[0], by_url) if found else None
    except (KeyError, IndexError, TypeError, AttributeError, ValidationError, ValueError) as error:
        raise NotReadable(type(error).__name__) from None


def _score(one: Json, by_url: dict[str, Json]) -> ScoreReadBack:
    parts = {_own_code(part["code"], "news2"): part for part in one["component"]}
    points = {name: int(part["valueInteger"]) for name, part in parts.items() if "valueInteger" in part}
    scale, total = points.pop("scale"), one.get("valueInteger")
    sources = frozenset(source["reference"] for source in one.get("derivedFrom", []))
    if sources - by_url.keys() or (total is not None and (total != sum(points.values()) or len(points) != 7)):
        raise NotReadable("news2")
    risk = parts["risk"]["valueCodeableConcept"] if "risk" in parts else None
    return ScoreReadBack(
        total=int(total) if total is not None else None,
        points=points,
        scale=scale,
        risk=_own_code(risk, "news2-risk") if risk else None,
        derived_from=sources,
        premises=tuple(_premises(one)),
    )


def _premises(one: Json) -> Iterator[ScorePremise]:
    visit_id = one["encounter"]["reference"].removeprefix("urn:uuid:")
    for told in one.get("extension", []):
        if told["url"] == f"{CANONICAL}/StructureDefinition/premise":
            parts = _group({"extension": [told]}, "premise")
            yield ScorePremise(
                id=UUID(str(_uuid(parts, "id"))),
                visit_id=UUID(visit_id),
                says=_one(parts, "says"),
                author=_one(parts, "by") or "",
                author_id=UUID(str(_uuid(parts, "byId"))),
                at=_one(parts, "at"),
            )


def _udi(carrier: Json) -> Json:
    (entry,) = (own for own, theirs in ENTRY_TYPES.items() if theirs == carrier["entryType"])
    return {
        "device": carrier.get("deviceIdentifier", ""),
        "carrier": carrier.get("carrierHRF", ""),
        "issuer": _object_identifier(carrier.get("issuer", ""), ISSUERS),
        "authority": _object_identifier(carrier.get("jurisdiction", ""), AUTHORITIES),
        "entry": entry,
    }


def _object_identifier(uri: str, named: Mapping[str, str]) -> str:
    by_name = {name: own for own, name in named.items()}
    return by_name.get(uri, uri.removeprefix("urn:oid:"))


def _times(times: dict[str, list[Any]]) -> Json:
    offsets = {"device_offset_s": "deviceOffsetS", "device_offset_uncertainty_s": "deviceOffsetUncertaintyS"}
    return {
        "device": _one(times, "device"),
        "kit_monotonic_ns": int(_one(times, "kitMonotonicNs")),
        "kit_utc": _one(times, "kitUtc"),
        **{field: float(times[name][0]) if name in times else None for field, name in offsets.items()},
    }


def _group(one: Json, name: str) -> dict[str, list[Any]]:
    """Parts of an extension by name, each with its values in order; empty if there is no such extension."""
    parts: dict[str, list[Any]] = {}
    for extension in one.get("extension", []):
        if extension["url"] == f"{CANONICAL}/StructureDefinition/{name}":
            for part in extension["extension"]:
                (value,) = (value for key, value in part.items() if key.startswith("value"))
                parts.setdefault(part["url"], []).append(value)
    return parts


def _one(parts: dict[str, list[Any]], name: str) -> Any:
    return parts[name][0] if name in parts else None


def _uuid(parts: dict[str, list[Any]], name: str) -> str | None:
    told = _one(parts, name)
    return str(told).removeprefix("urn:uuid:") if told is not None else None
