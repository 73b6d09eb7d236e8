"""Several hubs on a bus that delivers when it likes: all have one picture of the rooms, whoever dies, hangs, is cut."""

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.hubs.acting import act, events_of
from carebag_server.hubs.company import ENTER_BEATS, MISSED, UNHEARD, Company, hub_of, line_of
from carebag_server.hubs.events import (
    Away,
    ConsoleCame,
    Entered,
    Gone,
    HubEvent,
    Joined,
    KitCame,
    KitEntered,
    KitSaid,
    Left,
    Passed,
    RoomEvent,
)
from carebag_server.rooms import Rooms
from carebag_wire.messages import KitStatus, Live

PEOPLE = [uuid.UUID(int=number) for number in (1, 2)]
KITS = [uuid.UUID(int=number) for number in (11, 12)]
VISITS = [uuid.UUID(int=number) for number in (21, 22)]


class Log:
    """A bus: one list of all that was said. Each hub reads on in it when the test says so."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.numbers = itertools.count(1)


class HubHere:
    """One hub without sockets; `lines` are those that it has not let go of."""

    def __init__(self, log: Log) -> None:
        self.log, self.at = log, 0
        self.rooms = Rooms()
        self.lines: set[int] = set()
        self.counter = itertools.count(1)
        self.alive = self.connected = True
        self.fell: list[str] = []
        self.lost: list[tuple[int, bool]] = []
        self.passed: list[Passed] = []
        self.unheard: list[HubEvent] = []
        self.company = Company(self, self.put, lambda: next(log.numbers))
        self.connect()

    def put(self, text: str) -> None:
        if self.connected:
            self.log.texts.append(text)

    def connect(self) -> None:
        self.connected, self.at = True, len(self.log.texts)
        self.company.up()

    def read(self, most: int = 10**6) -> None:
        while self.alive and self.connected and most and self.at < len(self.log.texts):
            self.at, most = self.at + 1, most - 1
            self.company.heard(self.log.texts[self.at - 1])

    # What the company asks

    def act(self, event: RoomEvent) -> None:
        if isinstance(event, Passed):
            self.passed.append(event)
        else:
            act(self.rooms, event)

    def all_here(self) -> list[RoomEvent]:
        return events_of(self.rooms, lambda line: hub_of(line) == self.company.number or self.rooms.is_away(line))

    def hub_gone(self, hub: int, clean: bool) -> None:
        self.lost.append((hub, clean))
        for line in self.rooms.connections():
            if hub_of(line) == hub:
                self.rooms.away(line)

    def came_in(self) -> None:
        self.fell.append("in")

    def fell_out(self, why: Any, unheard: list[HubEvent]) -> None:
        self.fell.append(why)
        self.unheard += unheard
        self.rooms, self.lines = Rooms(), set()

    # What happens

    def new_line(self) -> int:
        line = line_of(self.company.number, next(self.counter))
        self.lines.add(line)
        return line

    def picture(self) -> set[str]:
        """All that the rooms know, but for the nurses' names."""
        events = events_of(self.rooms, lambda _: True)
        return {event.model_copy(update={"nurses": {}} if hasattr(event, "nurses") else {}).model_dump_json()
                for event in events}  # fmt: skip


def settle(hubs: list[HubHere]) -> None:
    """All read all, and time goes by: whoever is dead is found out, whoever is cut off comes back."""
    for _ in range(3 * (UNHEARD + ENTER_BEATS + MISSED)):
        for hub in hubs:
            if (hub.alive and hub.connected and not hub.company.beat()) or (hub.alive and not hub.connected):
                hub.connect()
        for hub in hubs:
            hub.read()


@pytest.fixture
def three() -> list[HubHere]:
    log = Log()
    hubs = [HubHere(log) for _ in range(3)]
    settle(hubs)
    return hubs


