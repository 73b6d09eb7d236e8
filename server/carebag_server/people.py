"""Practitioners in their commissions, as the pages and the kit see them."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.tables import Commission, Organization, Practitioner
from carebag_wire.visit import Person


@dataclass(frozen=True)
class Commissioned:
    person: Person
    organization_id: uuid.UUID


def commissioned(session: Session, commission_id: uuid.UUID) -> Commissioned | None:
    """The person of a commission; None if there is none or it has ended."""
    commission = session.get(Commission, commission_id)
    if commission is None or commission.ended_at is not None:
        return None
    return Commissioned(person_of(session, commission), commission.organization_id)


def person_of(session: Session, commission: Commission) -> Person:
    practitioner = session.get_one(Practitioner, commission.practitioner_id)
    organization = session.get_one(Organization, commission.organization_id)
    return Person.model_validate(
        {
            "commission_id": commission.id,
            "practitioner_id": practitioner.id,
            "name": practitioner.name,
            "title": practitioner.title,
            "role": commission.role,
            "unit": commission.unit,
            "organization": organization.name,
        }
    )


def nurse_commission(session: Session, nurse_id: uuid.UUID | None, organization_id: uuid.UUID) -> Commission | None:
    """The nurse's commission in an organisation; `nurse_id` is the practitioner's id, or the commission's own."""
    if nurse_id is None:
        return None
    return session.scalars(
        select(Commission)
        .where(Commission.role == "nurse", Commission.organization_id == organization_id)
        .where((Commission.practitioner_id == nurse_id) | (Commission.id == nurse_id))
        .order_by(Commission.id)
    ).first()
