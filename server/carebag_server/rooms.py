"""Who is in which visit's room and who is told what: no sockets, no clock, no database.

Events come in by method call, each returns the `Send`s and `Close`s that the shell carries out in order. A connection
is a number that the shell gives. A console sits in at most one room; a practitioner has one seat in a visit, however
many tabs. A kit has one connection and is in the rooms of all its visits. A guest has one connection in one visit, and
until a person lets the guest in it is told nothing but to wait.
"""

import uuid

from carebag_server.announcements import Announcement
from carebag_server.presence import NOBODY, Presence
from carebag_server.seats import (
    Action,
    Close,
    Connection,
    Console,
    GuestHere,
    Send,
    guest_participant,
    kit_participant,
    nurse_participant,
    told_by,
)
from carebag_wire.calls import SFU
from carebag_wire.messages import (
    CameraDo,
    KitStatus,
    LinkReport,
    Live,
    Problem,
    Signal,
)
from carebag_wire.visit import DoctorHears

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


class Rooms(Presence):
    """Those present, and what they say to each other."""

    def signal(self, connection: Connection, message: Signal) -> list[Action]:
        """Pass call set-up on to one participant of the same room, with the true sender filled in."""
        if message.to == SFU and self.has_sfu:
            return self.with_sfu(message.visit_id).say(connection, message)
        console = self.consoles.get(connection)
        if console is not None:
            return self._signal_from_console(console, message)
        guest = self.guests.get(connection)
        if guest is not None:
            return self._signal_from_guest(guest, message)
        kit_id = self._kit_of.get(connection)
        return [] if kit_id is None else self._signal_from_kit(connection, kit_id, message)

    def _signal_from_console(self, console: Console, message: Signal) -> list[Action]:
        seat = console.seat
        if seat is None or seat.visit_id != message.visit_id:
            return [Send(console.connection, Problem(code="not_in_room"))]
        stamped = message.model_copy(update={"sender": console.participant.id})
        kit = self.kits.get(seat.kit_id)
        if kit is not None and message.to in kit.behind(seat.visit_id):
            return [Send(kit.connection, stamped)]
        return self._to_console(console.connection, seat.visit_id, stamped)

    def _signal_from_guest(self, here: GuestHere, message: Signal) -> list[Action]:
        """A guest talks to people, not before being let in; to the kit only with a host's word."""
        if not here.admitted or message.visit_id != here.guest.visit_id:
            return [Send(here.connection, Problem(code="not_in_room"))]
        stamped = message.model_copy(update={"sender": here.participant.id})
        kit = self.kits.get(here.kit_id)
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
            if kit_id is None or (guest.kit_id == kit_id and self.kits[kit_id].reaches(guest, message.sender)):
                return [Send(guest.connection, message)]
        return [Send(sender, Problem(code="not_here"))]

    def kit_status(self, connection: Connection, status: KitStatus) -> list[Action]:
        """Tell the rooms of this kit how its instruments are; the last one is kept for who comes later."""
        kit = self.kits.get(self._kit_of.get(connection, NOBODY))
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
        console = self.consoles.get(connection)
        seat = console.seat if console else None
        if console is None or seat is None or seat.visit_id != message.visit_id:
            return [Send(connection, Problem(code="not_in_room"))]
        kit = self.kits.get(seat.kit_id)
        if kit is None or kit_participant(kit.kit_id) not in kit.behind(seat.visit_id):
            return []
        return [Send(kit.connection, message.model_copy(update={"sender": console.participant.id}))]

    def quality(self, connection: Connection, message: LinkReport) -> list[Action]:
        """How a participant's connection is, told to the doctors and the nurse of its room; guests are not told."""
        kit_id = self._kit_of.get(connection)
        console, guest = self.consoles.get(connection), self.guests.get(connection)
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
        kit = self.kits.get(kit_id)
        if kit is not None and kit.visits_sent:
            listeners.append(kit.connection)
        return [Send(connection, message) for connection in listeners if connection != sender]

    def camera(self, kit_id: uuid.UUID, message: CameraDo) -> list[Action]:
        """Hand on what a doctor does with the examination camera; nothing while the kit is in another home."""
        kit = self.kits.get(kit_id)
        here = kit is not None and not kit.away and kit.status and kit.status.visit_id == message.visit_id
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
        kit = self.kits.get(announced.kit_id)
        # the kit counts the score itself
        if kit is not None and announced.only is None and changed.news2 is None:
            if kit.visits_sent:
                actions.append(Send(kit.connection, changed))
            else:
                kit.held.append(changed)
        if changed.guest is not None:
            actions += self._guest_changed(changed.guest)
        if changed.visit is not None and changed.visit.state == "closed":
            actions += self._visit_over(changed.visit_id)
        return actions