def console(
    hub: HubHere, person: uuid.UUID = PEOPLE[0], visit: uuid.UUID = VISITS[0], take_over: bool = False, turn: int = 0
) -> int:
    """`turn`: which connection of a page that says so; 0: a page that does not."""
    line = hub.new_line()
    page = {"page": f"p{person.int}", "turn": turn, "visit_id": visit} if turn else {}
    hub.company.say(ConsoleCame(line=line, practitioner_id=person, name="x", **page))
    hub.company.say(Joined(line=line, visit_id=visit, kit_id=KITS[0], take_over=take_over))
    hub.company.say(Entered(line=line, visit_id=visit))
    return line


def kit(hub: HubHere, kit_id: uuid.UUID = KITS[0]) -> int:
    line = hub.new_line()
    hub.company.say(KitCame(line=line, kit_id=kit_id, name="x", key=""))
    hub.company.say(KitEntered(line=line))
    return line


def all_read(hubs: list[HubHere]) -> None:
    for hub in hubs:
        hub.read()


def test_all_come_in_and_nobody_is_in_before(three: list[HubHere]) -> None:
    assert [hub.fell for hub in three] == [["in"]] * 3
    assert HubHere(Log()).company.say(Gone(line=1)) is False


def test_a_hub_alone_comes_in_when_it_has_heard_its_own_beats() -> None:
    hub = HubHere(Log())
    hub.read()
    for _ in range(ENTER_BEATS):
        assert hub.company.phase == "entering"
        hub.company.beat()
        hub.read()
    assert hub.company.phase == "in"


def test_who_comes_at_one_hub_is_known_at_all(three: list[HubHere]) -> None:
    first, second, third = three
    kit_line, doctor_line = kit(first), console(second)
    all_read(three)
    assert first.picture() == second.picture() == third.picture()
    assert third.rooms.kits[KITS[0]].connection == kit_line
    assert third.rooms.seated(doctor_line) == VISITS[0]


def test_one_seat_for_a_person_at_all_hubs(three: list[HubHere]) -> None:
    """Both said it before either heard: the order on the bus decides, the same for all."""
    first, second, _ = three
    sits, refused = console(first), console(second)
    all_read(three)
    for hub in three:
        assert (hub.rooms.seated(sits), hub.rooms.seated(refused)) == (VISITS[0], None)
    later = console(second, take_over=True)
    all_read(three)
    for hub in three:
        assert (hub.rooms.seated(sits), hub.rooms.seated(later)) == (None, VISITS[0])


def test_a_kit_has_one_connection_at_all_hubs(three: list[HubHere]) -> None:
    first, second, third = three
    kit(first)
    newer = kit(second)
    all_read(three)
    assert {hub.rooms.kits[KITS[0]].connection for hub in three} == {newer}
    assert len(third.rooms.connections()) == 1


def test_one_of_the_hubs_keeps_who_is_there_and_another_when_it_is_gone(three: list[HubHere]) -> None:
    for count in (3, 2, 1):
        living = [hub for hub in three if hub.alive]
        [keeper] = [hub for hub in living if hub.company.keeps]
        assert len(living) == count
        beat_until_missed(keeper, [hub for hub in living if hub is not keeper])
        keeper.company.cut()
        assert not keeper.company.keeps
        for hub in three:
            hub.lost.clear()


def test_who_came_to_no_hub_that_was_in_is_the_first(three: list[HubHere]) -> None:
    """Those who come together all are: the store knows more than they do. One that comes later is not."""
    fourth = HubHere(three[0].log)
    settle([*three, fourth])
    assert [hub.company.is_first for hub in [*three, fourth]] == [True, True, True, False]
    for hub in [*three, fourth]:
        hub.company.cut()
        hub.connected = False
    settle([*three, fourth])
    assert [hub.company.is_first for hub in [*three, fourth]] == [True] * 4


def test_what_is_passed_on_reaches_one_hub(three: list[HubHere]) -> None:
    first, second, third = three
    message = Passed(line=line_of(second.company.number, 7), message=Live(visit_id=VISITS[0]))
    first.company.pass_on(second.company.number, message)
    all_read(three)
    assert [hub.passed for hub in (first, second, third)] == [[], [message], []]


