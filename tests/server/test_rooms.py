"""The rooms without sockets: seats, who is here, call set-up to the right one, and no change lost around a snapshot."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.announcements import Announcement
from carebag_server.rooms import Close, Rooms, Send
from carebag_server.seats import Console
from carebag_server.sfu.watching import SFU_LINE
from carebag_wire.calls import SfuServes
from carebag_wire.guests import Guest, LinkQuality
from carebag_wire.messages import (
    CameraDo,
    Changed,
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
from carebag_wire.visit import CameraState, DoctorHears, Note, Patient, Person, VisitHead, VisitSnapshot

KIT, OTHER_KIT = uuid.UUID(int=1), uuid.UUID(int=2)
VISIT, OTHER_VISIT = uuid.UUID(int=3), uuid.UUID(int=4)
ELENA, PAU = uuid.UUID(int=5), uuid.UUID(int=6)
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NURSE = Person(
    commission_id=uuid.UUID(int=7),
    practitioner_id=uuid.UUID(int=8),
    name="Anna Lind",
    title="",
    role="nurse",
    unit="",
    organization="",
)


def head(visit_id: uuid.UUID = VISIT, reason: str = "") -> VisitHead:
    patient = Patient(
        id=visit_id,
        name="",
        personal_id="",
        personal_id_system="",
        birth_date="",
        place="",
        own_doctor="",
        colour=0,
    )
    return VisitHead(
        id=visit_id,
        patient=patient,
        nurse=NURSE,
        kit_id=KIT,
        kit_name="",
        scheduled_at=NOW,
        reason=reason,
        background="",
        state="open",
    )


def snapshot(visit_id: uuid.UUID = VISIT) -> Snapshot:
    return Snapshot(
        snapshot=VisitSnapshot(
            visit=head(visit_id),
            requests=[],
            readings=[],
            sounds=[],
            photos=[],
            notes=[],
            participants=[],
            kit_online=False,
        )
    )


def changed(visit_id: uuid.UUID = VISIT, reason: str = "") -> Announcement:
    return Announcement(Changed(visit_id=visit_id, visit=head(visit_id, reason)), KIT)


def status(visit_id: uuid.UUID | None = VISIT, nurse: bool = True) -> KitStatus:
    return KitStatus(visit_id=visit_id, devices=[], unsent=0, nurse_present=nurse)


def signal(to: str, sender: str = "", visit_id: uuid.UUID = VISIT) -> Signal:
    return Signal(visit_id=visit_id, to=to, sender=sender, epoch=1, description={"type": "offer", "sdp": ""})


def enter(rooms: Rooms, connection: int, visit_id: uuid.UUID = VISIT, take_over: bool = False) -> list[Any]:
    joined = rooms.join(connection, visit_id, KIT, take_over)
    return joined + rooms.entered(connection, snapshot(visit_id))


def to(actions: list[Any], connection: int) -> list[Any]:
    return [action.message for action in actions if isinstance(action, Send) and action.connection == connection]


@pytest.fixture
def rooms() -> Rooms:
    """Elena on 1 in the visit's room, the kit on 10, with the nurse's page open in that visit."""
    made = Rooms()
    made.console_came(Console(1, ELENA, "Elena Ruiz"))
    made.kit_came(10, KIT, "Väska 1")
    made.kit_entered(10, KitVisits(visits=[]))
    enter(made, 1)
    made.kit_status(10, status())
    return made


DOCTOR = f"doctor:{ELENA}:1"


def test_who_is_here(rooms: Rooms) -> None:
    people, online = rooms.participants(VISIT, KIT)
    assert [(one.id, one.role, one.name) for one in people] == [
        (DOCTOR, "doctor", "Elena Ruiz"),
        (f"kit:{KIT}", "kit", "Väska 1"),
        (f"nurse:{KIT}", "nurse", "Anna Lind"),
    ]
    assert online


def test_the_snapshot_comes_first_then_what_changed_meanwhile(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau"))
    rooms.join(2, VISIT, KIT, take_over=False)
    assert to(rooms.publish(changed()), 2) == []
    assert to(rooms.live(10, Live(visit_id=VISIT)), 2) == []
    kinds = [type(message) for message in to(rooms.entered(2, snapshot()), 2)]
    assert kinds == [Snapshot, Changed, KitStatus, Present]
    assert [type(message) for message in to(rooms.publish(changed()), 2)] == [Changed]


def test_a_kit_gets_its_visits_first_then_what_changed_meanwhile() -> None:
    rooms = Rooms()
    rooms.kit_came(10, KIT, "Väska 1")
    assert rooms.publish(changed()) == []
    assert [type(message) for message in to(rooms.kit_entered(10, KitVisits(visits=[])), 10)] == [KitVisits, Changed]


def test_one_seat_for_a_person_in_a_visit(rooms: Rooms) -> None:
    rooms.console_came(Console(2, ELENA, "Elena Ruiz"))
    assert to(rooms.join(2, VISIT, KIT, take_over=False), 2) == [Problem(code="seat_taken")]
    assert rooms.seated(2) is None
    actions = enter(rooms, 2, take_over=True)
    assert to(actions, 1) == [Superseded(visit_id=VISIT)]
    assert (rooms.seated(1), rooms.seated(2)) == (None, VISIT)
    assert to(rooms.publish(changed()), 1) == []
    assert to(enter(rooms, 1, take_over=True), 2) == [Superseded(visit_id=VISIT)]  # and back again


def test_two_doctors_have_two_seats(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau"))
    actions = enter(rooms, 2)
    assert [type(message) for message in to(actions, 1)] == [Present]
    assert len(rooms.participants(VISIT, KIT)[0]) == 4


def test_entering_another_room_leaves_the_first(rooms: Rooms) -> None:
    actions = enter(rooms, 1, OTHER_VISIT)
    assert [message.visit_id for message in to(actions, 10) if isinstance(message, Present)] == [VISIT, OTHER_VISIT]
    assert to(rooms.publish(changed(VISIT)), 1) == []


def test_a_snapshot_of_a_room_that_was_left_is_not_sent(rooms: Rooms) -> None:
    rooms.join(1, OTHER_VISIT, KIT, take_over=False)
    rooms.leave(1)
    assert rooms.entered(1, snapshot(OTHER_VISIT)) == []


def test_a_signal_to_kit_or_nurse_goes_down_the_kits_socket(rooms: Rooms) -> None:
    for target in (f"kit:{KIT}", f"nurse:{KIT}"):
        (sent,) = to(rooms.signal(1, signal(target, sender="somebody else")), 10)
        assert (sent.sender, sent.to) == (DOCTOR, target)


@pytest.mark.parametrize(("said", "true"), [("", f"kit:{KIT}"), (f"kit:{KIT}", f"kit:{KIT}"), (f"nurse:{KIT}",) * 2])
def test_a_signal_from_the_kits_socket_says_who_sent_it(rooms: Rooms, said: str, true: str) -> None:
    (sent,) = to(rooms.signal(10, signal(DOCTOR, said)), 1)
    assert sent.sender == true


@pytest.mark.parametrize("sender", [f"kit:{OTHER_KIT}", f"nurse:{OTHER_KIT}", DOCTOR, "x"])
def test_a_kit_cannot_speak_for_another(rooms: Rooms, sender: str) -> None:
    assert rooms.signal(10, signal(DOCTOR, sender)) == [Send(10, Problem(code="not_you"))]


@pytest.mark.parametrize("target", [DOCTOR, f"kit:{OTHER_KIT}", "", f"doctor:{PAU}:2"])
def test_a_signal_to_nobody_here_is_answered(rooms: Rooms, target: str) -> None:
    assert rooms.signal(1, signal(target)) == [Send(1, Problem(code="not_here"))]


def test_a_signal_about_another_visit_is_refused(rooms: Rooms) -> None:
    assert rooms.signal(1, signal(f"kit:{KIT}", visit_id=OTHER_VISIT)) == [Send(1, Problem(code="not_in_room"))]


def test_a_kit_in_another_home_is_not_reached(rooms: Rooms) -> None:
    """A doctor who waits for one patient must not look into the home of another."""
    actions = rooms.kit_status(10, status(OTHER_VISIT))
    assert [one.role for one in to(actions, 1)[-1].participants] == ["doctor", "kit"]
    for target in (f"kit:{KIT}", f"nurse:{KIT}"):
        assert rooms.signal(1, signal(target)) == [Send(1, Problem(code="not_here"))]


def test_another_kit_reaches_no_console_of_this_room(rooms: Rooms) -> None:
    rooms.kit_came(11, OTHER_KIT, "Väska 2")
    assert rooms.signal(11, signal(DOCTOR)) == [Send(11, Problem(code="not_here"))]
    assert rooms.live(11, Live(visit_id=VISIT)) == []
    assert rooms.kit_status(11, status()) == []


def hears(visit_id: uuid.UUID = VISIT) -> DoctorHears:
    return DoctorHears(visit_id=visit_id, sender="somebody else", source="live", view="bell")


def test_what_a_doctor_hears_goes_to_the_nurses_side_with_the_true_sender(rooms: Rooms) -> None:
    (sent,) = to(rooms.doctor_hears(1, hears()), 10)
    assert sent == hears().model_copy(update={"sender": DOCTOR})
    assert rooms.doctor_hears(1, hears(OTHER_VISIT)) == [Send(1, Problem(code="not_in_room"))]
    assert rooms.doctor_hears(99, hears()) == [Send(99, Problem(code="not_in_room"))]
    rooms.kit_status(10, status(OTHER_VISIT))
    assert rooms.doctor_hears(1, hears()) == []
    rooms.gone(10)
    assert rooms.doctor_hears(1, hears()) == []


def test_live_state_goes_to_the_room_only(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau"))
    assert [action.connection for action in rooms.live(10, Live(visit_id=VISIT))] == [1]
    assert rooms.live(10, Live(visit_id=OTHER_VISIT)) == []


def test_a_draft_note_goes_to_its_author_only(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau"))
    enter(rooms, 2)
    note = Note(id=VISIT, visit_id=VISIT, version=1, assessment="", plan="", state="draft", author="", changed_at=NOW)
    actions = rooms.publish(Announcement(Changed(visit_id=VISIT, note=note), KIT, only=PAU))
    assert [action.connection for action in actions] == [2]


def test_a_kit_that_comes_anew_takes_its_place(rooms: Rooms) -> None:
    actions = rooms.kit_came(11, KIT, "Väska 1")
    assert actions[:2] == [Send(10, Problem(code="superseded", fatal=True)), Close(10)]
    assert rooms.gone(10) == []
    assert rooms.participants(VISIT, KIT)[1]
    assert rooms.signal(10, signal(DOCTOR)) == []


def test_a_kit_that_goes_is_missed(rooms: Rooms) -> None:
    (present,) = to(rooms.gone(10), 1)
    assert (present.kit_online, [one.role for one in present.participants]) == (False, ["doctor"])


def test_a_console_that_goes_is_missed(rooms: Rooms) -> None:
    (present,) = to(rooms.gone(1), 10)
    assert [one.role for one in present.participants] == ["kit", "nurse"]


def test_who_comes_later_learns_of_the_instruments(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau"))
    assert status() in to(enter(rooms, 2), 2)


MARK = "0123456789abcdef"


def back(connection: int, turn: int, page: str = MARK, person: uuid.UUID = ELENA) -> Console:
    return Console(connection, person, "Elena Ruiz", page=page, turn=turn)


@pytest.fixture
def returning(rooms: Rooms) -> Rooms:
    """Pau's page on 2, in the room too; it says which page it is."""
    rooms.console_came(back(2, 1, person=PAU))
    enter(rooms, 2)
    return rooms


