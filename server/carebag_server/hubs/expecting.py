"""Those who were there when all hubs ended are there, and away: who comes back is who it was, and others see no change.

Pure, and the same twice: two hubs that start together both say whom they expect, and all hear both.
"""

from collections.abc import Sequence

from carebag_server.hubs import acting
from carebag_server.hubs.events import ConsoleCame, GuestCame, KitCame, RoomEvent
from carebag_server.rooms import Action, Rooms
from carebag_server.seats import Connection


def expect(rooms: Rooms, events: Sequence[RoomEvent]) -> tuple[list[Connection], list[Action]]:
    """Put those into the rooms who are made by these events, if they are not there: as away.

    A page without a secret comes in as another participant, and is not expected.

    Returns:
        The connections of those who are expected now, and what to tell those who are there.
    """
    came = [event for event in events if isinstance(event, KitCame | GuestCame | ConsoleCame)]
    of_whom = {event.line for event in came if _can_come_back(event) and not _is_there(rooms, event)}
    actions: list[Action] = []
    for event in events:
        if getattr(event, "line", None) in of_whom:
            actions += acting.act(rooms, event)
    for line in of_whom:
        actions += rooms.expected(line)
    return [line for line in rooms.connections() if line in of_whom], actions


def _can_come_back(event: KitCame | GuestCame | ConsoleCame) -> bool:
    return not isinstance(event, ConsoleCame) or event.page != ""


def _is_there(rooms: Rooms, event: KitCame | GuestCame | ConsoleCame) -> bool:
    match event:
        case KitCame():
            return event.kit_id in rooms.kits
        case GuestCame():
            return any(one.guest.id == event.guest.id for one in rooms.guests.values())
        case ConsoleCame():
            who = (event.practitioner_id, event.page)
            return any((one.practitioner_id, one.page) == who for one in rooms.consoles.values())
