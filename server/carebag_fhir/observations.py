"""A reading as Observations: one for a blood pressure, one for each number otherwise, all with the whole story.

What a record holds and FHIR has no place for goes into extensions, on every Observation of the reading, so that none of
them means less when it is alone. A device's error is `dataAbsentReason` in words; no number is made up for it.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from carebag_fhir.codes import (
    BREATHES,
    CHOSEN,
    CONSCIOUSNESS,
    MEANINGS,
    PANEL,
    SNOMED,
    category_of,
    code_of,
    main_quantity,
)
from carebag_fhir.devices import TEST_DATA, device_reference
from carebag_fhir.elements import (
    TERMINOLOGY,
    UCUM,
    Json,
    absent,
    coding,
    concept,
    extension,
    extension_group,
    filled,
    instant,
    number,
    own_coding,
    part_id,
    plain,
    reference,
    resource,
    url_of,
    words,
)
from carebag_fhir.encounters import body_site, circumstances_of, patient_reference, visit_reference
from carebag_fhir.parties import Parties, own_identifier
from carebag_wire.measured_at import measured_at
from carebag_wire.records import Reading
from carebag_wire.values import Binding, Quality, Quantity, QuantityName, Seen, Times
from carebag_wire.visit import Decided, ReadingView, Request, VisitHead

_PRESSURES: tuple[QuantityName, ...] = ("systolic", "diastolic", "mean")
_CHOICE_TEXT = {"consciousness": "Level of consciousness (ACVPU)", "oxygen": "Supplemental oxygen"}
_STATUS = {"draft": "preliminary", "kept": "final", "rejected": "entered-in-error"}
_CARRIED_LATER = timedelta(minutes=1)
"""A cuff's measurement takes less: what is older when it comes had lain in a memory."""


def part_of_visit(visit: VisitHead, binding: Binding, record_id: uuid.UUID) -> uuid.UUID:
    """The id under which a record is in this visit's Bundle.

    A reading of the tray can be filed into two visits, wrongly into the first, and what was measured on another patient
    is moved: each has an id of its own, so that no importer takes the one for a newer version of the other. Those bound
    to this visit keep the record's id.
    """
    return record_id if binding.visit_id == visit.id else part_id(visit.id, f"record {record_id}")


@dataclass(frozen=True)
class Surroundings:
    """What the resources of one visit refer to."""

    visit: VisitHead
    parties: Parties
    requests: frozenset[uuid.UUID]

    @classmethod
    def of(cls, visit: VisitHead, parties: Parties, requests: Sequence[Request]) -> "Surroundings":
        return cls(visit, parties, frozenset(request.id for request in requests))

    def based_on(self, binding: Binding) -> list[Json]:
        known = binding.request_id in self.requests
        return [reference("ServiceRequest", binding.request_id)] if known and binding.request_id else []


def status_of(decided: Decided) -> str:
    """A rejected or withdrawn value stays, as `entered-in-error`: no receiver may take it for a value."""
    return _STATUS[decided.decision]


def observations_of(view: ReadingView, around: Surroundings) -> Iterator[Json]:
    """The reading's own Observation first: its id is that of the record, as far as that belongs to this visit alone."""
    reading = view.reading
    own_id = part_of_visit(around.visit, reading.binding, reading.id)
    keys = _keys(reading.quantities)
    if reading.kind == "blood_pressure":
        inside = [key for key in keys if key in _PRESSURES]
        yield _observation(view, around, own_id, _panel(reading, {key: keys[key] for key in inside}))
        rest = [key for key in keys if key not in _PRESSURES]
    elif reading.kind in CHOSEN:
        yield _observation(view, around, own_id, _choice(reading))
        rest = list(keys)
    else:
        main = main_quantity(reading.kind)
        assert main is not None
        yield _observation(view, around, own_id, _single(reading, keys.get(main), main))
        rest = [key for key in keys if key != main]
    for key in rest:
        yield _observation(view, around, part_id(own_id, key), _single(reading, keys[key], keys[key].name))


def _keys(quantities: Sequence[Quantity]) -> dict[str, Quantity]:
    """Each under its name; one that comes again under its name and a number."""
    keys: dict[str, Quantity] = {}
    for quantity in quantities:
        again = sum(1 for other in keys.values() if other.name == quantity.name)
        keys[f"{quantity.name} {again + 1}" if again else quantity.name] = quantity
    return keys