def people_of(rooms: Rooms) -> list[str]:
    return [one.id for one in rooms.participants(VISIT, KIT)[0]]


def test_a_page_that_comes_back_is_the_participant_that_it_was(returning: Rooms) -> None:
    """Nobody sees a change; what changes meanwhile comes after its snapshot, and set-up reaches it at once."""
    rooms, before = returning, people_of(returning)
    actions = rooms.console_came(back(3, 2, person=PAU), VISIT)
    assert actions == [Send(2, Problem(code="superseded", fatal=True)), Close(2)]
    assert people_of(rooms) == before
    assert rooms.seated(2) is None
    assert to(rooms.signal(10, signal(f"doctor:{PAU}:{MARK}")), 3)
    assert to(rooms.publish(changed()), 3) == []
    assert rooms.gone(2) == []
    kinds = [type(message) for message in to(enter(rooms, 3, take_over=True), 3)]
    assert kinds[0] is Snapshot
    assert people_of(rooms) == before


def test_who_comes_back_stands_where_it_stood(rooms: Rooms) -> None:
    rooms.console_came(back(2, 1, person=PAU))
    enter(rooms, 2)
    rooms.console_came(Console(3, uuid.UUID(int=99), "Third"))
    enter(rooms, 3)
    before = people_of(rooms)
    rooms.console_came(back(4, 2, person=PAU), VISIT)
    assert people_of(rooms) == before


