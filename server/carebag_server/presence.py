"""Who is in which visit's room: no sockets, no clock, no database.

Where several hubs serve the same visits, each of them is told here of everybody who comes and goes, in one order
(`hubs/company.py`), so that all have the same picture; what is to be sent to another hub's connections, that one sends.
"""

import base64
import uuid

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
    nurse_participant,
    room_of,
)
from carebag_server.sfu.watching import SFU_LINE, SfuRoom
from carebag_wire.guests import Guest
from carebag_wire.messages import (
    GuestRoom,
    KitVisits,
    Present,
    Problem,
    Snapshot,
    Superseded,
)
from carebag_wire.visit import Participant, VisitHead

NOBODY = uuid.UUID(int=0)


class Presence:
    """The live state of all visits. It may be lost at any moment: what matters is in the store."""

    def __init__(self) -> None:
        self.consoles: dict[Connection, Console] = {}
        self._seating = Seating()
        self.kits: dict[uuid.UUID, KitHere] = {}
        self._kit_of: dict[Connection, uuid.UUID] = {}
        self.nurses: dict[uuid.UUID, str] = {}
        self.guests: dict[Connection, GuestHere] = {}
        self.has_sfu = False

    # Coming and going

    def console_came(self, came: Console, visit_id: uuid.UUID | None = None) -> list[Action]:
        """A page that comes back takes the place of its connection of before, which may be half dead.

        Args:
            visit_id: the room where it says that it is; the seat there is kept, whoever else is there sees no change.
        """
        old = self._before(came)
        if old is not None and (old.connection == came.connection or old.turn > came.turn):
            return [] if old.connection == came.connection else _superseded(came.connection)
        self.consoles[came.connection] = came
        if old is None:
            return []
        del self.consoles[old.connection]
        came.place = old.place
        actions = _superseded(old.connection)
        seat = self._seating.rise(old)
        if seat is not None and seat.visit_id == visit_id:
            self._seating.sit(came, Seat(came.connection, seat.visit_id, seat.kit_id, shown=seat.shown))
        elif seat is not None:
            actions += self._present(seat.visit_id, seat.kit_id)
        return actions

    def _before(self, came: Console) -> Console | None:
        if came.connection in self.consoles:
            return self.consoles[came.connection]
        same = (came.practitioner_id, came.page)
        of_page = (one for one in self.consoles.values() if (one.practitioner_id, one.page) == same)
        return next(of_page, None) if came.page else None

    def kit_came(self, connection: Connection, kit_id: uuid.UUID, name: str, key: bytes = b"") -> list[Action]:
        """A kit that comes anew takes the place of its old connection, which may be half dead."""
        actions: list[Action] = []
        old = self.kits.get(kit_id)
        if old is not None:
            del self._kit_of[old.connection]
            actions += _superseded(old.connection) if old.connection != connection else []
        # what it said last holds until it says so anew: its nurse is not away meanwhile
        last = old.status if old is not None else None
        self.kits[kit_id] = KitHere(connection, kit_id, name, base64.b64encode(key).decode(), last)
        self._kit_of[connection] = kit_id
        return actions + self._present_everywhere(kit_id)

    def kit_entered(self, connection: Connection, kit_visits: KitVisits) -> list[Action]:
        """The kit's visits have been read: send them, then what changed since."""
        kit = self.kits.get(self._kit_of.get(connection, NOBODY))
        if kit is None:
            return []
        for snapshot in kit_visits.visits:
            self.note_head(snapshot.visit)
        return [Send(connection, message) for message in (kit_visits, *kit.ready())]

    def kit_entered_elsewhere(self, connection: Connection) -> list[Action]:
        """The same, at another hub."""
        kit = self.kits.get(self._kit_of.get(connection, NOBODY))
        if kit is not None:
            kit.ready()
        return []

    def kit_at(self, connection: Connection) -> KitHere | None:
        return self.kits.get(self._kit_of.get(connection, NOBODY))

    def kits_connected(self) -> set[uuid.UUID]:
        return {kit.kit_id for kit in self.kits.values() if not kit.away}

    def connections(self) -> list[Connection]:
        return [*self.consoles, *self.guests, *self._kit_of]

    def away(self, connection: Connection) -> list[Action]:
        """The socket broke, and nobody said that it ends: who sat there keeps the seat until `gone`, or comes back."""
        here = self.guests.get(connection) or self.consoles.get(connection)
        if here is None or (isinstance(here, Console) and here.seat is None):
            return self.gone(connection)
        here.away = True
        return []

    def expected(self, connection: Connection) -> list[Action]:
        """It was there when the hub ended: a kit too is in its rooms until it is back or `gone`, and not connected."""
        kit = self.kit_at(connection)
        if kit is None:
            return self.away(connection)
        kit.away = True
        return self._present_everywhere(kit.kit_id)

    def is_away(self, connection: Connection) -> bool:
        here = self.guests.get(connection) or self.consoles.get(connection) or self.kit_at(connection)
        return here is not None and here.away

    def gone(self, connection: Connection) -> list[Action]:
        """The socket is closed, from whichever side."""
        console = self.consoles.pop(connection, None)
        if console is not None:
            return self._left(console)
        guest = self.guests.pop(connection, None)
        if guest is not None:
            return self._present(guest.guest.visit_id, guest.kit_id)
        kit_id = self._kit_of.pop(connection, None)
        if kit_id is None:
            return []
        del self.kits[kit_id]
        return self._present_everywhere(kit_id)

    # Guests

    def guest_came(self, connection: Connection, guest: Guest, kit_id: uuid.UUID) -> list[Action]:
        """A guest's page that comes anew takes the place of the one before; one that is here is read anew."""
        actions: list[Action] = []
        for old in [one for one in self.guests.values() if one.guest.id == guest.id]:
            del self.guests[old.connection]
            actions += _superseded(old.connection) if old.connection != connection else []
        self.guests[connection] = GuestHere(connection, guest, kit_id)
        return actions + self._present(guest.visit_id, kit_id)

    def _guest_changed(self, guest: Guest) -> list[Action]:
        here = next((one for one in self.guests.values() if one.guest.id == guest.id), None)
        if here is None:
            return []
        here.guest = guest
        return [*self._show_out(here, guest.reason), *self._present(guest.visit_id, here.kit_id)]

    def _show_out(self, here: GuestHere, reason: str | None) -> list[Action]:
        if here.guest.state != "ended":
            return []
        del self.guests[here.connection]
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
        here = self.guests.get(connection)
        return here.guest.visit_id if here is not None and here.admitted else None

    def _guests_in(self, visit_id: uuid.UUID) -> list[GuestHere]:
        return [one for one in self.guests.values() if one.guest.visit_id == visit_id]

    # The doctor's seat

    def join(self, connection: Connection, visit_id: uuid.UUID, kit_id: uuid.UUID, take_over: bool) -> list[Action]:
        """Take a seat; the shell then reads the snapshot and calls `entered`. Refused with `seat_taken`."""
        console = self.consoles.get(connection)
        if console is None:
            return []
        others = [
            other
            for other in self._seating.in_room(visit_id)
            if other.practitioner_id == console.practitioner_id and other is not console
        ]
        if not take_over and not all(other.away for other in others):
            return [Send(connection, Problem(code="seat_taken"))]
        actions: list[Action] = []
        for other in others:
            self._seating.rise(other)
            actions.append(Send(other.connection, Superseded(visit_id=visit_id)))
        if console.seat is not None and console.seat.visit_id != visit_id:
            actions += self._left(console)
        shown = console.seat is not None and console.seat.shown
        self._seating.sit(console, Seat(connection, visit_id, kit_id, shown=shown))
        return actions

    def read_anew(self, connection: Connection) -> bool:
        """What changed is held back again, until the visit or the kit's visits that are being read come as on entering.

        Returns:
            False if they are being read already, or there is nothing to read.
        """
        console, kit = self.consoles.get(connection), self.kits.get(self._kit_of.get(connection, NOBODY))
        if console is not None and console.seat is not None:
            was, console.seat.snapshot_sent = console.seat.snapshot_sent, False
            return was
        if kit is not None:
            was, kit.visits_sent = kit.visits_sent, False
            return was
        return False

    def entered(self, connection: Connection, snapshot: Snapshot) -> list[Action]:
        """The snapshot has been read: send it, then what changed since, then who is here."""
        seat = self._waiting_seat(connection, snapshot.snapshot.visit.id)
        if seat is None:
            return []
        self.note_head(snapshot.snapshot.visit)
        actions: list[Action] = [Send(connection, message) for message in (snapshot, *seat.ready())]
        kit = self.kits.get(seat.kit_id)
        if kit is not None and kit.status is not None:
            actions.append(Send(connection, kit.status))
        return actions + self._present(seat.visit_id, seat.kit_id)

    def entered_elsewhere(self, connection: Connection, visit_id: uuid.UUID) -> list[Action]:
        """The same, at another hub."""
        seat = self._waiting_seat(connection, visit_id)
        if seat is None:
            return []
        seat.ready()
        return self._present(seat.visit_id, seat.kit_id)

    def _waiting_seat(self, connection: Connection, visit_id: uuid.UUID) -> Seat | None:
        console = self.consoles.get(connection)
        seat = console.seat if console else None
        return None if seat is None or seat.snapshot_sent or seat.visit_id != visit_id else seat

    def shows(self, connection: Connection) -> bool:
        """Whether something of a visit is shown at this connection, or soon is: a console's seat, or a kit."""
        return self.seated(connection) is not None or connection in self._kit_of

    def leave(self, connection: Connection) -> list[Action]:
        console = self.consoles.get(connection)
        return [] if console is None else self._left(console)

    def seated(self, connection: Connection) -> uuid.UUID | None:
        """The visit whose room a console is in."""
        console = self.consoles.get(connection)
        return console.seat.visit_id if console and console.seat else None

    # Who is here

    def visit_of(self, connection: Connection) -> uuid.UUID | None:
        """The visit that a console or a guest's page shows, or waits to be shown."""
        guest = self.guests.get(connection)
        return guest.guest.visit_id if guest is not None else self.seated(connection)

    def note_head(self, head: VisitHead) -> None:
        """Remember whose face is behind `nurse:<kit>` in a visit."""
        if head.nurse is not None:
            self.nurses[head.id] = head.nurse.name

    def participants(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> tuple[list[Participant], bool]:
        """Those in the room, and whether the kit is connected; one that is expected back is listed, and is not."""
        people = [console.participant for console in self._seating.in_room(visit_id)]
        guests = [one.participant for one in self._guests_in(visit_id) if one.admitted]
        kit = self.kits.get(kit_id)
        if kit is None:
            return people + guests, False
        people.append(kit.participant)
        if kit.has_nurse(visit_id):
            name = self.nurses.get(visit_id, "")
            people.append(Participant(id=nurse_participant(kit_id), role="nurse", name=name))
        return people + guests, not kit.away

    def with_sfu(self, visit_id: uuid.UUID) -> SfuRoom:
        """Those of the room who have to do with the SFU."""
        return SfuRoom.of(visit_id, self._seating.in_room(visit_id), self._guests_in(visit_id), self.kits)

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
        kit = self.kits.get(kit_id)
        message = Present(
            visit_id=visit_id,
            participants=participants,
            kit_online=online,
            kit_expected=kit is not None and kit.away,
            waiting=waiting,
        )
        listeners = [console.connection for console in self._seating.in_room(visit_id) if self._ready(console)]
        told = [Send(connection, message) for connection in [*listeners, *([kit.connection] if kit else [])]]
        if self.has_sfu:
            told.append(Send(SFU_LINE, self.with_sfu(visit_id).watching))
        return [*told, *(Send(one.connection, room_of(one, participants, kit)) for one in guests)]

    def _present_everywhere(self, kit_id: uuid.UUID) -> list[Action]:
        seats = [console.seat.visit_id for console in self._seating.of_kit(kit_id) if console.seat]
        guests = [one.guest.visit_id for one in self.guests.values() if one.kit_id == kit_id]
        visits = dict.fromkeys([*seats, *guests])
        return [action for visit_id in visits for action in self._present(visit_id, kit_id)]


def _superseded(connection: Connection) -> list[Action]:
    """Another connection of the same one is there."""
    return [Send(connection, Problem(code="superseded", fatal=True)), Close(connection)]
