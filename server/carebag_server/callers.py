"""Who is calling: anyone, a person in one commission, a guest, or a kit; and how each appears in the access log."""

import uuid
from dataclasses import dataclass

from carebag_server.audit import Actor
from carebag_wire.guests import GuestSelf
from carebag_wire.visit import Person

PURPOSES = {"doctor": "care", "nurse": "care", "reviewer": "review", "administrator": "administration"}


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Not signed in, as far as this route cares."""

    address: str
    request_ref: str


@dataclass(frozen=True, kw_only=True)
class PersonCaller:
    person: Person
    organization_id: uuid.UUID
    session_id: uuid.UUID
    address: str
    request_ref: str

    def actor(self, purpose: str | None = None) -> Actor:
        """As in the log; `purpose` if it is not what the role is for, such as `emergency`."""
        return Actor(
            practitioner=self.person.name,
            role=self.person.role,
            care_unit=self.person.unit,
            organization=self.person.organization,
            purpose=purpose or PURPOSES[self.person.role],
            origin=self.address,
            request_ref=self.request_ref,
        )


@dataclass(frozen=True, kw_only=True)
class KitCaller:
    kit_id: uuid.UUID
    name: str
    unit: str
    organization_id: uuid.UUID
    organization: str
    address: str
    request_ref: str
    public_key: bytes = b""
    """Raw Ed25519, as enrolled."""

    def actor(self, nurse: str | None = None) -> Actor:
        """The kit, or the nurse for whom it acted (`Anna Lind · Väska 1`)."""
        return Actor(
            practitioner=f"{nurse} · {self.name}" if nurse else self.name,
            role="nurse" if nurse else "kit",
            care_unit=self.unit,
            organization=self.organization,
            purpose="care",
            origin=self.address,
            request_ref=self.request_ref,
        )


@dataclass(frozen=True, kw_only=True)
class GuestCaller:
    guest: GuestSelf
    patient_id: uuid.UUID
    kit_id: uuid.UUID
    organization: str
    address: str
    request_ref: str

    def actor(self) -> Actor:
        return Actor(
            practitioner=self.guest.name,
            role="guest",
            care_unit=self.guest.role,
            organization=self.organization,
            purpose="care",
            origin=self.address,
            request_ref=self.request_ref,
        )