@pytest.mark.parametrize("says", [None, OTHER_VISIT])
def test_the_seat_is_kept_for_the_room_that_the_page_says_and_may_see(returning: Rooms, says: Any) -> None:
    (present,) = to(returning.console_came(back(3, 2, person=PAU), says), 1)
    assert [one.role for one in present.participants] == ["doctor", "kit", "nurse"]
    assert returning.seated(3) is None


def test_the_mark_of_a_page_is_nothing_under_another_name(returning: Rooms) -> None:
    """Whoever knows the mark, which all in the room do, and is signed in as somebody else."""
    before = people_of(returning)
    assert returning.console_came(back(3, 9, person=ELENA), VISIT) == []
    assert returning.seated(3) is None
    assert returning.seated(2) == VISIT
    assert people_of(returning) == before


def test_of_two_connections_of_a_page_the_later_counts_in_whatever_order_they_come(returning: Rooms) -> None:
    returning.console_came(back(4, 3, person=PAU), VISIT)
    late = returning.console_came(back(3, 2, person=PAU), VISIT)
    assert late == [Send(3, Problem(code="superseded", fatal=True)), Close(3)]
    assert returning.seated(4) == VISIT
    assert to(returning.join(3, VISIT, KIT, take_over=True), 3) == []
    assert returning.seated(4) == VISIT


