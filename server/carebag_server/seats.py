"""Who sits where: a connection of each kind, and what the rooms tell the shell to do with it."""

import uuid
from dataclasses import dataclass, field

from carebag_wire.base import Wire
from carebag_wire.guests import Guest
from carebag_wire.messages import GuestRoom, KitStatus
from carebag_wire.visit import Participant

Connection = int


@dataclass(frozen=True)
class Send:
    connection: Connection
    message: Wire


@dataclass(frozen=True)
class Close:
    """Close after what was sent before."""

    connection: Connection


Action = Send | Close


@dataclass
class Seat:
    """A doctor's tab in a room. Until its snapshot is sent, what changes meanwhile is held back, to come after it."""

    connection: Connection
    visit_id: uuid.UUID
    kit_id: uuid.UUID
    snapshot_sent: bool = False
    held: list[Wire] = field(default_factory=list)


@dataclass
class Console:
    connection: Connection
    practitioner_id: uuid.UUID
    name: str
    number: int
    seat: Seat | None = None

    @property
    def participant(self) -> Participant:
        return Participant(id=f"doctor:{self.practitioner_id}:{self.number}", role="doctor", name=self.name)


@dataclass
class KitHere:
    """A kit's connection. Until its visits are sent, what changes meanwhile is held back, as for a `Seat`."""

    connection: Connection
    kit_id: uuid.UUID
    name: str
    key: str = ""
    """Raw public key, base64."""
    status: KitStatus | None = None
    visits_sent: bool = False
    held: list[Wire] = field(default_factory=list)


@dataclass
class GuestHere:
    """A guest's page, at the door or in the room."""

    connection: Connection
    guest: Guest
    kit_id: uuid.UUID

    @property
    def admitted(self) -> bool:
        return self.guest.state == "admitted"

    @property
    def participant(self) -> Participant:
        name = self.guest.said_name or self.guest.name
        return Participant(id=guest_participant(self.guest.id), role="guest", name=name)


def guest_participant(guest_id: uuid.UUID) -> str:
    return f"guest:{guest_id}"


def kit_participant(kit_id: uuid.UUID) -> str:
    return f"kit:{kit_id}"


def nurse_participant(kit_id: uuid.UUID) -> str:
    return f"nurse:{kit_id}"


def room_of(here: GuestHere, participants: list[Participant]) -> GuestRoom:
    """What a guest is told: people's names, once let in; not the kit, which no guest may call."""
    if not here.admitted:
        return GuestRoom(visit_id=here.guest.visit_id, state="waiting")
    others = [one for one in participants if one.role != "kit" and one.id != here.participant.id]
    return GuestRoom(visit_id=here.guest.visit_id, state="admitted", camera=here.guest.camera, participants=others)
