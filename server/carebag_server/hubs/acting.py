"""What an event means for the rooms, at the hub where it happened and at all others. Pure."""

import base64
import uuid
from collections.abc import Callable

from carebag_server.hubs.events import (
    Announced,
    Away,
    ConsoleCame,
    Entered,
    Expected,
    Gone,
    GuestCame,
    Joined,
    KitCame,
    KitEntered,
    KitSaid,
    Left,
    Passed,
    ReadAnew,
    RoomEvent,
)
from carebag_server.rooms import Action, Rooms, Send
from carebag_server.seats import Connection, Console, KitHere


def act(rooms: Rooms, event: RoomEvent) -> list[Action]:
    """Let the rooms follow; the actions are for this hub's own connections, the others are seen to by theirs."""
    match event:
        case ConsoleCame():
            return rooms.console_came(_console_of(event), event.visit_id)
        case KitCame():
            return _kit_came(rooms, event)
        case KitEntered():
            rooms.nurses.update(event.nurses)
            if event.visits is None:
                return rooms.kit_entered_elsewhere(event.line)
            return rooms.kit_entered(event.line, event.visits)
        case KitSaid():
            return rooms.kit_status(event.line, event.status)
        case GuestCame():
            return rooms.guest_came(event.line, event.guest, event.kit_id)
        case Announced():
            return [action for one in event.announcements for action in rooms.publish(one)]
        case Passed():
            return [Send(event.line, event.message)]
        case ReadAnew() | Expected():
            return []
        case _:
            return _act_of_console(rooms, event)


def _kit_came(rooms: Rooms, event: KitCame) -> list[Action]:
    actions = rooms.kit_came(event.line, event.kit_id, event.name, base64.b64decode(event.key))
    return actions + (rooms.expected(event.line) if event.away else [])


def _console_of(came: ConsoleCame) -> Console:
    return Console(came.line, came.practitioner_id, came.name, page=came.page, turn=came.turn, place=came.place)


def _act_of_console(rooms: Rooms, event: Joined | Entered | Left | Away | Gone) -> list[Action]:
    match event:
        case Joined():
            return rooms.join(event.line, event.visit_id, event.kit_id, event.take_over)
        case Entered():
            rooms.nurses.update(event.nurses)
            if event.snapshot is None:
                return rooms.entered_elsewhere(event.line, event.visit_id)
            return rooms.entered(event.line, event.snapshot)
        case Left():
            return rooms.leave(event.line)
        case Away():
            return rooms.away(event.line)
        case Gone():
            return rooms.gone(event.line)


def events_of(rooms: Rooms, mine: Callable[[Connection], bool]) -> list[RoomEvent]:
    """What makes these connections what they are now, for rooms that know nothing of them yet."""
    events: list[RoomEvent] = []
    for kit in rooms.kits.values():
        events += kit_events(kit) if mine(kit.connection) else []
    for console in rooms.consoles.values():
        events += _console_events(console, rooms.nurses) if mine(console.connection) else []
    for guest in rooms.guests.values():
        if mine(guest.connection):
            events.append(GuestCame(line=guest.connection, guest=guest.guest, kit_id=guest.kit_id))
            events += [Away(line=guest.connection)] if guest.away else []
    return events


def kit_events(kit: KitHere) -> list[RoomEvent]:
    events: list[RoomEvent] = [
        KitCame(line=kit.connection, kit_id=kit.kit_id, name=kit.name, key=kit.key, away=kit.away)
    ]
    if kit.visits_sent:
        events.append(KitEntered(line=kit.connection))
    if kit.status is not None:
        events.append(KitSaid(line=kit.connection, status=kit.status))
    return events


def _console_events(console: Console, nurses: dict[uuid.UUID, str]) -> list[RoomEvent]:
    line, seat = console.connection, console.seat
    events: list[RoomEvent] = [
        ConsoleCame(
            line=line,
            practitioner_id=console.practitioner_id,
            name=console.name,
            page=console.page,
            turn=console.turn,
            place=console.place,
        ),
    ]
    if seat is not None:
        events.append(Joined(line=line, visit_id=seat.visit_id, kit_id=seat.kit_id, take_over=False))
        if seat.snapshot_sent:
            known = {seat.visit_id: nurses[seat.visit_id]} if seat.visit_id in nurses else {}
            events.append(Entered(line=line, visit_id=seat.visit_id, nurses=known))
    return [*events, Away(line=line)] if console.away else events