def test_who_is_away_keeps_the_seat_until_gone(rooms: Rooms) -> None:
    before = people_of(rooms)
    assert rooms.away(1) == []
    assert people_of(rooms) == before
    (present,) = to(rooms.gone(1), 10)
    assert [one.role for one in present.participants] == ["kit", "nurse"]


def test_a_seat_of_who_is_away_is_nobodys_when_its_person_comes_by_another_page(rooms: Rooms) -> None:
    rooms.away(1)
    rooms.console_came(Console(2, ELENA, "Elena Ruiz"))
    assert to(enter(rooms, 2), 2)[0] == snapshot()
    assert rooms.seated(1) is None


def test_a_kit_and_a_page_without_a_seat_are_never_away(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau"))
    rooms.away(2)
    rooms.away(10)
    assert rooms.connections() == [1]


def test_the_nurse_is_not_missed_while_her_kit_comes_anew(rooms: Rooms) -> None:
    (present,) = to(rooms.kit_came(11, KIT, "Väska 1"), 1)
    assert [one.role for one in present.participants] == ["doctor", "kit", "nurse"]


def test_what_is_read_anew_comes_before_what_changes_meanwhile(rooms: Rooms) -> None:
    assert rooms.read_anew(1)
    assert not rooms.read_anew(1)
    assert to(rooms.publish(changed()), 1) == []
    assert [type(one) for one in to(rooms.entered(1, snapshot()), 1)][:2] == [Snapshot, Changed]
    assert rooms.read_anew(10)
    assert to(rooms.publish(changed()), 10) == []
    assert [type(one) for one in to(rooms.kit_entered(10, KitVisits(visits=[])), 10)] == [KitVisits, Changed]


connections = st.sampled_from([1, 2, 3, 10, 11])
visits = st.sampled_from([VISIT, OTHER_VISIT])
people = st.sampled_from([ELENA, PAU])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("console"), connections, people),
        st.tuples(st.just("kit"), connections, st.sampled_from([KIT, OTHER_KIT])),
        st.tuples(st.just("gone"), connections),
        st.tuples(st.just("away"), connections),
        st.tuples(st.just("back"), connections, people, st.integers(1, 3), st.none() | visits),
        st.tuples(st.just("anew"), connections),
        st.tuples(st.just("join"), connections, visits, st.booleans()),
        st.tuples(st.just("entered"), connections, visits),
        st.tuples(st.just("leave"), connections),
        st.tuples(st.just("status"), connections, visits, st.booleans()),
        st.tuples(st.just("publish"), visits),
        st.tuples(st.just("signal"), connections, visits),
    ),
    max_size=40,
)


