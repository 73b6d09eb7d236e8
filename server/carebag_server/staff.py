"""Care providers, their units, agreements between them, people and their commissions: entered and ended.

Every change is logged in its own transaction. Nothing is deleted but passkeys; what ended stays readable.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from carebag_server.admin_tables import WholeHub
from carebag_server.audit import Act, Actor, append
from carebag_server.entered_text import entered, named
from carebag_server.not_possible import NotPossible
from carebag_server.people_tables import CareUnit, HsaName, PasskeyLink
from carebag_server.tables import CareAgreement, Commission, Organization, Passkey, Practitioner, SignedIn
from carebag_wire.base import uuid7
from carebag_wire.identity.person import Identity
from carebag_wire.identity.systems import HSA_ID
from carebag_wire.visit import Role

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Change:
    """What every act of an operator has: the transaction, who acts, and when."""

    session: Session
    actor: Actor
    now: datetime

    def log(self, action: Act, organization: str = "") -> None:
        """`organization`: the care provider concerned, where it is one."""
        actor = replace(self.actor, organization=organization) if organization else self.actor
        append(self.session, actor, action, self.now)

    def new_id(self) -> uuid.UUID:
        return uuid7(int(self.now.timestamp() * 1000))


def note_hsa_id(change: Change, owner: Organization | CareUnit | Practitioner | Commission, hsa_id: str | None) -> None:
    """Keep an HSA-id, where one was given: of people and commissions where a sign-in by a provider looks.

    Raises:
        BadIdentity: it is none.
        NotPossible: somebody or something else has it.
    """
    if not hsa_id:
        return
    value = Identity(HSA_ID, hsa_id).value
    had_by = owner_of_hsa_id(change.session, value)
    # one commission of HSA has several people
    shared = isinstance(owner, Commission) and had_by and change.session.get(Commission, had_by) is not None
    if had_by is not None and not shared:
        raise NotPossible(f"{value} belongs to somebody or something else here: an HSA-id names one", "hsa_id_taken")
    if isinstance(owner, Practitioner | Commission):
        owner.hsa_id = value
    else:
        change.session.add(HsaName(owner_id=owner.id, value=value))
    change.session.flush()


def owner_of_hsa_id(session: Session, value: str) -> uuid.UUID | None:
    """Whose it is: a person's, a commission's, a care provider's or a unit's."""
    found = (
        select(HsaName.owner_id).where(HsaName.value == value),
        select(Practitioner.id).where(Practitioner.hsa_id == value),
        select(Commission.id).where(Commission.hsa_id == value),
    )
    return next((owner for query in found if (owner := session.scalars(query).first()) is not None), None)


def add_organization(change: Change, name: str, hsa_id: str | None = None) -> Organization:
    """Enter a care provider. Raises: NotPossible, BadIdentity."""
    name = named(name, "a care provider")
    if change.session.scalars(select(Organization).where(Organization.name == name)).first() is not None:
        raise NotPossible(f"there is a care provider {name} already", "name_taken")
    row = Organization(id=change.new_id(), name=name)
    change.session.add(row)
    note_hsa_id(change, row, hsa_id)
    change.log(Act(action="organization_added", object=f"organization {row.id}"), name)
    return row


def add_unit(change: Change, organization: Organization, name: str, hsa_id: str | None = None) -> CareUnit:
    """Enter a care unit. Raises: NotPossible, BadIdentity."""
    name = named(name, "a care unit")
    same = select(CareUnit).where(CareUnit.organization_id == organization.id, CareUnit.name == name)
    if change.session.scalars(same).first() is not None:
        raise NotPossible(f"{organization.name} has a unit {name} already", "name_taken")
    row = CareUnit(id=change.new_id(), organization_id=organization.id, name=name)
    change.session.add(row)
    note_hsa_id(change, row, hsa_id)
    change.log(Act(action="unit_added", object=f"unit {row.id}"), organization.name)
    return row


def add_agreement(change: Change, home: Organization, doctors: Organization) -> CareAgreement:
    """From now on doctors of `doctors` serve the visits of `home`.

    Raises:
        NotPossible: it is there and has not ended, or both are the same.
    """
    if home.id == doctors.id:
        raise NotPossible("an agreement is between two care providers")
    same = select(CareAgreement).where(
        CareAgreement.home_organization_id == home.id, CareAgreement.doctor_organization_id == doctors.id
    )
    row = change.session.scalars(same).first()
    if row is None:
        row = CareAgreement(
            id=change.new_id(),
            home_organization_id=home.id,
            doctor_organization_id=doctors.id,
            valid_from=change.now,
        )
        change.session.add(row)
    elif row.valid_until is None or row.valid_until > change.now:
        raise NotPossible("that agreement is there already")
    else:
        row.valid_from, row.valid_until = change.now, None
    change.session.flush()
    change.log(Act(action="agreement_added", object=f"agreement {row.id} with {doctors.name}"), home.name)
    return row


def end_agreement(change: Change, row: CareAgreement) -> None:
    """From now on those doctors see none of those visits. Raises: NotPossible: it has ended."""
    if row.valid_until is not None and row.valid_until <= change.now:
        raise NotPossible("that agreement has ended already")
    row.valid_until = change.now
    home = change.session.get_one(Organization, row.home_organization_id)
    doctors = change.session.get_one(Organization, row.doctor_organization_id)
    change.log(Act(action="agreement_ended", object=f"agreement {row.id} with {doctors.name}"), home.name)


def add_person(change: Change, name: str, title: str, hsa_id: str | None = None) -> Practitioner:
    """Enter a practitioner, who may do nothing before a commission. Raises: NotPossible, BadIdentity."""
    row = Practitioner(id=change.new_id(), name=named(name, "a person"), title=entered(title, "the title"))
    change.session.add(row)
    note_hsa_id(change, row, hsa_id)
    change.log(Act(action="person_added", object=f"practitioner {row.id}"))
    return row


def correct_person(change: Change, person: Practitioner, name: str, title: str, hsa_id: str | None = None) -> None:
    """Another name, title or HSA-id from now on; notes and the log keep what was written.

    Args:
        hsa_id: None: as it is. By it a provider's sign-in finds the person.

    Raises:
        NotPossible: a name that is none, or an HSA-id of somebody or something else.
        BadIdentity: the HSA-id is none.
    """
    person.name, person.title = named(name, "a person"), entered(title, "the title")
    anew = hsa_id is not None and hsa_id != person.hsa_id
    if anew:
        note_hsa_id(change, person, hsa_id)
    change.session.flush()
    change.log(Act(action="person_corrected", object=f"practitioner {person.id}{' hsa-id' if anew else ''}"))


def add_commission(
    change: Change,
    person: Practitioner,
    unit: CareUnit,
    role: str,
    hsa_id: str | None = None,
    *,
    whole_hub: bool = False,
) -> Commission:
    """Give a practitioner a role (uppdrag) at a care unit.

    Args:
        whole_hub: an administrator's, for all care providers of the hub and not the unit's alone.

    Raises:
        NotPossible: no such role, or that commission stands.
        BadIdentity: the HSA-id is none.
    """
    if role not in ROLES:
        raise NotPossible(f"a role is one of {', '.join(ROLES)}")
    if whole_hub and role != "administrator":
        raise NotPossible("only an administrator's commission can be for the whole hub")
    same = select(Commission).where(
        Commission.practitioner_id == person.id,
        Commission.organization_id == unit.organization_id,
        Commission.unit == unit.name,
        Commission.role == role,
        Commission.ended_at.is_(None),
    )
    if change.session.scalars(same).first() is not None:
        raise NotPossible(f"{person.name} has that commission already", "commission_there")
    row = Commission(
        id=change.new_id(),
        practitioner_id=person.id,
        organization_id=unit.organization_id,
        unit=unit.name,
        role=role,
    )
    change.session.add(row)
    note_hsa_id(change, row, hsa_id)
    provider = change.session.get(HsaName, unit.organization_id)
    row.provider_hsa_id = provider.value if provider else None
    if whole_hub:
        change.session.flush()
        change.session.add(WholeHub(commission_id=row.id))
    organization = change.session.get_one(Organization, unit.organization_id)
    what = f"{role} of the whole hub" if whole_hub else role
    thing = f"commission {row.id} {what} at {unit.name} of practitioner {person.id}"
    change.log(Act(action="commission_added", object=thing), organization.name)
    return row


def end_commission(change: Change, row: Commission) -> None:
    """End a role; who is signed in with it is out within 20 s. Raises: NotPossible: it has ended."""
    if row.ended_at is not None:
        raise NotPossible("that commission has ended already", "already_ended")
    _end_commissions(change, [row])
    organization = change.session.get_one(Organization, row.organization_id)
    thing = f"commission {row.id} {row.role} at {row.unit} of practitioner {row.practitioner_id}"
    change.log(Act(action="commission_ended", object=thing), organization.name)


def end_person(change: Change, person: Practitioner) -> None:
    """End all that a person may do here: commissions, sessions, passkeys, links. What they did stays.

    Raises:
        NotPossible: there is nothing to end.
    """
    session = change.session
    commissions = session.scalars(
        select(Commission).where(Commission.practitioner_id == person.id, Commission.ended_at.is_(None))
    ).all()
    keys = session.scalars(select(Passkey).where(Passkey.practitioner_id == person.id)).all()
    open_links = _void_links(change, person)
    if not commissions and not keys and not open_links:
        raise NotPossible(f"{person.name} has no commission, no passkey and no open link", "nothing_to_end")
    _end_commissions(change, commissions)
    session.execute(delete(Passkey).where(Passkey.practitioner_id == person.id))
    thing = f"practitioner {person.id}, commissions {len(commissions)}, passkeys {len(keys)}"
    change.log(Act(action="person_ended", object=thing))


def sign_out(change: Change, person: Practitioner | None) -> int:
    """End the sessions of a person, or of everybody; they may come in again. Returns: how many there were.

    Who is signed in at a kit that reaches the hub is out there as well.
    """
    going_on = select(SignedIn.commission_id, SignedIn.id).where(SignedIn.ended_at.is_(None))
    if person is not None:
        theirs = select(Commission.id).where(Commission.practitioner_id == person.id)
        going_on = going_on.where(SignedIn.commission_id.in_(theirs))
    found = change.session.execute(going_on).all()
    _end_sessions(change, {row.commission_id for row in found})
    whose = "everybody" if person is None else f"practitioner {person.id}"
    change.log(Act(action="sessions_ended", object=f"sessions {len(found)} of {whose}"))
    return len(found)


def end_passkeys(change: Change, person: Practitioner) -> int:
    """All of a person's keys, after a loss: they open nothing any more, and the person's sessions are over.

    Returns: how many there were.
    """
    of_owner = select(Commission.id).where(Commission.practitioner_id == person.id)
    _end_sessions(change, change.session.scalars(of_owner).all())
    live = select(Passkey).where(Passkey.practitioner_id == person.id, Passkey.ended_at.is_(None))
    keys = change.session.scalars(live).all()
    for key in keys:
        key.ended_at = change.now
    change.log(Act(action="passkeys_ended", object=f"passkeys {len(keys)} of practitioner {person.id}"))
    return len(keys)


def end_passkey(change: Change, key: Passkey) -> None:
    """The key opens nothing any more, and whoever is signed in as its owner has to come in again."""
    of_owner = select(Commission.id).where(Commission.practitioner_id == key.practitioner_id)
    _end_sessions(change, change.session.scalars(of_owner).all())
    change.session.delete(key)
    change.log(Act(action="passkey_ended", object=f"passkey {key.id} of practitioner {key.practitioner_id}"))


def _void_links(change: Change, person: Practitioner) -> int:
    """Links that nobody used work no more. Returns: how many there were."""
    unused = select(PasskeyLink).where(
        PasskeyLink.practitioner_id == person.id, PasskeyLink.used_at.is_(None), PasskeyLink.expires_at > change.now
    )
    links = change.session.scalars(unused).all()
    for link in links:
        link.expires_at = change.now
    return len(links)


def _end_commissions(change: Change, rows: Iterable[Commission]) -> None:
    ended = list(rows)
    for row in ended:
        row.ended_at = change.now
    _end_sessions(change, [row.id for row in ended])


def _end_sessions(change: Change, commission_ids: Iterable[uuid.UUID]) -> None:
    theirs = SignedIn.commission_id.in_(list(commission_ids))
    change.session.execute(update(SignedIn).where(theirs, SignedIn.ended_at.is_(None)).values(ended_at=change.now))