def test_a_hub_that_comes_later_learns_who_is_there(three: list[HubHere]) -> None:
    first, second, _ = three
    kit_line = kit(first)
    first.company.say(KitSaid(line=kit_line, status=KitStatus(visit_id=VISITS[0], devices=[], unsent=3)))
    console(second)
    settle(three)
    fourth = HubHere(first.log)
    console(first, PEOPLE[1])  # while it comes in
    settle([*three, fourth])
    assert fourth.picture() == first.picture()
    assert len(fourth.picture()) == 9


def people(hub: HubHere) -> list[str]:
    return [one.id for one in hub.rooms.participants(VISITS[0], KITS[0])[0]]


def beat_until_missed(dead: HubHere, living: list[HubHere]) -> None:
    dead.alive = False
    for _ in range(MISSED + 2):
        for hub in living:
            hub.company.beat()
        all_read(living)
    assert all(hub.lost == [(dead.company.number, False)] for hub in living)


@pytest.mark.parametrize("missed_before", [False, True])
def test_who_comes_back_before_or_after_the_dead_hub_is_missed_is_never_away_for_the_others(
    three: list[HubHere], missed_before: bool
) -> None:
    first, second, third = three
    console(first, turn=1)
    console(second, PEOPLE[1])
    settle(three)
    before = people(third)
    assert len(before) == 2
    if missed_before:
        beat_until_missed(first, [second, third])
        assert people(second) == people(third) == before
    line = console(third, take_over=True, turn=2)
    all_read([second, third])
    assert people(second) == people(third) == before
    if not missed_before:
        beat_until_missed(first, [second, third])
    assert people(second) == people(third) == before
    assert second.picture() == third.picture()
    assert third.rooms.seated(line) == VISITS[0]


def test_who_does_not_come_back_is_gone_by_anybodys_word(three: list[HubHere]) -> None:
    first, second, third = three
    line = console(first, turn=1)
    settle(three)
    beat_until_missed(first, [second, third])
    for hub in (second, third):  # each has waited
        hub.company.say(Gone(line=line))
    all_read([second, third])
    assert people(second) == people(third) == []


def test_a_hub_that_comes_later_learns_who_is_away_from_a_hub_that_is_gone(three: list[HubHere]) -> None:
    first, second, third = three
    console(first, turn=1)
    settle(three)
    beat_until_missed(first, [second, third])
    fourth = HubHere(first.log)
    settle([second, third, fourth])
    assert fourth.picture() == second.picture()
    assert people(fourth) == people(second) != []
    console(fourth, take_over=True, turn=2)
    all_read([second, third, fourth])
    assert fourth.picture() == second.picture() == third.picture()


def test_a_dead_hub_is_found_out_and_its_people_are_gone(three: list[HubHere]) -> None:
    first, second, third = three
    kit(first)
    stays = console(second)
    settle(three)
    first.alive = False
    for beats in range(MISSED + 2):
        assert not second.lost or beats >= MISSED
        for hub in (second, third):
            hub.company.beat()
        all_read([second, third])
    assert second.lost == third.lost == [(first.company.number, False)]
    assert second.picture() == third.picture()
    assert second.rooms.connections() == [stays]


def test_a_hub_that_goes_says_so(three: list[HubHere]) -> None:
    first, second, third = three
    kit(first)
    heard: list[bool] = []
    first.company.leave(lambda: heard.append(True))
    all_read(three)
    assert heard == [True]
    assert second.lost == third.lost == [(first.company.number, True)]
    assert not second.rooms.connections()
    assert first.company.beat()
    assert first.company.phase == "out"


def test_a_hub_that_hung_lets_go_and_comes_anew(three: list[HubHere]) -> None:
    first, second, third = three
    kit(first)
    settle(three)
    settle([second, third])  # the first does nothing meanwhile
    before = first.company.number
    settle(three)
    assert first.fell == ["in", "declared_gone", "in"]
    assert first.company.number != before
    assert not first.lines
    assert first.picture() == second.picture() == third.picture() == set()


def test_a_bus_that_stands_still_makes_nobody_suspect_the_others(three: list[HubHere]) -> None:
    for _ in range(UNHEARD):
        for hub in three:
            hub.company.beat()
    all_read(three)
    assert [hub.fell for hub in three] == [["in"]] * 3
    assert [hub.lost for hub in three] == [[], [], []]