class Model:
    """What a console has in its hands: after its snapshot, the numbers of the changes it was sent."""

    def __init__(self) -> None:
        self.rooms = Rooms()
        self.consoles: dict[int, uuid.UUID] = {}
        self.kits: dict[int, uuid.UUID] = {}
        self.published: dict[uuid.UUID, int] = {VISIT: 0, OTHER_VISIT: 0}
        self.joined_at: dict[int, int] = {}
        self.has: dict[int, list[str] | None] = {}

    def do(self, step: tuple[Any, ...]) -> None:
        kind, *rest = step
        taken = self.consoles.keys() | self.kits.keys()
        if kind == "console" and rest[0] not in taken:
            self.consoles[rest[0]] = rest[1]
            self.rooms.console_came(Console(rest[0], rest[1], "x"))
        elif kind == "back" and rest[0] not in taken:
            self.consoles[rest[0]] = rest[1]
            self.take(self.rooms.console_came(back(rest[0], rest[2], person=rest[1]), rest[3]))
            self.has[rest[0]] = None
            if (seat := self.rooms.seated(rest[0])) is not None:
                self.joined_at[rest[0]] = self.published[seat]
        elif kind == "away" and rest[0] in self.consoles:
            self.take(self.rooms.away(rest[0]))
            if not self.rooms.is_away(rest[0]):
                self.forget(rest[0])
        elif kind == "kit" and rest[0] not in taken:
            self.kits[rest[0]] = rest[1]
            self.take(self.rooms.kit_came(rest[0], rest[1], "x"))
        elif kind == "gone" and rest[0] in taken:
            self.take(self.rooms.gone(rest[0]))
            self.forget(rest[0])
        elif kind == "publish":
            self.published[rest[0]] += 1
            self.take(self.rooms.publish(changed(rest[0], str(self.published[rest[0]]))))
        elif kind == "status" and rest[0] in self.kits:
            self.take(self.rooms.kit_status(rest[0], status(rest[1], rest[2])))
        elif kind == "signal" and rest[0] in taken:
            self.take(self.rooms.signal(rest[0], signal(f"kit:{KIT}", visit_id=rest[1])))
        elif rest[0] in self.consoles:
            self.do_in_room(kind, rest)

    def do_in_room(self, kind: str, rest: list[Any]) -> None:
        if kind == "join":
            before = self.rooms.seated(rest[0])
            actions = self.rooms.join(rest[0], rest[1], KIT, rest[2])
            refused = any(isinstance(message, Problem) for message in to(actions, rest[0]))
            assert self.rooms.seated(rest[0]) == (before if refused else rest[1])
            if not refused:
                self.joined_at[rest[0]], self.has[rest[0]] = self.published[rest[1]], None
            self.take(actions)
        elif kind == "anew" and self.has.get(rest[0]) is not None and self.rooms.read_anew(rest[0]):
            self.has[rest[0]] = None
            self.joined_at[rest[0]] = self.published[self.rooms.seated(rest[0])]
        elif kind == "entered":
            self.take(self.rooms.entered(rest[0], snapshot(rest[1])))
        elif kind == "leave":
            self.take(self.rooms.leave(rest[0]))

    def take(self, actions: list[Any]) -> None:
        for action in actions:
            if isinstance(action, Close):
                self.forget(action.connection)
            elif action.connection in self.consoles:
                self.receive(action.connection, action.message)
            else:
                assert action.connection in self.kits, "sent to a connection that is gone"

    def receive(self, connection: int, message: Any) -> None:
        if isinstance(message, Snapshot):
            assert self.has.get(connection) is None
            self.has[connection] = []
        elif isinstance(message, Changed):
            held = self.has[connection]
            assert held is not None, "a change before the snapshot"
            assert message.visit is not None
            held.append(message.visit.reason)

    def forget(self, connection: int) -> None:
        self.consoles.pop(connection, None)
        self.kits.pop(connection, None)

    def check(self) -> None:
        seats = [(self.consoles[one], self.rooms.seated(one)) for one in self.consoles if self.rooms.seated(one)]
        assert len(seats) == len(set(seats)), "two seats of one person in one visit"
        for connection in self.consoles:
            visit_id, has = self.rooms.seated(connection), self.has.get(connection)
            if visit_id is not None and has is not None:
                expected = range(self.joined_at[connection] + 1, self.published[visit_id] + 1)
                assert has == [str(number) for number in expected], "a change was lost, doubled or out of order"


@given(steps)
def test_whatever_happens_nobody_loses_a_change(script: list[tuple[Any, ...]]) -> None:
    model = Model()
    for step in script:
        model.do(step)
        model.check()


# Guests


KARIN = uuid.UUID(int=20)


