"""Who is in which visit's room and who is told what: no sockets, no clock, no database.

Events come in by method call, each returns the `Send`s and `Close`s that the shell carries out in order. A connection
is a number that the shell gives. A console sits in at most one room; a practitioner has one seat in a visit, however
many tabs. A kit has one connection and is in the rooms of all its visits. A guest has one connection in one visit, and
until a person lets the guest in it is told nothing but to wait.
"""

import base64
import uuid

from carebag_server.announcements import Announcement
from carebag_server.seats import (
    Action,
    Close,
    Connection,
    Console,
    GuestHere,
    KitHere,
    Seat,
    Seating,
    Send,
    guest_participant,
    kit_participant,
    nurse_participant,
    room_of,
    told_by,
)
from carebag_server.sfu.watching import SFU_LINE, SfuRoom
from carebag_wire.calls import SFU
from carebag_wire.guests import Guest
from carebag_wire.messages import (
    CameraDo,
    GuestRoom,
    KitStatus,
    KitVisits,
    LinkReport,
    Live,
    Present,
    Problem,
    Signal,
    Snapshot,
    Superseded,
)
from carebag_wire.visit import DoctorHears, Participant, VisitHead

__all__ = [
    "Action",
    "Close",
    "Connection",
    "Rooms",
    "Send",
    "guest_participant",
    "kit_participant",
    "nurse_participant",
]
_NOBODY = uuid.UUID(int=0)


