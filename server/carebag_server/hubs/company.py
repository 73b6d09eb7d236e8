"""Which hubs there are, and what each may count on: all take the same events in the same order. No I/O, no clock.

A hub that comes says so, and all others tell it their connections as of that moment; until it has them all it lets
nobody in. Everybody beats. Time is counted in one's own beats *heard back*: so a bus that stands still, or a hub that
was held up itself, makes nobody suspect the others. A hub that was not heard for `MISSED` beats is declared gone, on
the bus, hence at the same moment for all; also for itself, if it was only held up: it then lets go of everybody and
comes anew, under another number. So does one that missed something, or was cut off.
"""

import secrets
from collections.abc import Callable
from typing import Literal, Protocol

from pydantic import ValidationError

from carebag_server.hubs.events import Beat, Came, Here, HubEvent, HubGone, Passed, RoomEvent, hub_event
from carebag_server.seats import Connection

BEAT_S = 0.4
MISSED = 4
"""Own beats heard since another hub was heard: then it is gone. 1.6 to 2 s."""
UNHEARD = 8
"""Own beats said and not heard: then the bus is cut."""
ENTER_BEATS = MISSED + 1
"""Within so many everybody who is there has been heard."""
_LOWER = 32
Phase = Literal["out", "waiting", "entering", "in"]
"""Without the others; having said that it comes; being told who is there; one of them."""
Why = Literal["bus_cut", "bus_silent", "bus_lost", "not_understood", "declared_gone", "left"]


def fresh_number() -> int:
    return secrets.randbelow(2**40 - 1) + 1


def hub_of(line: Connection) -> int:
    """Which hub a connection is at."""
    return line >> _LOWER


def line_of(hub: int, number: int) -> Connection:
    """The number of a hub's connection among those of all hubs."""
    return (hub << _LOWER) | number


class Crew(Protocol):
    """What the company asks of its hub."""

    def act(self, event: RoomEvent) -> None:
        """It happened, here or elsewhere."""

    def all_here(self) -> list[RoomEvent]:
        """What makes this hub's own connections."""

    def hub_gone(self, hub: int, clean: bool) -> None:
        """None of its connections is there; if not `clean`, it may have changed something and told nobody."""

    def came_in(self) -> None:
        """From now on everybody is known, and people may be let in."""

    def fell_out(self, why: Why, unheard: list[HubEvent]) -> None:
        """Nobody is known any more: let go of everybody. `unheard` was said, and nobody may have heard it."""