def guest(state: str = "waiting", guest_id: uuid.UUID = KARIN, **more: Any) -> Guest:
    return Guest.model_validate(
        {
            "id": guest_id,
            "visit_id": VISIT,
            "role": "relative",
            "name": "Karin",
            "state": state,
            "camera": False,
            "invited_by": "",
            "invited_at": NOW,
            "link_expires_at": NOW,
            **more,
        }
    )


def told(rooms: Rooms, **more: Any) -> list[Any]:
    return rooms.publish(Announcement(Changed(visit_id=VISIT, guest=guest(**more)), KIT))


def test_a_guest_at_the_door_knows_nobody_and_can_call_nobody(rooms: Rooms) -> None:
    actions = rooms.guest_came(20, guest(), KIT)
    assert to(actions, 20) == [GuestRoom(visit_id=VISIT, state="waiting")]
    assert [message.waiting for message in to(actions, 1)] == [[KARIN]]
    for called in (DOCTOR, f"nurse:{KIT}", f"kit:{KIT}"):
        assert to(rooms.signal(20, signal(called)), 20) == [Problem(code="not_in_room")]
    assert rooms.signal(1, signal(f"guest:{KARIN}")) == [Send(1, Problem(code="not_here"))]
    assert len(rooms.participants(VISIT, KIT)[0]) == 3


def test_a_guest_who_is_let_in_talks_to_people_and_never_to_the_kit(rooms: Rooms) -> None:
    rooms.guest_came(20, guest(), KIT)
    let_in = told(rooms, state="admitted")
    (room,) = to(let_in, 20)
    assert [one.id for one in to(let_in, 1)[-1].participants if one.role == "guest"] == [f"guest:{KARIN}"]
    assert to(let_in, 1)[-1].waiting == []
    assert [one.role for one in room.participants] == ["doctor", "nurse"]
    (heard,) = rooms.signal(20, signal(DOCTOR, sender="kit:forged"))
    assert (heard.connection, heard.message.sender) == (1, f"guest:{KARIN}")
    (heard,) = rooms.signal(20, signal(f"nurse:{KIT}"))
    assert (heard.connection, heard.message.sender) == (10, f"guest:{KARIN}")
    assert room.kit is None
    assert to(rooms.signal(20, signal(f"kit:{KIT}")), 20) == [Problem(code="not_here")]
    assert to(rooms.signal(10, signal(f"guest:{KARIN}", sender=f"kit:{KIT}")), 20) == []
    assert len(to(rooms.signal(10, signal(f"guest:{KARIN}", sender=f"nurse:{KIT}")), 20)) == 1
    assert len(to(rooms.signal(1, signal(f"guest:{KARIN}")), 20)) == 1
    other = signal(DOCTOR, visit_id=OTHER_VISIT)
    assert to(rooms.signal(20, other), 20) == [Problem(code="not_in_room")]


def test_the_kit_and_a_guest_with_the_word_call_each_other(rooms: Rooms) -> None:
    me, kit = f"guest:{KARIN}", f"kit:{KIT}"
    rooms.guest_came(20, guest("admitted"), KIT)
    room = to(told(rooms, state="admitted", camera=True, examination=True), 20)[-1]
    assert (room.kit.id, room.kit.name, room.served) == (kit, "", False)  # the kit does not know yet
    assert [one.role for one in room.participants] == ["doctor", "nurse"]
    (heard,) = rooms.signal(20, signal(kit, sender="nurse:forged"))
    assert (heard.connection, heard.message.sender) == (10, me)
    (heard,) = rooms.signal(10, signal(me))
    assert (heard.connection, heard.message.sender) == (20, kit)
    assert to(told(rooms, state="admitted", camera=True), 20)[-1].kit is None
    assert rooms.signal(20, signal(kit)) == [Send(20, Problem(code="not_here"))]
    assert rooms.signal(10, signal(me)) == [Send(10, Problem(code="not_here"))]


@pytest.mark.parametrize("state", ["waiting", "ended"])
def test_the_word_is_nothing_before_one_is_let_in(rooms: Rooms, state: str) -> None:
    rooms.guest_came(20, guest(state, camera=True, examination=True), KIT)
    assert to(rooms.signal(20, signal(f"kit:{KIT}")), 20) == [Problem(code="not_in_room")]
    assert rooms.signal(10, signal(f"guest:{KARIN}")) == [Send(10, Problem(code="not_here"))]