class Rooms:
    """The live state of all visits. It may be lost at any moment: what matters is in the store."""

    def __init__(self) -> None:
        self._consoles: dict[Connection, Console] = {}
        self._seating = Seating()
        self._kits: dict[uuid.UUID, KitHere] = {}
        self._kit_of: dict[Connection, uuid.UUID] = {}
        self._nurses: dict[uuid.UUID, str] = {}
        self._guests: dict[Connection, GuestHere] = {}
        self._count = 0
        self.has_sfu = False

    # Coming and going

    def console_came(self, connection: Connection, practitioner_id: uuid.UUID, name: str) -> str:
        """Returns the participant id."""
        self._count += 1
        console = Console(connection, practitioner_id, name, self._count)
        self._consoles[connection] = console
        return console.participant.id

    def kit_came(self, connection: Connection, kit_id: uuid.UUID, name: str, key: bytes = b"") -> list[Action]:
        """A kit that comes anew takes the place of its old connection, which may be half dead."""
        actions: list[Action] = []
        old = self._kits.get(kit_id)
        if old is not None:
            del self._kit_of[old.connection]
            actions += [Send(old.connection, Problem(code="superseded", fatal=True)), Close(old.connection)]
        self._kits[kit_id] = KitHere(connection, kit_id, name, base64.b64encode(key).decode())
        self._kit_of[connection] = kit_id
        return actions + self._present_everywhere(kit_id)

    def kit_entered(self, connection: Connection, kit_visits: KitVisits) -> list[Action]:
        """The kit's visits have been read: send them, then what changed since."""
        kit = self._kits.get(self._kit_of.get(connection, _NOBODY))
        if kit is None:
            return []
        for snapshot in kit_visits.visits:
            self.note_head(snapshot.visit)
        kit.visits_sent = True
        held, kit.held = kit.held, []
        return [Send(connection, message) for message in (kit_visits, *held)]

    def gone(self, connection: Connection) -> list[Action]:
        """The socket is closed, from whichever side."""
        console = self._consoles.pop(connection, None)
        if console is not None:
            return self._left(console)
        guest = self._guests.pop(connection, None)
        if guest is not None:
            return self._present(guest.guest.visit_id, guest.kit_id)
        kit_id = self._kit_of.pop(connection, None)
        if kit_id is None:
            return []
        del self._kits[kit_id]
        return self._present_everywhere(kit_id)

    # Guests

    def guest_came(self, connection: Connection, guest: Guest, kit_id: uuid.UUID) -> list[Action]:
        """A guest's page that comes anew takes the place of the one before."""
        actions: list[Action] = []
        for old in [one for one in self._guests.values() if one.guest.id == guest.id]:
            del self._guests[old.connection]
            actions += [Send(old.connection, Problem(code="superseded", fatal=True)), Close(old.connection)]
        self._guests[connection] = GuestHere(connection, guest, kit_id)
        return actions + self._present(guest.visit_id, kit_id)

    def _guest_changed(self, guest: Guest) -> list[Action]:
        here = next((one for one in self._guests.values() if one.guest.id == guest.id), None)
        if here is None:
            return []
        here.guest = guest
        return [*self._show_out(here, guest.reason), *self._present(guest.visit_id, here.kit_id)]

    def _show_out(self, here: GuestHere, reason: str | None) -> list[Action]:
        if here.guest.state != "ended":
            return []
        del self._guests[here.connection]
        over = GuestRoom(visit_id=here.guest.visit_id, state="ended", reason=reason)
        return [Send(here.connection, over), Close(here.connection)]

    def _visit_over(self, visit_id: uuid.UUID) -> list[Action]:
        """The visit is closed: so are its guests' pages."""
        actions: list[Action] = []
        for here in self._guests_in(visit_id):
            here.guest = here.guest.model_copy(update={"state": "ended"})
            actions += self._show_out(here, "visit_closed")
        return actions

    def let_in(self, connection: Connection) -> uuid.UUID | None:
        """The visit whose room a guest is in; None at the door."""
        here = self._guests.get(connection)
        return here.guest.visit_id if here is not None and here.admitted else None

    def _guests_in(self, visit_id: uuid.UUID) -> list[GuestHere]:
        return [one for one in self._guests.values() if one.guest.visit_id == visit_id]

    # The doctor's seat

    def join(self, connection: Connection, visit_id: uuid.UUID, kit_id: uuid.UUID, take_over: bool) -> list[Action]:
        """Take a seat; the shell then reads the snapshot and calls `entered`. Refused with `seat_taken`."""
        console = self._consoles[connection]
        others = [
            other
            for other in self._seating.in_room(visit_id)
            if other.practitioner_id == console.practitioner_id and other is not console
        ]
        if others and not take_over:
            return [Send(connection, Problem(code="seat_taken"))]
        actions: list[Action] = []
        for other in others:
            self._seating.rise(other)
            actions.append(Send(other.connection, Superseded(visit_id=visit_id)))
        if console.seat is not None and console.seat.visit_id != visit_id:
            actions += self._left(console)
        self._seating.sit(console, Seat(connection, visit_id, kit_id))
        return actions

    def entered(self, connection: Connection, snapshot: Snapshot) -> list[Action]:
        """The snapshot has been read: send it, then what changed since, then who is here."""
        console = self._consoles.get(connection)
        seat = console.seat if console else None
        if seat is None or seat.snapshot_sent or seat.visit_id != snapshot.snapshot.visit.id:
            return []
        self.note_head(snapshot.snapshot.visit)
        seat.snapshot_sent = True
        actions: list[Action] = [Send(connection, snapshot), *(Send(connection, held) for held in seat.held)]
        seat.held.clear()
        kit = self._kits.get(seat.kit_id)
        if kit is not None and kit.status is not None:
            actions.append(Send(connection, kit.status))
        return actions + self._present(seat.visit_id, seat.kit_id)

    def leave(self, connection: Connection) -> list[Action]:
        return self._left(self._consoles[connection])

    def seated(self, connection: Connection) -> uuid.UUID | None:
        """The visit whose room a console is in."""
        console = self._consoles.get(connection)
        return console.seat.visit_id if console and console.seat else None

    # What is said

    def signal(self, connection: Connection, message: Signal) -> list[Action]:
        """Pass call set-up on to one participant of the same room, with the true sender filled in."""
        if message.to == SFU and self.has_sfu:
            return self.with_sfu(message.visit_id).say(connection, message)
        console = self._consoles.get(connection)
        if console is not None:
            return self._signal_from_console(console, message)
        guest = self._guests.get(connection)
        if guest is not None:
            return self._signal_from_guest(guest, message)
        kit_id = self._kit_of.get(connection)
        return [] if kit_id is None else self._signal_from_kit(connection, kit_id, message)

    def _signal_from_console(self, console: Console, message: Signal) -> list[Action]:
        seat = console.seat
        if seat is None or seat.visit_id != message.visit_id:
            return [Send(console.connection, Problem(code="not_in_room"))]
        stamped = message.model_copy(update={"sender": console.participant.id})
        kit = self._kits.get(seat.kit_id)
        if kit is not None and message.to in kit.behind(seat.visit_id):
            return [Send(kit.connection, stamped)]
        return self._to_console(console.connection, seat.visit_id, stamped)

    def _signal_from_guest(self, here: GuestHere, message: Signal) -> list[Action]:
        """A guest talks to people, not before being let in; to the kit only with a host's word."""
        if not here.admitted or message.visit_id != here.guest.visit_id:
            return [Send(here.connection, Problem(code="not_in_room"))]
        stamped = message.model_copy(update={"sender": here.participant.id})
        kit = self._kits.get(here.kit_id)
        if kit is not None and message.to == nurse_participant(here.kit_id):
            return [Send(kit.connection, stamped)] if kit.has_nurse(message.visit_id) else []
        if kit is not None and message.to == kit_participant(here.kit_id) and kit.may_call(here):
            return [Send(kit.connection, stamped)]
        return self._to_console(here.connection, message.visit_id, stamped)

    def _signal_from_kit(self, connection: Connection, kit_id: uuid.UUID, message: Signal) -> list[Action]:
        if message.sender not in {"", kit_participant(kit_id), nurse_participant(kit_id)}:
            return [Send(connection, Problem(code="not_you"))]
        stamped = message.model_copy(update={"sender": message.sender or kit_participant(kit_id)})
        return self._to_console(connection, message.visit_id, stamped, kit_id)

    def _to_console(
        self, sender: Connection, visit_id: uuid.UUID, message: Signal, kit_id: uuid.UUID | None = None
    ) -> list[Action]:
        for console in self._seating.in_room(visit_id):
            of_this_kit = kit_id is None or (console.seat is not None and console.seat.kit_id == kit_id)
            if console.participant.id == message.to and console.connection != sender and of_this_kit:
                return [Send(console.connection, message)]
        for guest in self._guests_in(visit_id):
            if guest.participant.id != message.to or not guest.admitted or guest.connection == sender:
                continue
            if kit_id is None or (guest.kit_id == kit_id and self._kits[kit_id].reaches(guest, message.sender)):
                return [Send(guest.connection, message)]
        return [Send(sender, Problem(code="not_here"))]

    def kit_status(self, connection: Connection, status: KitStatus) -> list[Action]:
        """Tell the rooms of this kit how its instruments are; the last one is kept for who comes later."""
        kit = self._kits.get(self._kit_of.get(connection, _NOBODY))
        if kit is None:
            return []
        before, now = told_by(kit.status), told_by(status)
        kit.status = status
        actions: list[Action] = [
            Send(console.connection, status) for console in self._seating.of_kit(kit.kit_id) if self._ready(console)
        ]
        if before != now:
            actions += self._present_everywhere(kit.kit_id)
        return actions

    def live(self, connection: Connection, message: Live) -> list[Action]:
        kit_id = self._kit_of.get(connection)
        return [
            Send(console.connection, message)
            for console in self._seating.in_room(message.visit_id)
            if self._ready(console) and console.seat is not None and console.seat.kit_id == kit_id
        ]

    def doctor_hears(self, connection: Connection, message: DoctorHears) -> list[Action]:
        """Pass what a doctor listens to on to the nurse's side of the same visit, with the true sender filled in."""
        console = self._consoles.get(connection)
        seat = console.seat if console else None
        if console is None or seat is None or seat.visit_id != message.visit_id:
            return [Send(connection, Problem(code="not_in_room"))]
        kit = self._kits.get(seat.kit_id)
        if kit is None or kit_participant(kit.kit_id) not in kit.behind(seat.visit_id):
            return []
        return [Send(kit.connection, message.model_copy(update={"sender": console.participant.id}))]

    def quality(self, connection: Connection, message: LinkReport) -> list[Action]:
        """How a participant's connection is, told to the doctors and the nurse of its room; guests are not told."""
        kit_id = self._kit_of.get(connection)
        console, guest = self._consoles.get(connection), self._guests.get(connection)
        if kit_id is not None:
            if message.participant not in {kit_participant(kit_id), nurse_participant(kit_id)}:
                return [Send(connection, Problem(code="not_you"))]
        elif console is not None and console.seat is not None and console.seat.visit_id == message.visit_id:
            kit_id = console.seat.kit_id
            message = message.model_copy(update={"participant": console.participant.id})
        elif guest is not None and guest.admitted and guest.guest.visit_id == message.visit_id:
            kit_id = guest.kit_id
            message = message.model_copy(update={"participant": guest.participant.id})
        else:
            return []
        return self._tell_hosts(connection, kit_id, message)

    def _tell_hosts(self, sender: Connection, kit_id: uuid.UUID, message: LinkReport) -> list[Action]:
        hosts = [one for one in self._seating.in_room(message.visit_id) if one.seat and one.seat.kit_id == kit_id]
        listeners = [one.connection for one in hosts if self._ready(one)]
        kit = self._kits.get(kit_id)
        if kit is not None and kit.visits_sent:
            listeners.append(kit.connection)
        return [Send(connection, message) for connection in listeners if connection != sender]

    def camera(self, kit_id: uuid.UUID, message: CameraDo) -> list[Action]:
        """Hand on what a doctor does with the examination camera; nothing while the kit is in another home."""
        kit = self._kits.get(kit_id)
        here = kit is not None and kit.status is not None and kit.status.visit_id == message.visit_id
        return [Send(kit.connection, message)] if kit is not None and here else []

    def publish(self, announced: Announcement) -> list[Action]:
        """Tell the room and the kit of one changed object; a draft note goes to its author only."""
        changed = announced.changed
        if changed.visit is not None:
            self.note_head(changed.visit)
        actions: list[Action] = []
        for console in self._seating.in_room(changed.visit_id):
            if announced.only is not None and console.practitioner_id != announced.only:
                continue
            if self._ready(console):
                actions.append(Send(console.connection, changed))
            elif console.seat is not None:
                console.seat.held.append(changed)
        kit = self._kits.get(announced.kit_id)
        if kit is not None and announced.only is None:
            if kit.visits_sent:
                actions.append(Send(kit.connection, changed))
            else:
                kit.held.append(changed)
        if changed.guest is not None:
            actions += self._guest_changed(changed.guest)
        if changed.visit is not None and changed.visit.state == "closed":
            actions += self._visit_over(changed.visit_id)
        return actions

    # Who is here

    def note_head(self, head: VisitHead) -> None:
        """Remember whose face is behind `nurse:<kit>` in a visit."""
        if head.nurse is not None:
            self._nurses[head.id] = head.nurse.name

    def participants(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> tuple[list[Participant], bool]:
        """Those in the room, and whether the kit is connected."""
        people = [console.participant for console in self._seating.in_room(visit_id)]
        guests = [one.participant for one in self._guests_in(visit_id) if one.admitted]
        kit = self._kits.get(kit_id)
        if kit is None:
            return people + guests, False
        people.append(kit.participant)
        if kit.has_nurse(visit_id):
            name = self._nurses.get(visit_id, "")
            people.append(Participant(id=nurse_participant(kit_id), role="nurse", name=name))
        return people + guests, True

    def with_sfu(self, visit_id: uuid.UUID) -> SfuRoom:
        """Those of the room who have to do with the SFU."""
        return SfuRoom.of(visit_id, self._seating.in_room(visit_id), self._guests_in(visit_id), self._kits)

    @staticmethod
    def _ready(console: Console) -> bool:
        return console.seat is not None and console.seat.snapshot_sent

    def _left(self, console: Console) -> list[Action]:
        seat = self._seating.rise(console)
        return [] if seat is None else self._present(seat.visit_id, seat.kit_id)

    def _present(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> list[Action]:
        participants, online = self.participants(visit_id, kit_id)
        guests = self._guests_in(visit_id)
        waiting = [one.guest.id for one in guests if not one.admitted]
        message = Present(visit_id=visit_id, participants=participants, kit_online=online, waiting=waiting)
        kit = self._kits.get(kit_id)
        listeners = [console.connection for console in self._seating.in_room(visit_id) if self._ready(console)]
        told = [Send(connection, message) for connection in [*listeners, *([kit.connection] if kit else [])]]
        if self.has_sfu:
            told.append(Send(SFU_LINE, self.with_sfu(visit_id).watching))
        return [*told, *(Send(one.connection, room_of(one, participants, kit)) for one in guests)]

    def _present_everywhere(self, kit_id: uuid.UUID) -> list[Action]:
        seats = [console.seat.visit_id for console in self._seating.of_kit(kit_id) if console.seat]
        guests = [one.guest.visit_id for one in self._guests.values() if one.kit_id == kit_id]
        visits = dict.fromkeys([*seats, *guests])
        return [action for visit_id in visits for action in self._present(visit_id, kit_id)]