def test_a_bus_from_which_nothing_comes_is_cut(three: list[HubHere]) -> None:
    beats = [three[0].company.beat() for _ in range(UNHEARD + 1)]
    assert beats == [True] * UNHEARD + [False]
    assert three[0].fell == ["in", "bus_silent"]


def test_what_was_said_and_not_heard_when_the_bus_was_cut_is_given_back(three: list[HubHere]) -> None:
    first = three[0]
    kit(first)
    first.connected = False
    first.company.cut()
    assert [type(event) for event in first.unheard] == [KitCame, KitEntered]
    settle(three)
    assert {hub.company.phase for hub in three} == {"in"}


def test_a_hole_in_what_a_hub_said_is_noticed(three: list[HubHere]) -> None:
    first, second, _ = three
    console(first)
    del first.log.texts[second.at]
    second.read()
    assert second.fell == ["in", "bus_lost"]
    settle(three)
    assert second.picture() == three[2].picture()


def test_a_hub_that_does_not_hear_what_it_said_itself_notices(three: list[HubHere]) -> None:
    first = three[0]
    console(first)
    del first.log.texts[first.at]
    first.read()
    assert first.fell == ["in", "bus_lost"]


def test_nobody_is_in_before_all_have_told_who_is_there(three: list[HubHere]) -> None:
    first, second, third = three
    kit(first)
    settle(three)
    fourth = HubHere(first.log)
    for _ in range(ENTER_BEATS):
        for hub in (first, fourth):
            hub.company.beat()  # the others are busy and have not read that it comes
        fourth.read()
    assert fourth.company.phase == "entering"
    settle([first, second, third, fourth])
    assert fourth.picture() == first.picture()


def test_what_a_hub_says_after_it_was_declared_gone_does_not_count(three: list[HubHere]) -> None:
    first, second, third = three
    settle([second, third])
    kit(first)  # it does not know yet
    console(first)
    all_read([second, third])
    assert second.picture() == third.picture() == set()
    assert second.lost == [(first.company.number, False)]


def test_a_hub_of_which_nobody_told_is_sent_away_to_come_anew(three: list[HubHere]) -> None:
    first = three[0]
    first.log.texts.append('63 1 0 {"what": "beat"}')
    first.read()
    assert any('"hub_gone"' in text and '"hub":99' in text for text in first.log.texts)


def test_who_comes_back_takes_back_its_old_number_at_once(three: list[HubHere]) -> None:
    first, second, _ = three
    kit(first)
    settle(three)
    before = first.company.number
    cut_off(first)
    first.connect()
    second.read()
    assert second.lost == [(before, True)]
    assert not second.rooms.connections()


@pytest.mark.parametrize("text", ["", "x", "1 2 3", "z 1 0 {}", "7 x 0 {}", "7 1 y {}"])
def test_what_is_no_text_of_ours_is_passed_over(three: list[HubHere], text: str) -> None:
    three[0].log.texts.append(text)
    all_read(three)
    assert [hub.fell for hub in three] == [["in"]] * 3


def test_a_hub_of_another_version_is_not_half_understood(three: list[HubHere]) -> None:
    first, second, _ = three
    first.log.texts.append(f"{second.company.number:x} {second.company._seq + 1} 0 {{}}")
    first.read()
    assert first.fell == ["in", "not_understood"]


hub_numbers = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), hub_numbers, st.integers(1, 8)),
        st.tuples(st.just("beat"), hub_numbers),
        st.tuples(st.just("console"), hub_numbers, st.sampled_from(PEOPLE)),
        st.tuples(st.just("back"), hub_numbers, st.sampled_from(PEOPLE), st.integers(1, 3), st.sampled_from(VISITS)),
        st.tuples(st.just("away"), hub_numbers, st.integers(0, 3)),
        st.tuples(st.just("join"), hub_numbers, st.integers(0, 3), st.sampled_from(VISITS), st.booleans()),
        st.tuples(st.just("enter"), hub_numbers, st.integers(0, 3), st.sampled_from(VISITS)),
        st.tuples(st.just("leave"), hub_numbers, st.integers(0, 3)),
        st.tuples(st.just("gone"), hub_numbers, st.integers(0, 3)),
        st.tuples(st.just("kit"), hub_numbers, st.sampled_from(KITS)),
        st.tuples(st.just("status"), hub_numbers, st.integers(0, 3), st.sampled_from(VISITS), st.booleans()),
        st.tuples(st.just("cut"), hub_numbers),
        st.tuples(st.just("connect"), hub_numbers),
        st.tuples(st.just("kill"), hub_numbers),
        st.tuples(st.just("hang"), hub_numbers),
    ),
    max_size=60,
)