class Company:
    """
    Args:
        say: puts a text on the bus.
        new_number: a number that no hub had.
    """

    def __init__(self, crew: Crew, say: Callable[[str], None], new_number: Callable[[], int] = fresh_number) -> None:
        self._crew, self._put, self._new_number = crew, say, new_number
        self.phase: Phase = "out"
        self.number = 0
        self._leaving = False
        self._begin()

    def _begin(self) -> None:
        self._seq = 0
        self._said: dict[int, tuple[HubEvent, Callable[[], None] | None]] = {}
        self._beats_out = self._beats_heard = 0
        self._silent: dict[int, int] = {}
        """The others, and how many own beats were heard since each of them was."""
        self._last: dict[int, int] = {}
        self._gone: set[int] = set()
        self.is_first = True
        """No other hub was in when this one came: nobody but the store knows who was there before."""
        self._states: dict[int, list[RoomEvent]] = {}
        self._later: list[tuple[int, RoomEvent | HubGone]] = []

    # This hub

    def up(self) -> None:
        """The bus is connected."""
        before, self.number = self.number, self._new_number()
        self._begin()
        self.phase = "waiting"
        self._say(Came())
        if before:
            self._say(HubGone(hub=before, clean=True))  # what it could not tell it says when it is in again

    def cut(self, why: Why = "bus_cut") -> None:
        """The bus is not connected any more, or as good as that."""
        if self.phase == "out":
            return
        self.phase = "out"
        unheard = [event for event, _ in self._said.values()]
        self._begin()
        self._crew.fell_out(why, unheard)

    def beat(self) -> bool:
        """To be called every `BEAT_S`; False if the bus must be connected anew."""
        if self._leaving:
            return True
        if self.phase == "out":
            self.up()
        elif self._beats_out >= UNHEARD:
            self.cut("bus_silent")
            return False
        self._beats_out += 1
        self._say(Beat())
        return True

    def say(self, event: RoomEvent, heard: Callable[[], None] | None = None) -> bool:
        """Let it happen, at all hubs; `heard` is called when it has, here. False if this hub is not one of them."""
        if self.phase != "in":
            return False
        self._say(event, heard=heard)
        return True

    def pass_on(self, hub: int, event: Passed) -> None:
        """To that hub only."""
        if self.phase == "in":
            self._say(event, to=hub)

    def leave(self, heard: Callable[[], None]) -> None:
        """Say goodbye; nothing that is said afterwards counts."""
        self._leaving = True
        if self.phase == "out":
            heard()
        else:
            self._say(HubGone(hub=self.number, clean=True), heard=heard)

    def _say(self, event: HubEvent, to: int = 0, heard: Callable[[], None] | None = None) -> None:
        self._seq += 1
        self._said[self._seq] = (event, heard)
        self._put(f"{self.number:x} {self._seq} {to:x} {event.model_dump_json()}")

    @property
    def keeps(self) -> bool:
        """Whether this is the one of the hubs that keeps who is there, for when all end."""
        return self.phase == "in" and self.number <= min(self._silent, default=self.number)

    # What is heard

    def heard(self, text: str) -> None:
        """The next text of the bus."""
        try:
            hub_text, seq_text, to_text, body = text.split(" ", 3)
            hub, seq, to = int(hub_text, 16), int(seq_text), int(to_text, 16)
        except ValueError:
            return
        if self.phase == "out" or hub in self._gone:
            return
        if hub == self.number:
            self._own(seq)
        elif self.phase != "waiting":
            self._other(hub, seq, to, body)

    def _own(self, seq: int) -> None:
        if next(iter(self._said), None) != seq:
            self.cut("bus_lost")
            return
        event, heard = self._said.pop(seq)
        match event:
            case Came():
                self.phase = "entering"
            case Beat():
                self._own_beat()
            case HubGone():
                self._lose(event.hub, event.clean)
            case Here() | Passed():
                pass
            case _:
                self._crew.act(event)
        if heard is not None:
            heard()

    def _own_beat(self) -> None:
        self._beats_out, self._beats_heard = 0, self._beats_heard + 1
        for hub in self._silent:
            self._silent[hub] += 1
            if self._silent[hub] == MISSED + 1:
                self._say(HubGone(hub=hub, clean=False))
        self._enter_if_all_told()

    def _other(self, hub: int, seq: int, to: int, body: str) -> None:
        if self._last.get(hub, seq - 1) != seq - 1:
            self.cut("bus_lost")
            return
        self._last[hub] = seq
        try:
            event = hub_event.validate_json(body) if to in (0, self.number) else None
        except ValidationError:
            self.cut("not_understood")
            return
        if isinstance(event, Came):
            self._welcome(hub)
        elif hub not in self._silent and self.phase == "in":
            self._send_away(hub)
        else:
            self._silent[hub] = 0
            self._take(hub, event)

    def _welcome(self, hub: int) -> None:
        self._silent[hub] = 0
        self._states.setdefault(hub, [])  # it came after this one: there was nobody yet
        self._say(Here(hubs=list(self._silent), settled=self.phase == "in", events=self._crew.all_here()), to=hub)

    def _send_away(self, hub: int) -> None:
        """It takes itself for one of us, and nobody told us of it: it was held up while we came."""
        self._silent[hub] = MISSED + 1
        self._say(HubGone(hub=hub, clean=False))

    def _told(self, hub: int, here: Here) -> None:
        if self.phase != "entering":
            return
        self._states[hub] = here.events
        self.is_first = self.is_first and not here.settled
        for other in here.hubs:
            if other != self.number and other not in self._gone:
                self._silent.setdefault(other, 0)
        self._enter_if_all_told()

    def _take(self, hub: int, event: HubEvent | None) -> None:
        match event:
            case None | Beat() | Came():
                pass
            case Here():
                self._told(hub, event)
            case HubGone():
                self._lose(event.hub, event.clean)
            case _ if self.phase == "in":
                self._crew.act(event)
            case Passed():
                pass  # nobody is here yet
            case _:
                self._later.append((hub, event))

    def _lose(self, hub: int, clean: bool) -> None:
        if hub == self.number:
            self.cut("left" if self._leaving else "declared_gone")
            return
        if hub in self._gone:
            return  # several found it out
        self._silent.pop(hub, None)
        self._gone.add(hub)
        if self.phase == "in":
            self._crew.hub_gone(hub, clean)
        else:
            self._later.append((hub, HubGone(hub=hub, clean=clean)))
            self._enter_if_all_told()

    def _enter_if_all_told(self) -> None:
        told = all(hub in self._states for hub in self._silent)
        if self.phase != "entering" or self._beats_heard < ENTER_BEATS or not told:
            return
        self.phase = "in"
        for hub in sorted(self._states):
            for event in self._states[hub]:
                self._crew.act(event)
        for _, later in self._later:
            if isinstance(later, HubGone):
                self._crew.hub_gone(later.hub, later.clean)
            else:
                self._crew.act(later)
        self._states, self._later = {}, []
        self._crew.came_in()
