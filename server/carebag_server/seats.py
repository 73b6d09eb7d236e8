"""Who sits where: a connection of each kind, and what the rooms tell the shell to do with it."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

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
    shown: bool = False
    """The visit was shown here before, if over another connection: for the others nothing changes."""
    held: list[Wire] = field(default_factory=list)

    def ready(self) -> list[Wire]:
        """The snapshot is sent; gives what is to come after it."""
        self.snapshot_sent = self.shown = True
        held, self.held = self.held, []
        return held


@dataclass
class Console:
    connection: Connection
    practitioner_id: uuid.UUID
    name: str
    seat: Seat | None = None
    page: str = ""
    """Of a page that may come back over another connection: see `same_page`."""
    turn: int = 0
    """Counts that page's connections."""
    place: Connection = 0
    """Its first connection: by these the others are listed, so that who comes back stands where it stood."""
    away: bool = False
    """Its connection broke a moment ago, and it did not say that it leaves."""

    def __post_init__(self) -> None:
        self.place = self.place or self.connection

    @property
    def participant(self) -> Participant:
        me = doctor_participant(self.practitioner_id, self.page or str(self.connection))
        return Participant(id=me, role="doctor", name=self.name)


class Seating:
    """Which console sits where, found by visit and by kit without looking at the others."""

    def __init__(self) -> None:
        self._of_visit: dict[uuid.UUID, dict[int, Console]] = {}
        self._of_kit: dict[uuid.UUID, dict[int, Console]] = {}

    def sit(self, console: Console, seat: Seat) -> None:
        """From whatever seat it had before."""
        self.rise(console)
        console.seat = seat
        self._of_visit.setdefault(seat.visit_id, {})[console.connection] = console
        self._of_kit.setdefault(seat.kit_id, {})[console.connection] = console

    def rise(self, console: Console) -> Seat | None:
        """The seat that it had; None where it had none."""
        seat, console.seat = console.seat, None
        if seat is not None:
            for index, key in ((self._of_visit, seat.visit_id), (self._of_kit, seat.kit_id)):
                del index[key][console.connection]
                if not index[key]:
                    del index[key]
        return seat

    def in_room(self, visit_id: uuid.UUID) -> list[Console]:
        """In the order in which they came to the hub."""
        return sorted(self._of_visit.get(visit_id, {}).values(), key=_by_place)

    def of_kit(self, kit_id: uuid.UUID) -> list[Console]:
        """Likewise, in all rooms of one kit."""
        return sorted(self._of_kit.get(kit_id, {}).values(), key=_by_place)


def _by_place(console: Console) -> tuple[Connection, Connection]:
    return console.place, console.connection


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
    away: bool = False
    """It was there when the hub ended, and is expected back."""

    def ready(self) -> list[Wire]:
        """The visits are sent; gives what is to come after them."""
        self.visits_sent = True
        held, self.held = self.held, []
        return held

    @property
    def participant(self) -> Participant:
        return Participant(id=kit_participant(self.kit_id), role="kit", name=self.name, key=self.key)

    def has_nurse(self, visit_id: uuid.UUID) -> bool:
        """Whether the nurse's page is open, in this visit and no other."""
        return self.status is not None and self.status.nurse_present and self.status.visit_id == visit_id

    def behind(self, visit_id: uuid.UUID) -> set[str]:
        """Participants that are reached through the kit's socket; nobody while it is in another patient's home."""
        if self.status is not None and self.status.visit_id not in {None, visit_id}:
            return set()
        return {kit_participant(self.kit_id), nurse_participant(self.kit_id)}

    def may_call(self, guest: "GuestHere") -> bool:
        """Whether kit and guest may connect: by a host's word, while the kit is in that home."""
        return guest.examined and kit_participant(self.kit_id) in self.behind(guest.guest.visit_id)

    def reaches(self, guest: "GuestHere", sender: str) -> bool:
        """The nurse's page reaches every guest, the kit only those with the word."""
        return sender == nurse_participant(self.kit_id) or self.may_call(guest)


@dataclass
class GuestHere:
    """A guest's page, at the door or in the room."""

    connection: Connection
    guest: Guest
    kit_id: uuid.UUID
    away: bool = False
    """As of a `Console`."""

    @property
    def admitted(self) -> bool:
        return self.guest.state == "admitted"

    @property
    def examined(self) -> bool:
        """Whether a host has let the guest see and hear the examination."""
        return self.admitted and self.guest.examination

    @property
    def participant(self) -> Participant:
        name = self.guest.said_name or self.guest.name
        return Participant(id=guest_participant(self.guest.id), role="guest", name=name)


def doctor_participant(practitioner_id: uuid.UUID, page: str) -> str:
    return f"doctor:{practitioner_id}:{page}"


def guest_participant(guest_id: uuid.UUID) -> str:
    return f"guest:{guest_id}"


def kit_participant(kit_id: uuid.UUID) -> str:
    return f"kit:{kit_id}"


def nurse_participant(kit_id: uuid.UUID) -> str:
    return f"nurse:{kit_id}"


def room_of(here: GuestHere, participants: list[Participant], kit: KitHere | None) -> GuestRoom:
    """What a guest is told: people's names, once let in; the kit only if it may call this guest."""
    if not here.admitted:
        return GuestRoom(visit_id=here.guest.visit_id, state="waiting")
    others = [one for one in participants if one.role != "kit" and one.id != here.participant.id]
    room = GuestRoom(visit_id=here.guest.visit_id, state="admitted", camera=here.guest.camera, participants=others)
    if kit is None or not kit.may_call(here):
        return room
    served = kit.status is None or here.participant.id in kit.status.guests_served
    caller = kit.participant.model_copy(update={"name": ""})
    return room.model_copy(update={"kit": caller, "served": served, "frozen_at": _frozen_at(kit.status)})


def told_by(status: KitStatus | None) -> tuple[object, ...]:
    """What of a kit's status changes who is in a room, or what a guest there is told."""
    if status is None:
        return (False, None, [], None)
    return (status.nurse_present, status.visit_id, status.guests_served, _frozen_at(status))


def _frozen_at(status: KitStatus | None) -> datetime | None:
    return status.camera.frozen_at if status is not None and status.camera is not None else None