def test_no_kit_but_that_of_the_visit_calls_a_guest(rooms: Rooms) -> None:
    rooms.guest_came(20, guest("admitted", camera=True, examination=True), KIT)
    rooms.kit_came(11, OTHER_KIT, "Väska 2")
    assert rooms.signal(11, signal(f"guest:{KARIN}")) == [Send(11, Problem(code="not_here"))]
    assert rooms.signal(20, signal(f"kit:{OTHER_KIT}")) == [Send(20, Problem(code="not_here"))]
    elsewhere = rooms.kit_status(10, status(OTHER_VISIT))
    assert to(elsewhere, 20)[-1].kit is None
    assert rooms.signal(20, signal(f"kit:{KIT}")) == [Send(20, Problem(code="not_here"))]
    assert rooms.signal(10, signal(f"guest:{KARIN}")) == [Send(10, Problem(code="not_here"))]


def test_a_guest_is_told_whether_the_kit_has_a_place(rooms: Rooms) -> None:
    rooms.guest_came(20, guest("admitted", camera=True, examination=True), KIT)
    full = status().model_copy(update={"guests_served": [f"guest:{uuid.UUID(int=99)}"]})
    assert [room.served for room in to(rooms.kit_status(10, full), 20)] == [False]
    place = status().model_copy(update={"guests_served": [f"guest:{KARIN}"]})
    assert [room.served for room in to(rooms.kit_status(10, place), 20)] == [True]
    assert to(rooms.kit_status(10, place), 20) == []
    assert to(rooms.gone(10), 20)[-1].kit is None


def test_a_guest_is_told_that_the_picture_stands_still(rooms: Rooms) -> None:
    rooms.guest_came(20, guest("admitted", camera=True, examination=True), KIT)
    at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    for frozen_at in (at, None):
        frozen = status().model_copy(update={"camera": CameraState(names=["Kamera"], frozen_at=frozen_at)})
        assert [room.frozen_at for room in to(rooms.kit_status(10, frozen), 20)] == [frozen_at]


def test_nothing_of_the_visit_reaches_a_guest(rooms: Rooms) -> None:
    rooms.guest_came(20, guest("admitted", camera=True), KIT)
    live = rooms.live(10, Live(visit_id=VISIT))
    for actions in (rooms.publish(changed()), live, rooms.kit_status(10, status(nurse=False))):
        assert {type(message) for message in to(actions, 20)} <= {GuestRoom}


def test_guests_see_each_other_and_are_shown_out(rooms: Rooms) -> None:
    par = uuid.UUID(int=21)
    rooms.guest_came(20, guest("admitted"), KIT)
    rooms.guest_came(21, guest("admitted", par), KIT)
    assert len(to(rooms.signal(20, signal(f"guest:{par}")), 21)) == 1
    assert [one.name for one in rooms.participants(VISIT, KIT)[0] if one.role == "guest"] == ["Karin", "Karin"]
    actions = told(rooms, state="ended", reason="guest_revoked")
    assert to(actions, 20) == [GuestRoom(visit_id=VISIT, state="ended", reason="guest_revoked")]
    assert Close(20) in actions
    assert [one.id for one in to(actions, 21)[0].participants] == [DOCTOR, f"nurse:{KIT}"]
    assert rooms.gone(20) == []


def test_the_visit_closes_on_all_its_guests(rooms: Rooms) -> None:
    rooms.guest_came(20, guest("admitted"), KIT)
    rooms.guest_came(21, guest("waiting", uuid.UUID(int=21)), KIT)
    closed = head().model_copy(update={"state": "closed"})
    actions = rooms.publish(Announcement(Changed(visit_id=VISIT, visit=closed), KIT))
    for connection in (20, 21):
        assert to(actions, connection)[-1].reason == "visit_closed"
        assert Close(connection) in actions


def test_a_guests_new_page_takes_the_place_of_the_old(rooms: Rooms) -> None:
    rooms.guest_came(20, guest("admitted"), KIT)
    actions = rooms.guest_came(22, guest("admitted"), KIT)
    assert to(actions, 20) == [Problem(code="superseded", fatal=True)]
    assert rooms.gone(20) == []
    assert [type(message) for message in to(rooms.gone(22), 1)] == [Present]


