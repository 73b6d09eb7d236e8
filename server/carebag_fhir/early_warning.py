"""NEWS2 as an Observation: the total, every part's points, and references to the Observations that they came from.

The code is of SNOMED CT's UK extension; LOINC has none (88330-6, seen elsewhere, is mobility). What has no total says
why in `dataAbsentReason`. Who has no SNOMED reads Carebag's own code beside it, or the text.
"""

import uuid
from collections.abc import Iterator, Sequence

from carebag_fhir.codes import SNOMED, category_of, main_quantity
from carebag_fhir.devices import TEST_DATA
from carebag_fhir.elements import (
    TERMINOLOGY,
    Json,
    absent,
    coding,
    concept,
    extension_group,
    instant,
    own_coding,
    part_id,
    plain,
    reference,
    resource,
    url_of,
    words,
)
from carebag_fhir.encounters import patient_reference, visit_reference
from carebag_fhir.observations import part_of_visit
from carebag_fhir.parties import own_identifier
from carebag_wire.records import Reading
from carebag_wire.scores import EarlyWarning, ScorePart, ScorePremise
from carebag_wire.visit import VisitHead, VisitSnapshot

NEWS2 = coding(SNOMED, "1104051000000101")
METHOD = "National Early Warning Score (NEWS) 2, Royal College of Physicians 2017"
_SUPPORT = "A published score, worked out from the values it is derived from: decision support, not a diagnosis."


def early_warning_resource(snapshot: VisitSnapshot) -> Iterator[Json]:
    """None where nobody set out to have the score, and no doctor said anything about it."""
    score = snapshot.news2
    if score is None or not (score.is_set_out or snapshot.premises):
        return
    visit = snapshot.visit
    readings = {view.reading.id: view.reading for view in snapshot.readings}
    counted = [part for part in score.parts if part.points is not None and part.reading_id in readings]
    simulated = any(readings[part.reading_id].device.simulated for part in counted if part.reading_id)
    sources = [_source(part, readings, visit) for part in counted]
    unknown: Json = {"_effectiveDateTime": {"extension": absent("unknown")}}
    yield resource(
        "Observation",
        part_id(visit.id, "news2"),
        meta={"security": [TEST_DATA]} if simulated else {},
        extension=[one for premise in snapshot.premises for one in _premise(premise)],
        identifier=[own_identifier("news2", visit.id)],
        status="final" if score.state == "complete" and not score.preliminary else "preliminary",
        category=category_of("survey"),
        code=concept(NEWS2, own_coding("score", "news2"), text="NEWS2"),
        subject=patient_reference(visit.patient),
        encounter=visit_reference(visit),
        **({"effectiveDateTime": instant(score.as_of)} if score.as_of else unknown),
        **_total(score),
        note=[{"text": text} for text in _notes(score, simulated)],
        method=concept(own_coding("method", "news2_2017"), text=METHOD),
        derivedFrom=list({one["reference"]: one for one in sources}.values()),
        component=[*_parts(score), *_frame(score)],
    )


def _source(part: ScorePart, readings: dict[uuid.UUID, Reading], visit: VisitHead) -> Json:
    """The Observation that bears the number: of a reading's own, or of one beside it."""
    assert part.reading_id is not None
    reading = readings[part.reading_id]
    own_id = part_of_visit(visit, reading.binding, reading.id)
    name = part.quantity.name if part.quantity else None
    inside = reading.kind == "blood_pressure" and name == "systolic"
    own = name is None or part.parameter == "oxygen" or inside or main_quantity(reading.kind) == name
    return reference("Observation", own_id if own or name is None else part_id(own_id, name))


def _total(score: EarlyWarning) -> Json:
    if score.total is not None:
        return {"valueInteger": score.total}
    if score.state == "refused":
        why = coding(f"{TERMINOLOGY}/data-absent-reason", "not-applicable", "Not Applicable")
        return {"dataAbsentReason": concept(why, text=f"not made for this patient: {_list(score.refusals)}")}
    why = coding(f"{TERMINOLOGY}/data-absent-reason", "unknown", "Unknown")
    lacking = [f"{words(part.parameter)} {part.lack}" for part in score.parts if part.lack]
    asked = [f"{words(one)} not asked" for one in score.asks]
    return {"dataAbsentReason": concept(why, text=f"incomplete: {', '.join([*lacking, *asked])}")}


def _parts(score: EarlyWarning) -> Iterator[Json]:
    for part in score.parts:
        code = concept(own_coding("news2", part.parameter), text=f"NEWS2: {words(part.parameter)}")
        if part.points is not None:
            yield {"code": code, "valueInteger": part.points}
        else:
            why = coding(f"{TERMINOLOGY}/data-absent-reason", "unknown", "Unknown")
            yield {"code": code, "dataAbsentReason": concept(why, text=part.lack or score.state)}


def _frame(score: EarlyWarning) -> Iterator[Json]:
    yield {"code": concept(own_coding("news2", "scale"), text="SpO2 scale of NEWS2"), "valueInteger": score.scale}
    if score.risk is not None:
        risk = concept(own_coding("news2-risk", score.risk), text=score.risk)
        yield {
            "code": concept(own_coding("news2", "risk"), text="Clinical risk of NEWS2"),
            "valueCodeableConcept": risk,
        }


def _notes(score: EarlyWarning, simulated: bool) -> Iterator[str]:
    yield _SUPPORT
    if simulated:
        yield "Simulated: this did not come from a body."
    if score.preliminary:
        yield "Preliminary: values that it came from are drafts, which no doctor has decided on."
    if any(part.points == 3 for part in score.parts):
        yield f"A single parameter scores 3: {_list([p.parameter for p in score.parts if p.points == 3])}"
    if score.scale == 2:
        yield "SpO2 scale 2: a doctor prescribed 88-92 % as the aim."


def _premise(premise: ScorePremise) -> list[Json]:
    return extension_group(
        "premise",
        ("id", "Uri", url_of(premise.id)),
        ("says", "Code", premise.says),
        ("by", "String", plain(premise.author)),
        ("byId", "Uri", url_of(premise.author_id)),
        ("at", "Instant", instant(premise.at)),
    )


def _list(codes: Sequence[str]) -> str:
    return ", ".join(words(code) for code in codes)