def _observation(view: ReadingView, around: Surroundings, own_id: uuid.UUID, measured: Json) -> Json:
    reading = view.reading
    site = body_site(reading.circumstances)
    performer = around.parties.by_id(reading.binding.nurse_id)
    return resource(
        "Observation",
        own_id,
        meta={"security": [TEST_DATA]} if reading.device.simulated else {},
        extension=[*_story(view), *told_about(view, reading.times, reading.binding, reading.quality)],
        identifier=[own_identifier("reading", part_of_visit(around.visit, reading.binding, reading.id))],
        basedOn=around.based_on(reading.binding),
        status=status_of(view),
        category=measured.pop("category"),
        code=measured.pop("code"),
        subject=patient_reference(around.visit.patient),
        encounter=visit_reference(around.visit),
        **_effective(reading),
        issued=instant(view.received_at) if view.received_at else None,
        performer=[performer] if performer else [],
        **measured,
        bodySite=site,
        method=_method(reading),
        device=None if reading.device.kind == "observer" else device_reference(around.visit.kit_id, reading.device),
        note=[{"text": text} for text in _notes(view)],
    )


def _from_memory(reading: Reading) -> bool:
    at = measured_at(reading)
    return reading.provenance == "stored" or (at is not None and reading.times.kit_utc - at > _CARRIED_LATER)


def _effective(reading: Reading) -> Json:
    at = measured_at(reading)
    if at is None:
        return {"_effectiveDateTime": {"extension": absent("unknown")}}
    return {"effectiveDateTime": instant(at)}


def _panel(reading: Reading, keys: dict[str, Quantity]) -> Json:
    """Systolic and diastolic are always there, as the profile asks: as a number or as the reason why there is none.

    In kPa the profile cannot be met, and the panel does not claim its code.
    """
    parts = [_component(reading, name, keys.get(name)) for name in ("systolic", "diastolic")]
    parts += [_component(reading, q.name, q) for key, q in keys.items() if key not in ("systolic", "diastolic")]
    usual = all(quantity.unit == MEANINGS[quantity.name].unit for quantity in keys.values())
    code = concept(*([PANEL.coding] if usual else []), own_coding("reading", reading.kind), text="Blood pressure")
    return {"category": category_of("vital-signs"), "code": code, "component": parts}


def _choice(reading: Reading) -> Json:
    """What was chosen, in SNOMED CT and in Carebag's own code."""
    codes = [code.coding for code in CHOSEN[reading.kind]]  # type: ignore[index]
    code = concept(*codes, own_coding("reading", reading.kind), text=_CHOICE_TEXT[reading.kind])
    seen = reading.seen or Seen()
    chosen, known = {
        "consciousness": (seen.consciousness, CONSCIOUSNESS.get(seen.consciousness or "A")),
        "oxygen": (seen.breathes, BREATHES.get(seen.breathes or "air")),
    }[reading.kind]
    if chosen is None or known is None:
        return {"category": category_of("exam"), "code": code, "dataAbsentReason": _why(reading)}
    value = concept(coding(SNOMED, *known), own_coding(reading.kind, chosen), text=known[1])
    return {"category": category_of("exam"), "code": code, "valueCodeableConcept": value}


def _method(reading: Reading) -> Json:
    """How it was observed; of an instrument the Device says it."""
    if reading.provenance != "observed":
        return {}
    seconds = reading.seen.counted_s if reading.seen else None
    if seconds is not None:
        return concept(own_coding("method", "counted"), text=f"Counted by the nurse for {seconds} s")
    return concept(own_coding("method", "entered"), text="Entered by the nurse")


def _component(reading: Reading, name: QuantityName, quantity: Quantity | None) -> Json:
    return {"code": _code(reading, name, quantity), **_value(reading, quantity)}


def _single(reading: Reading, quantity: Quantity | None, name: QuantityName) -> Json:
    return {
        "category": category_of(MEANINGS[name].category),
        "code": _code(reading, name, quantity),
        **_value(reading, quantity),
    }


def _code(reading: Reading, name: QuantityName, quantity: Quantity | None) -> Json:
    unit = quantity.unit if quantity else MEANINGS[name].unit
    return code_of(name, unit, reading.kind, reading.flags)


def _value(reading: Reading, quantity: Quantity | None) -> Json:
    if quantity is None:
        return {"dataAbsentReason": _why(reading)}
    known = quantity.unit in MEANINGS[quantity.name].units
    value = {
        "value": quantity.value,
        "comparator": quantity.comparator,
        "unit": plain(quantity.unit),
        "system": UCUM if known else None,
        "code": quantity.unit if known else None,
    }
    return {"valueQuantity": filled(value)}


def _why(reading: Reading) -> Json:
    if reading.problem is None:
        return concept(coding(f"{TERMINOLOGY}/data-absent-reason", "unknown", "Unknown"), text="not measured")
    error = coding(f"{TERMINOLOGY}/data-absent-reason", "error", "Error")
    return concept(error, own_coding("problem", reading.problem), text=words(reading.problem))


