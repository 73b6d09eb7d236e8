"""What the kit signed, word for word, and its signature: whoever receives the Bundle can check it with nothing else.

`Provenance.signature.data` is Ed25519 by the key in the kit's Device over the bytes of the Binary in `entity.what`.
"""

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence

from carebag_fhir.elements import (
    TERMINOLOGY,
    Json,
    coding,
    concept,
    extension,
    instant,
    own_coding,
    part_id,
    reference,
    resource,
)
from carebag_fhir.encounters import visit_reference
from carebag_fhir.observations import Surroundings, part_of_visit
from carebag_fhir.visit_export import StoredRecord
from carebag_wire.records import (
    ReadingFiled,
    ReadingWithdrawn,
    Record,
    RequestProgressed,
    VisitClosed,
    VisitOpened,
    VisitTakenOver,
)

_SOURCE_SIGNATURE = coding("urn:iso-astm:E1762-95:2013", "1.2.840.10065.1.12.1.14", "Source Signature")
_PARTICIPANT = f"{TERMINOLOGY}/provenance-participant-type"


def targets_by_record(resources: Sequence[Json]) -> dict[str, list[Json]]:
    """Reading, sound, photo or answer → what of it is in the Bundle, by the identifier that the parts share."""
    found: dict[str, list[Json]] = {}
    for one in resources:
        identifiers = one.get("identifier", [one["masterIdentifier"]] if "masterIdentifier" in one else [])
        if one["resourceType"] == "QuestionnaireResponse":
            identifiers = [identifiers]  # at most one, no list
        if one["resourceType"] in ("Observation", "DocumentReference", "QuestionnaireResponse", "Communication"):
            to = reference(one["resourceType"], uuid.UUID(one["id"]))
            found.setdefault(identifiers[0]["value"], []).append(to)
    return found


def signature_resources(
    stored: StoredRecord, around: Surroundings, targets: Mapping[str, list[Json]]
) -> Iterator[Json]:
    """The signed text as a Binary, and the Provenance that binds it to what was made from it."""
    record, kit = stored.record, reference("Device", around.visit.kit_id)
    own_id = part_of_visit(around.visit, record.binding, record.id)
    text_id = part_id(own_id, "record")
    text = base64.b64encode(stored.signed.payload.encode()).decode()
    yield resource("Binary", text_id, contentType="application/json", data=text)
    at = instant(record.times.kit_utc)
    nurse = around.parties.by_id(record.binding.nurse_id)
    agents = [_agent("author", nurse)] if nurse else []
    signature = {
        "extension": extension("signature-algorithm", "Code", "Ed25519"),
        "type": [_SOURCE_SIGNATURE],
        "when": at,
        "who": kit,
        "targetFormat": "application/json",
        "sigFormat": "application/octet-stream",
        "data": stored.signed.signature,
    }
    yield resource(
        "Provenance",
        part_id(own_id, "provenance"),
        extension=extension("sha256", "String", stored.signed.sha256),
        target=_targets(record, around, targets),
        occurredDateTime=at,
        recorded=instant(stored.received_at),
        activity=concept(own_coding("record", record.type)),
        agent=[*agents, _agent("assembler", kit)],
        entity=[{"role": "source", "what": reference("Binary", text_id)}],
        signature=[signature],
    )


def _agent(role: str, who: Json) -> Json:
    return {"type": concept(coding(_PARTICIPANT, role, role.capitalize())), "who": who}


def _targets(record: Record, around: Surroundings, targets: Mapping[str, list[Json]]) -> list[Json]:
    """What the record is about; the visit where it is about nothing else that is here."""
    if isinstance(record, RequestProgressed):
        return around.based_on(record.binding) or [visit_reference(around.visit)]
    about = record.reading_id if isinstance(record, ReadingFiled | ReadingWithdrawn) else record.id
    here = targets.get(str(about)) or targets.get(str(part_id(around.visit.id, f"record {about}"))) or []
    if isinstance(record, VisitOpened | VisitClosed | VisitTakenOver):
        return [visit_reference(around.visit), *here]
    return here or [visit_reference(around.visit)]
