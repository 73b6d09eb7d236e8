"""What an administrator may do on the page: within her reach, and never to herself what makes her more.

The acts themselves are those of `carebag admin` (`staff.py`, `passkey_links.py`, `kit_enrolment.py`); the rules here
bind the page alone, since whoever has the database is bound by none (docs/decisions/0038).
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from carebag_server.admin_tables import WholeHub
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.not_possible import NotPossible
from carebag_server.people_tables import CareUnit
from carebag_server.reauthentication import count_keys, require_fresh
from carebag_server.refusals import Refused, not_found
from carebag_server.staff import Change
from carebag_server.staff_lists import Looks
from carebag_server.tables import Commission, Kit, Organization, Passkey, Practitioner
from carebag_wire.identity.refusal import BadIdentity

OWN_ROLE = "administrator"


@dataclass(frozen=True)
class Desk:
    """An administrator at work: the change she makes and how far her commission reaches."""

    change: Change
    caller: PersonCaller
    whole_hub: bool

    @property
    def session(self) -> Session:
        return self.change.session

    def reaches(self, organization_id: uuid.UUID) -> bool:
        return self.whole_hub or organization_id == self.caller.organization_id

    def must_reach_all(self) -> None:
        """Raises: Refused: 403 `reach_needed`."""
        if not self.whole_hub:
            raise Refused(403, "reach_needed")

    def provider(self, organization_id: uuid.UUID) -> Organization:
        """Raises: Refused: 404 `not_found`, here and below also where it is another care provider's."""
        row = self.session.get(Organization, organization_id)
        if row is None or not self.reaches(row.id):
            raise not_found()
        return row

    def unit(self, unit_id: uuid.UUID) -> CareUnit:
        row = self.session.get(CareUnit, unit_id)
        if row is None or not self.reaches(row.organization_id):
            raise not_found()
        return row

    def kit(self, kit_id: uuid.UUID) -> Kit:
        row = self.session.get(Kit, kit_id)
        if row is None or not self.reaches(row.organization_id):
            raise not_found()
        return row

    def person(self, person_id: uuid.UUID) -> Practitioner:
        """Somebody who has or had a commission within reach."""
        row = self.session.get(Practitioner, person_id)
        theirs = select(Commission.organization_id).where(Commission.practitioner_id == person_id)
        if row is None or not (self.whole_hub or any(map(self.reaches, self.session.scalars(theirs)))):
            raise not_found()
        return row

    def whole_person(self, person_id: uuid.UUID) -> Practitioner:
        """For what concerns all that a person may do: keys, links, sessions, name.

        Raises:
            Refused: 404 `not_found`; 409 `own_account` (a colleague or the operator does it), `person_elsewhere` (has
                a commission beyond reach, which a key would open as well); 403 `reach_needed` (administrates more than
                the caller does).
        """
        row = self.person(person_id)
        if row.id == self.caller.person.practitioner_id:
            raise Refused(409, "own_account")
        live = self.session.scalars(_live_of(row.id)).all()
        if not all(self.reaches(one.organization_id) for one in live):
            raise Refused(409, "person_elsewhere")
        if any(self.session.get(WholeHub, one.id) for one in live):
            self.must_reach_all()
        return row

    def of(self, organization_id: uuid.UUID) -> Change:
        """The change with its row in the log of that care provider, who reviews it."""
        name = self.session.get_one(Organization, organization_id).name
        return replace(self.change, actor=replace(self.change.actor, organization=name))

    def about(self, person: Practitioner) -> Change:
        """As `of`, the one for whom the person works, or worked last."""
        query = select(Commission.organization_id).where(Commission.practitioner_id == person.id)
        order = (Commission.ended_at.is_not(None), Commission.organization_id != self.caller.organization_id)
        organization_id = self.session.scalars(query.order_by(*order, Commission.id.desc())).first()
        return self.change if organization_id is None else self.of(organization_id)

    def keyless(self, person_id: uuid.UUID, *, other_way: bool) -> Practitioner:
        """For a link: who has a way in adds keys by it, so that none comes to anybody unnoticed.

        Args:
            other_way: whether people also come by a provider, who knows them by their HSA-id.

        Raises:
            Refused: as `recoverable`; 409 `has_key`.
        """
        row = self.recoverable(person_id, other_way=other_way)
        if count_keys(self.session, row.id):
            raise Refused(409, "has_key")
        return row

    def recoverable(self, person_id: uuid.UUID, *, other_way: bool) -> Practitioner:
        """Somebody who has lost what opened the page here.

        Raises:
            Refused: as `whole_person`; 409 `comes_by_provider`: has no key and needs none.
        """
        row = self.whole_person(person_id)
        if other_way and row.hsa_id is not None and not count_keys(self.session, row.id):
            raise Refused(409, "comes_by_provider")
        return row

    def key(self, key_id: uuid.UUID) -> Passkey:
        """Raises: Refused: as `whole_person`, of the key's owner."""
        row = self.session.get(Passkey, key_id)
        if row is None or row.ended_at is not None:
            raise not_found()
        self.whole_person(row.practitioner_id)
        return row

    def may_give(self, role: str, person_id: uuid.UUID | None, *, other_way: bool) -> None:
        """Whether the page gives this role to this person (None: somebody new).

        Args:
            other_way: whether people also come by a provider, where each chooses among several of one role.

        Raises:
            Refused: 403 `by_operator` (administrators are made on the hub's machine), `not_to_oneself`; 409
                `role_there`: a passkey is asked for the role alone, and could not choose between two.
        """
        if role == OWN_ROLE:
            raise Refused(403, "by_operator")
        if person_id == self.caller.person.practitioner_id:
            raise Refused(403, "not_to_oneself")
        if person_id is None or other_way:
            return
        if any(one.role == role for one in self.session.scalars(_live_of(person_id))):
            raise Refused(409, "role_there")

    def to_end(self, commission_id: uuid.UUID) -> Commission:
        """A commission that the page may end.

        Raises:
            Refused: 404 `not_found`; 403 `reach_needed`; 409 `own_last_commission`: nobody shuts herself out.
        """
        row = self.session.get(Commission, commission_id)
        if row is None or not self.reaches(row.organization_id):
            raise not_found()
        if self.session.get(WholeHub, row.id):
            self.must_reach_all()
        mine = row.practitioner_id == self.caller.person.practitioner_id
        if mine and row.role == OWN_ROLE and row.ended_at is None:
            own = _live_of(row.practitioner_id).where(Commission.role == OWN_ROLE).subquery()
            if self.session.scalar(select(func.count()).select_from(own)) == 1:
                raise Refused(409, "own_last_commission")
        return row

    def looks(self) -> Looks:
        reach = None if self.whole_hub else {self.caller.organization_id}
        return Looks(self.session, self.change.now, reach, self.caller.person.practitioner_id)


def _live_of(person_id: uuid.UUID) -> Select[Commission]:
    return select(Commission).where(Commission.practitioner_id == person_id, Commission.ended_at.is_(None))


@contextmanager
def looking(hub: Hub, caller: PersonCaller) -> Iterator[Desk]:
    """To read lists: of staff and kits, and so without a row in the log of patients' data."""
    with hub.database.reading() as session:
        yield _desk(hub, session, caller)


@contextmanager
def changing(hub: Hub, caller: PersonCaller) -> Iterator[Desk]:
    """To change something: one transaction, with its rows in the log, by somebody who proved lately who she is.

    Raises:
        Refused: 403 `reauthenticate`; 409 and the code of what is not possible; 422 `bad_hsa_id`.
    """
    try:
        with hub.database.transaction() as session:
            require_fresh(session, caller, hub.now())
            yield _desk(hub, session, caller)
    except NotPossible as refused:
        raise Refused(409, refused.code) from None
    except BadIdentity:
        raise Refused(422, "bad_hsa_id") from None


def _desk(hub: Hub, session: Session, caller: PersonCaller) -> Desk:
    whole = session.get(WholeHub, caller.person.commission_id) is not None
    return Desk(Change(session, caller.actor(), hub.now()), caller, whole)
