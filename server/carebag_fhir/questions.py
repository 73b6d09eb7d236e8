"""What the nurse asked the doctor in words of her own, as a Communication (FHIR R4)."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from carebag_fhir.elements import Json, instant, own_coding, plain, resource
from carebag_fhir.encounters import patient_reference, visit_reference
from carebag_fhir.observations import Surroundings
from carebag_fhir.parties import own_identifier
from carebag_fhir.visit_export import StoredRecord
from carebag_wire.records import QuestionPut
from carebag_wire.visit import VisitQuestion


def question_resources(records: Sequence[StoredRecord], around: Surroundings) -> Iterator[Json]:
    """In the kit's order. To whom is not said: whoever examines the patient at a distance, then or later."""
    for stored in records:
        record = stored.record
        if isinstance(record, QuestionPut) and plain(record.text):
            yield resource(
                "Communication",
                record.id,
                identifier=[own_identifier("question", record.id)],
                status="completed",
                category=[{"coding": [own_coding("communication", "nurse-question")]}],
                subject=patient_reference(around.visit.patient),
                encounter=visit_reference(around.visit),
                sent=instant(record.times.kit_utc),
                received=instant(stored.received_at),
                sender=around.parties.by_id(record.binding.nurse_id),
                payload=[{"contentString": plain(record.text)}],
            )


def questions_in(bundle: Json) -> list[VisitQuestion]:
    """The questions of a visit's decoded Bundle, as any receiver reads them.

    Raises:
        KeyError, IndexError, ValueError: not written by this program.
    """
    found = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Communication"]
    return [
        VisitQuestion(
            id=uuid.UUID(one["identifier"][0]["value"]),
            text=one["payload"][0]["contentString"],
            asked_by=one["sender"].get("display", ""),
            asked_at=datetime.fromisoformat(one["sent"]),
            received_at=datetime.fromisoformat(one["received"]),
        )
        for one in found
    ]
