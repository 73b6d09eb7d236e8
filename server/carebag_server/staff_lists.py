"""Who and what there is, for `carebag admin` and the administrators' page: both read by the same queries."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag_server.admin_tables import KitSeen, WholeHub
from carebag_server.people_tables import CareUnit, HsaName, KitCode, PasskeyLink
from carebag_server.sessions import ABSOLUTE, state_of
from carebag_server.tables import Commission, Kit, Organization, Passkey, Practitioner, SignedIn
from carebag_wire.administration import (
    GivenCommission,
    KitView,
    ProviderView,
    StaffKey,
    StaffPerson,
    StaffSession,
    UnitView,
    WaitingCode,
)

Reach = Collection[uuid.UUID] | None
"""Ids of care providers; None: all of the hub."""
_NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True)
class Looks:
    """Who looks at a list, and when.

    Args:
        reach: of which care providers rows are shown.
        myself: practitioner's id; the operator's command is nobody.
    """

    session: Session
    now: datetime
    reach: Reach = None
    myself: uuid.UUID = _NOBODY

    def within(self, organization_id: uuid.UUID) -> bool:
        return self.reach is None or organization_id in self.reach


def providers(look: Looks) -> list[ProviderView]:
    """Care providers with their units, by name."""
    session, hsa = look.session, _hsa_names(look.session)
    live = select(Commission.organization_id, Commission.unit, func.count()).where(Commission.ended_at.is_(None))
    staffed = _by_unit(session.execute(live.group_by(Commission.organization_id, Commission.unit)).all())
    used = select(Kit.organization_id, Kit.unit, func.count()).where(Kit.revoked_at.is_(None))
    kits_of = _by_unit(session.execute(used.group_by(Kit.organization_id, Kit.unit)).all())
    units: dict[uuid.UUID, list[UnitView]] = {}
    for unit in session.scalars(select(CareUnit).order_by(CareUnit.name, CareUnit.id)):
        key = (unit.organization_id, unit.name)
        view = UnitView(
            id=unit.id,
            name=unit.name,
            hsa_id=hsa.get(unit.id),
            commissions=staffed.get(key, 0),
            kits=kits_of.get(key, 0),
        )
        units.setdefault(unit.organization_id, []).append(view)
    rows = session.scalars(select(Organization).order_by(Organization.name, Organization.id))
    return [
        ProviderView(id=row.id, name=row.name, hsa_id=hsa.get(row.id), units=units.get(row.id, []))
        for row in rows
        if look.within(row.id)
    ]


def people(look: Looks, text: str = "", *, ended: bool = True, only: uuid.UUID | None = None) -> list[StaffPerson]:
    """Practitioners by name with their commissions, those who have or had one within reach.

    Args:
        text: words, all of which name, title, HSA-id or a unit must hold, whatever their case.
        ended: also those without a commission of now.
        only: this person and nobody else.
    """
    words = text.casefold().split()
    given = _commissions(look)
    found = []
    rows = select(Practitioner).order_by(Practitioner.name, Practitioner.id)
    for person in look.session.scalars(rows if only is None else rows.where(Practitioner.id == only)):
        theirs = given.get(person.id, [])
        shown = [one for one in theirs if look.within(one.organization_id)]
        if (look.reach is not None and not shown) or not (ended or any(one.ended_at is None for one in shown)):
            continue
        about = " ".join([person.name, person.title, person.hsa_id or "", *(one.unit for one in shown)]).casefold()
        if all(word in about for word in words):
            found.append((person, theirs, shown))
    keys, links = _key_counts(look.session), _open_links(look)
    return [
        StaffPerson(
            id=person.id,
            name=person.name,
            title=person.title,
            hsa_id=person.hsa_id,
            passkeys=keys.get(person.id, 0),
            link_until=links.get(person.id),
            commissions=sorted(shown, key=lambda one: one.ended_at is not None),
            myself=person.id == look.myself,
            elsewhere=any(one.ended_at is None and not look.within(one.organization_id) for one in theirs),
        )
        for person, theirs, shown in found
    ]


def keys(session: Session, person_id: uuid.UUID) -> list[StaffKey]:
    """The passkeys that work, the oldest first."""
    theirs = select(Passkey).where(Passkey.practitioner_id == person_id, Passkey.ended_at.is_(None))
    return [
        StaffKey(id=key.id, name=key.name, created_at=key.created_at, used_at=key.used_at)
        for key in session.scalars(theirs.order_by(Passkey.created_at, Passkey.id))
    ]


def sessions(look: Looks, person_id: uuid.UUID) -> list[StaffSession]:
    """Sessions that go on, within reach, the newest first."""
    query = select(SignedIn, Commission).join(Commission, SignedIn.commission_id == Commission.id)
    query = query.where(Commission.practitioner_id == person_id, SignedIn.ended_at.is_(None))
    return [
        StaffSession.model_validate(
            {
                "id": row.id,
                "role": commission.role,
                "unit": commission.unit,
                "created_at": row.created_at,
                "used_at": row.used_at,
                "locked": state_of(row, look.now) == "locked",
            }
        )
        for row, commission in look.session.execute(query.order_by(SignedIn.created_at.desc(), SignedIn.id)).all()
        if look.within(commission.organization_id) and state_of(row, look.now) != "over"
    ]


def kits(look: Looks, connected: Collection[uuid.UUID] = ()) -> list[KitView]:
    """Kits by name, those that are shut out last."""
    query = select(Kit, Organization.name, KitSeen.at).join(Organization, Organization.id == Kit.organization_id)
    query = query.outerjoin(KitSeen, KitSeen.kit_id == Kit.id).order_by(Kit.revoked_at.is_not(None), Kit.name, Kit.id)
    return [
        KitView(
            id=kit.id,
            name=kit.name,
            unit=kit.unit,
            organization=organization,
            enrolled_at=kit.enrolled_at,
            revoked_at=kit.revoked_at,
            seen_at=seen,
            connected=kit.id in connected,
        )
        for kit, organization, seen in look.session.execute(query).all()
        if look.within(kit.organization_id)
    ]


def codes(look: Looks) -> list[WaitingCode]:
    """Codes for kits that nobody used and that still work, in the order of their making."""
    query = select(KitCode, Organization.name).join(Organization, Organization.id == KitCode.organization_id)
    query = query.where(KitCode.used_at.is_(None), KitCode.expires_at > look.now).order_by(KitCode.made_at)
    return [
        WaitingCode(
            name=row.name,
            unit=row.unit,
            organization=name,
            kit_id=row.kit_id,
            made_at=row.made_at,
            expires_at=row.expires_at,
        )
        for row, name in look.session.execute(query).all()
        if look.within(row.organization_id)
    ]


def _hsa_names(session: Session) -> dict[uuid.UUID, str]:
    return {row.owner_id: row.value for row in session.scalars(select(HsaName))}


def _by_unit(rows: Iterable[tuple[uuid.UUID, str, int]]) -> dict[tuple[uuid.UUID, str], int]:
    return {(organization_id, unit): count for organization_id, unit, count in rows}


def _commissions(look: Looks) -> dict[uuid.UUID, list[GivenCommission]]:
    """By practitioner, also those beyond reach."""
    session = look.session
    units = {(row.organization_id, row.name): row.id for row in session.scalars(select(CareUnit))}
    whole = set(session.scalars(select(WholeHub.commission_id)))
    signed_in: dict[uuid.UUID, int] = {}
    going_on = select(SignedIn.commission_id, func.count()).where(
        SignedIn.ended_at.is_(None), SignedIn.created_at > look.now - ABSOLUTE
    )
    for commission_id, count in session.execute(going_on.group_by(SignedIn.commission_id)).all():
        signed_in[commission_id] = count
    found: dict[uuid.UUID, list[GivenCommission]] = {}
    query = select(Commission, Organization.name).join(Organization, Organization.id == Commission.organization_id)
    for row, organization in session.execute(query.order_by(Commission.id)).all():
        view = GivenCommission.model_validate(
            {
                "id": row.id,
                "role": row.role,
                "unit": row.unit,
                "unit_id": units.get((row.organization_id, row.unit)),
                "organization_id": row.organization_id,
                "organization": organization,
                "hsa_id": row.hsa_id,
                "whole_hub": row.id in whole,
                "ended_at": row.ended_at,
                "signed_in": signed_in.get(row.id, 0),
            }
        )
        found.setdefault(row.practitioner_id, []).append(view)
    return found


def _key_counts(session: Session) -> dict[uuid.UUID, int]:
    query = select(Passkey.practitioner_id, func.count()).where(Passkey.ended_at.is_(None))
    return {row[0]: row[1] for row in session.execute(query.group_by(Passkey.practitioner_id)).all()}


def _open_links(look: Looks) -> dict[uuid.UUID, datetime]:
    query = select(PasskeyLink).where(PasskeyLink.used_at.is_(None), PasskeyLink.expires_at > look.now)
    return {row.practitioner_id: row.expires_at for row in look.session.scalars(query)}