def test_quality_is_told_to_hosts_with_the_true_name(rooms: Rooms) -> None:
    said = LinkReport(visit_id=VISIT, participant="doctor:forged", quality=LinkQuality(word="weak", why="loss"))
    rooms.guest_came(20, guest("admitted"), KIT)
    (one, two) = rooms.quality(20, said)
    assert {one.connection, two.connection} == {1, 10}
    assert {one.message.participant, two.message.participant} == {f"guest:{KARIN}"}
    (told_kit,) = rooms.quality(1, said)
    assert (told_kit.connection, told_kit.message.participant) == (10, DOCTOR)
    assert to(rooms.quality(10, said), 10) == [Problem(code="not_you")]
    (told_doctor,) = rooms.quality(10, said.model_copy(update={"participant": f"nurse:{KIT}"}))
    assert told_doctor.connection == 1
    told(rooms, state="waiting")
    assert rooms.quality(20, said) == []


def test_the_camera_is_worked_in_the_home_where_the_kit_is(rooms: Rooms) -> None:
    still = CameraDo(visit_id=VISIT, act="still")
    assert rooms.camera(KIT, still) == [Send(10, still)]
    assert rooms.camera(KIT, CameraDo(visit_id=OTHER_VISIT, act="still")) == []
    assert rooms.camera(OTHER_KIT, still) == []


def test_set_up_for_the_sfu_is_taken_from_kit_doctors_and_guests_with_the_word_only(rooms: Rooms) -> None:
    rooms.has_sfu = True
    rooms.console_came(Console(2, PAU, "Pau Vila"))
    watching = to(enter(rooms, 2), SFU_LINE)[-1]
    assert (watching.kit, len(watching.viewers)) == (f"kit:{KIT}", 2)
    rooms.guest_came(20, guest("admitted"), KIT)
    rooms.kit_came(11, OTHER_KIT, "Väska 2")
    rooms.console_came(Console(3, uuid.uuid4(), "Outside"))
    for refused in (3, 11, 20):
        assert rooms.signal(refused, signal("sfu")) == [Send(refused, Problem(code="not_here"))]
    assert rooms.signal(10, signal("sfu", sender=f"nurse:{KIT}")) == [Send(10, Problem(code="not_here"))]
    assert rooms.signal(1, signal("sfu", visit_id=OTHER_VISIT)) == [Send(1, Problem(code="not_here"))]
    (of_kit,) = to(rooms.signal(10, signal("sfu")), SFU_LINE)
    (of_doctor,) = to(rooms.signal(2, signal("sfu", sender=f"kit:{KIT}")), SFU_LINE)
    assert (of_kit.sender, of_doctor.sender) == (f"kit:{KIT}", watching.viewers[1])
    shown = to(told(rooms, state="admitted", camera=True, examination=True), SFU_LINE)[-1]
    assert f"guest:{KARIN}" in shown.viewers
    (of_guest,) = to(rooms.signal(20, signal("sfu")), SFU_LINE)
    assert of_guest.sender == f"guest:{KARIN}"
    hidden = to(told(rooms, state="admitted"), SFU_LINE)[-1]
    assert f"guest:{KARIN}" not in hidden.viewers
    away = to(rooms.kit_status(10, status(OTHER_VISIT)), SFU_LINE)[-1]
    assert away.kit is None
    assert rooms.signal(10, signal("sfu")) == [Send(10, Problem(code="not_here"))]


def test_what_the_sfu_says_reaches_the_kit_and_viewers_and_nobody_else(rooms: Rooms) -> None:
    rooms.has_sfu = True
    doctor = rooms.with_sfu(VISIT).watching.viewers[0]
    serves = SfuServes(visit_id=VISIT, to=f"kit:{KIT}", available=True, viewers=[doctor])
    assert rooms.with_sfu(VISIT).hear(serves) == [Send(10, serves)]
    offer = signal(doctor, sender="sfu")
    assert rooms.with_sfu(VISIT).hear(offer) == [Send(1, offer)]
    for nobody in (f"nurse:{KIT}", f"kit:{OTHER_KIT}", "doctor:9:9", "sfu", ""):
        assert rooms.with_sfu(VISIT).hear(signal(nobody, sender="sfu")) == []
    assert rooms.with_sfu(OTHER_VISIT).hear(offer) == []


def test_without_an_sfu_nothing_is_said_to_it(rooms: Rooms) -> None:
    rooms.console_came(Console(2, PAU, "Pau Vila"))
    assert to(enter(rooms, 2), SFU_LINE) == []
    assert rooms.signal(1, signal("sfu")) == [Send(1, Problem(code="not_here"))]