def do(hubs: list[HubHere], step: tuple[Any, ...]) -> None:
    kind, number, *rest = step
    hub = hubs[number]
    lines = sorted(hub.lines)
    acts: dict[str, Callable[[], object]] = {
        "read": lambda: hub.read(rest[0]),
        "beat": lambda: hub.company.beat() or hub.connect(),
        "cut": lambda: cut_off(hub),
        "connect": lambda: None if hub.connected else hub.connect(),
        "kill": lambda: kill(hubs, hub),
        "hang": lambda: settle([one for one in hubs if one is not hub]),
    }
    if not hub.alive:
        return
    if kind in acts:
        acts[kind]()
    elif hub.company.phase != "in":
        return
    elif kind == "console":
        hub.company.say(ConsoleCame(line=hub.new_line(), practitioner_id=rest[0], name="x"))
    elif kind == "back":
        page = {"page": f"p{rest[0].int}", "turn": rest[1], "visit_id": rest[2]}
        hub.company.say(ConsoleCame(line=hub.new_line(), practitioner_id=rest[0], name="x", **page))
    elif kind == "kit":
        kit(hub, rest[0])
    elif rest[0] < len(lines):
        of_line(hub, kind, lines[rest[0]], rest[1:])


def of_line(hub: HubHere, kind: str, line: int, rest: list[Any]) -> None:
    if kind in ("gone", "away"):
        hub.lines.discard(line)
    events: dict[str, Callable[[], RoomEvent]] = {
        "join": lambda: Joined(line=line, visit_id=rest[0], kit_id=KITS[0], take_over=rest[1]),
        "enter": lambda: Entered(line=line, visit_id=rest[0]),
        "leave": lambda: Left(line=line),
        "gone": lambda: Gone(line=line),
        "away": lambda: Away(line=line),
        "status": lambda: KitSaid(line=line, status=KitStatus(visit_id=rest[0], devices=[], unsent=int(rest[1]))),
    }
    hub.company.say(events[kind]())


def cut_off(hub: HubHere) -> None:
    hub.connected = False
    hub.company.cut()


def kill(hubs: list[HubHere], hub: HubHere) -> None:
    if sum(one.alive for one in hubs) > 1:
        hub.alive = False


@given(STEPS)
def test_whatever_happens_all_have_one_picture(script: list[tuple[Any, ...]]) -> None:
    log = Log()
    hubs = [HubHere(log) for _ in range(3)]
    settle(hubs)
    for step in script:
        do(hubs, step)
    settle(hubs)
    settle(hubs)
    living = [hub for hub in hubs if hub.alive]
    assert {hub.company.phase for hub in living} == {"in"}
    assert len({frozenset(hub.picture()) for hub in living}) == 1
    for line in living[0].rooms.connections():  # who is away does not come back any more
        if living[0].rooms.is_away(line):
            living[0].company.say(Gone(line=line))
    all_read(living)
    assert len({frozenset(hub.picture()) for hub in living}) == 1
    rooms = living[0].rooms
    assert {hub_of(line) for line in rooms.connections()} <= {hub.company.number for hub in living}
    seats = [(one.practitioner_id, one.seat.visit_id) for one in rooms.consoles.values() if one.seat]
    assert len(seats) == len(set(seats)), "two seats of one person in one visit"
    kits_and_consoles = set(rooms.connections())
    assert kits_and_consoles <= set().union(*(hub.lines for hub in living)), "a line that its hub let go of"