def _story(view: ReadingView) -> list[Json]:
    """What is the reading's own, beside the numbers."""
    reading = view.reading
    photo = reading.display_photo
    return [
        *extension("simulated", "Boolean", True if reading.device.simulated else None),
        *extension_group(
            "reading",
            ("record", "Uri", url_of(reading.id)),
            ("kind", "Code", reading.kind),
            ("origin", "Code", reading.provenance),
            ("problem", "Code", reading.problem),
            *(("flag", "Code", flag) for flag in reading.flags),
            ("raw", "String", plain(reading.raw)),
            ("user", "Decimal", reading.user),
            ("displayPhoto", "Uri", url_of(photo) if photo else None),
        ),
        *_seen(reading.seen),
        *circumstances_of(reading.circumstances),
        *extension_group(
            "filed",
            ("by", "String", plain(view.filed_by)),
            ("at", "Instant", instant(view.filed_at) if view.filed_at else None),
            ("takenBack", "Boolean", True if view.taken_back else None),
        ),
    ]


def _seen(seen: Seen | None) -> list[Json]:
    if seen is None:
        return []
    return extension_group(
        "seen",
        ("observed", "Boolean", True),
        ("consciousness", "Code", seen.consciousness),
        ("breathes", "Code", seen.breathes),
        ("oxygenDevice", "Code", seen.oxygen_device),
        ("breaths", "Decimal", seen.breaths),
        ("countedS", "Decimal", seen.counted_s),
    )


def told_about(decided: Decided, times: Times, binding: Binding, quality: Quality | None) -> list[Json]:
    """The four times, whom it was bound to, how far to trust it, and what was decided: of a reading, sound or photo."""
    return [*_times(times, decided.received_at), *_binding(binding), *_quality(quality), *_decision(decided)]


def _quality(quality: Quality | None) -> list[Json]:
    if quality is None:
        return []
    reasons = [("reason", "Code", reason) for reason in quality.reasons]
    return extension_group("quality", ("word", "Code", quality.word), *reasons)


def _decision(decided: Decided) -> list[Json]:
    return extension_group(
        "decision",
        ("decision", "Code", decided.decision),
        ("by", "String", plain(decided.decided_by)),
        ("at", "Instant", instant(decided.decided_at) if decided.decided_at else None),
        ("reason", "String", plain(decided.reason)),
        ("move", "Code", decided.move or None),
    )


def _times(times: Times, received_at: datetime | None) -> list[Json]:
    return extension_group(
        "times",
        ("device", "String", plain(times.device or "")),
        ("deviceOffsetS", "Decimal", number(times.device_offset_s)),
        ("deviceOffsetUncertaintyS", "Decimal", number(times.device_offset_uncertainty_s)),
        ("kitMonotonicNs", "Decimal", times.kit_monotonic_ns),
        ("kitUtc", "Instant", instant(times.kit_utc)),
        ("hubReceived", "Instant", instant(received_at) if received_at else None),
    )


def _binding(binding: Binding) -> list[Json]:
    ids = {"visit": binding.visit_id, "patient": binding.patient_id, "nurse": binding.nurse_id}
    ids |= {"request": binding.request_id, "kit": binding.kit_id}
    parts = [(name, "Uri", url_of(own_id) if own_id else None) for name, own_id in ids.items()]
    return extension_group("binding", *parts, ("kitSeq", "Decimal", binding.kit_seq))


def _notes(view: ReadingView) -> Iterator[str]:
    """In words what a receiver that reads no extension would miss."""
    reading = view.reading
    yield from remarks(reading.device.simulated, reading.quality)
    if reading.flags:
        yield f"The instrument or the kit remarked: {_list(reading.flags)}"
    if reading.provenance == "manual":
        yield "Typed by hand from the instrument's display."
    if reading.provenance == "observed":
        yield "Observed by the nurse, with no instrument."
    if reading.seen and reading.seen.oxygen_device:
        yield f"Oxygen by {words(reading.seen.oxygen_device)}."
    if _from_memory(reading):
        yield "From the instrument's memory."
    if view.move == "here":
        yield plain(f"Moved into this visit, as {view.filed_by} proposed; it had been taken for another patient's.")
    elif view.filed_by and not view.taken_back:
        yield plain(f"Put into this visit by {view.filed_by}; it was measured while no visit was open.")
    yield from verdict(view, "Withdrawn" if view.taken_back else "Rejected")


def remarks(simulated: bool, quality: Quality | None) -> Iterator[str]:
    """Of a reading or recording: that it is none of a body's, and how far to trust it."""
    if simulated:
        yield "Simulated: this did not come from a body."
    if quality is not None and (quality.word != "good" or quality.reasons):
        yield ": ".join(filter(None, (f"Quality {quality.word}", _list(quality.reasons))))


def verdict(decided: Decided, word: str = "Rejected") -> Iterator[str]:
    """That it does not hold, by whom and why."""
    if decided.decision == "rejected":
        by = f" by {decided.decided_by}" if decided.decided_by else ""
        yield plain(f"{word}{by}{': ' if decided.reason else '.'}{decided.reason}")


def _list(codes: Sequence[str]) -> str:
    return ", ".join(words(code) for code in codes)
