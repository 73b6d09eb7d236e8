"""What an operator means by a name, an HSA-id or an id: exactly one row, or words that say how to find it."""

import uuid
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.not_possible import NotPossible
from carebag_server.people_tables import CareUnit, HsaName
from carebag_server.tables import CareAgreement, Commission, Kit, Organization, Passkey, PatientRow, Practitioner

Row = TypeVar("Row", Organization, CareUnit, Practitioner, Commission, Kit, CareAgreement, Passkey, PatientRow)
_CALLED: dict[type, tuple[str, str]] = {
    Organization: ("care provider", "organization list"),
    CareUnit: ("care unit", "unit list"),
    Practitioner: ("person", "person list"),
    Commission: ("commission", "commission list"),
    Kit: ("kit", "kit list"),
    Passkey: ("passkey", "passkey list"),
    PatientRow: ("patient", "patient list"),
    CareAgreement: ("agreement", "agreement list"),
}


def the_one(session: Session, table: type[Row], text: str, *, by_name: bool = True) -> Row:
    """By id, HSA-id or exact name.

    Args:
        by_name: a patient's name is not an identity, and is asked for nowhere.

    Raises:
        NotPossible: none, or several.
    """
    what, where = _CALLED[table]
    look = f"carebag admin {where}  shows them"
    found = session.get(table, given) if (given := _owner(session, text)) else None
    if found is not None:
        return found
    named: Any = getattr(table, "name", None)
    rows = session.scalars(select(table).where(named == text)).all() if by_name and named is not None else []
    if len(rows) > 1:
        ids = ", ".join(str(row.id) for row in rows)
        raise NotPossible(f"several are called {text}; give the id of one: {ids}")
    if not rows:
        # what was typed for a patient is not said again: it may be a number
        told = "" if table is PatientRow else f" {text}"
        raise NotPossible(f"there is no {what}{told}; {look}")
    return rows[0]


def unit_of(session: Session, organization: str | None, text: str) -> CareUnit:
    """A care unit; its care provider is needed only where two have a unit of that name.

    Raises:
        NotPossible
    """
    if organization is None:
        return the_one(session, CareUnit, text)
    of = the_one(session, Organization, organization)
    unit = session.scalars(select(CareUnit).where(CareUnit.organization_id == of.id, CareUnit.name == text)).first()
    if unit is None:
        raise NotPossible(f"{of.name} has no unit {text}; carebag admin unit list  shows them")
    return unit


def hsa_of(session: Session, owner_id: uuid.UUID) -> str | None:
    row = session.get(HsaName, owner_id)
    return row.value if row else None


def _owner(session: Session, text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return session.scalars(select(HsaName.owner_id).where(HsaName.value == text)).first()
