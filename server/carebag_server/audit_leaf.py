"""What of a row of the access log is a leaf of its tree. Pure.

The form never changes: another form would make another tree of the same log.
"""

import json
import uuid
from datetime import UTC, datetime


def leaf_entry(
    *,
    seq: int,
    at: datetime,
    action: str,
    object: str,  # noqa: A002 (the column's name)
    patient_id: uuid.UUID | None,
    visit_id: uuid.UUID | None,
    practitioner: str,
    role: str,
    care_unit: str,
    organization: str,
    purpose: str,
    origin: str,
    request_ref: str,
    hash: str,  # noqa: A002
) -> bytes:
    """The whole row as canonical JSON (RFC 8785): an object, UTF-8, its names in order.

    Args:
        hash: of the chain, so that a head that was written down (`N:HASH`) is in leaf N.

    Returns:
        Times as `2026-11-23T09:30:00.123456+00:00`, ids with hyphens, null for what is not there.
    """
    fields: dict[str, str | int | None] = {
        "action": action,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "care_unit": care_unit,
        "hash": hash,
        "object": object,
        "organization": organization,
        "origin": origin,
        "patient_id": str(patient_id) if patient_id else None,
        "practitioner": practitioner,
        "purpose": purpose,
        "request_ref": request_ref,
        "role": role,
        "seq": seq,
        "visit_id": str(visit_id) if visit_id else None,
    }
    # strings, whole numbers below 2^53 and null: of these json writes what RFC 8785 section 3.2 asks for
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
