"""The doctor's signed note: assessment and plan as a Composition that she attested, the plan as a CarePlan besides."""

import html
import uuid
from collections.abc import Iterator, Mapping, Sequence

from carebag_fhir.elements import (
    LOINC,
    Json,
    coding,
    concept,
    extension,
    filled,
    instant,
    own_coding,
    part_id,
    plain,
    reference,
    resource,
)
from carebag_fhir.encounters import patient_reference, visit_reference
from carebag_fhir.observations import Surroundings
from carebag_fhir.parties import own_identifier
from carebag_wire.visit import Note

_CONSULT_NOTE = concept(coding(LOINC, "11488-4", "Consult note"))
_ASSESSMENT = concept(coding(LOINC, "51848-0", "Evaluation note"))
_PLAN = concept(coding(LOINC, "18776-5", "Plan of care note"))


def note_resources(
    notes: Sequence[Note], authors: Mapping[uuid.UUID, uuid.UUID], around: Surroundings
) -> Iterator[Json]:
    """Signed versions only. A later one of the same author replaces the one before, which stays.

    Args:
        authors: note → practitioner. Of a note that is not in it nobody knows what it replaces: a name is no proof.
    """
    signed = sorted(
        (note for note in notes if note.state == "signed"), key=lambda note: (note.changed_at, note.version)
    )
    for place, note in enumerate(signed):
        author_id = authors.get(note.id)
        author = around.parties.by_id(author_id, note.author)
        before, after = (
            [other for other in part if author_id is not None and authors.get(other.id) == author_id]
            for part in (signed[:place], signed[place + 1 :])
        )
        if plain(note.plan):
            yield _care_plan(note, author, around, before[-1:], replaced=bool(after))
        yield _composition(note, author, around, before[-1:])


def _care_plan(note: Note, author: Json, around: Surroundings, before: Sequence[Note], replaced: bool) -> Json:
    return resource(
        "CarePlan",
        part_id(note.id, "plan"),
        replaces=[reference("CarePlan", part_id(other.id, "plan")) for other in before if plain(other.plan)],
        status="revoked" if replaced else "active",
        intent="plan",
        description=plain(note.plan),
        subject=patient_reference(around.visit.patient),
        encounter=visit_reference(around.visit),
        created=instant(note.signed_at or note.changed_at),
        author=author,
    )


def _composition(note: Note, author: Json, around: Surroundings, before: Sequence[Note]) -> Json:
    at = instant(note.signed_at or note.changed_at)
    plan = [reference("CarePlan", part_id(note.id, "plan"))]
    sections = [_section("Assessment", _ASSESSMENT, note.assessment, []), _section("Plan", _PLAN, note.plan, plan)]
    replaced = [{"code": "replaces", "targetReference": reference("Composition", other.id)} for other in before]
    return resource(
        "Composition",
        note.id,
        extension=[*extension("note-version", "Decimal", note.version), *extension("sha256", "String", note.sha256)],
        identifier=own_identifier("note", note.id),
        status="amended" if before else "final",
        type=_CONSULT_NOTE,
        subject=patient_reference(around.visit.patient),
        encounter=visit_reference(around.visit),
        date=at,
        author=[author or {"display": "?"}],
        title="Assessment and plan",
        attester=[filled({"mode": "legal", "time": at, "party": author})],
        relatesTo=replaced,
        category=[concept(own_coding("note", "assessment_and_plan"))],
        section=[section for section in sections if section],
    )


def _section(title: str, code: Json, text: str, entries: list[Json]) -> Json:
    if not plain(text):
        return {}
    return filled({"title": title, "code": code, "text": narrative(text), "entry": entries})


def narrative(text: str) -> Json:
    """Plain text as FHIR's XHTML: nothing that anybody wrote is markup."""
    body = html.escape(plain(text), quote=True).replace("\n", "<br/>")
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{body}</p></div>'}
