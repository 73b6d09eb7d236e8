from datetime import timedelta
from typing import Any

import pytest

from carebag_edge.journal import Journal
from carebag_edge.nurse_sessions import NurseSessions
from carebag_wire.api import NurseIdentity


def test_the_cookie_is_hers_and_only_its_digest_is_kept(journal: Journal, hands: Any, world: Any) -> None:
    sessions, nurse = NurseSessions(journal, hands.clock), world.nurse()
    token, _ = sessions.enter(NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=12)))
    assert sessions.who(token) == nurse
    assert token not in (journal.state("nurse") or "")
    for wrong in (None, "", token + "x", "\ud800"):
        assert sessions.who(wrong) is None


def test_after_a_restart_she_is_still_in(journal: Journal, hands: Any, world: Any, reopen: Any) -> None:
    token, _ = NurseSessions(journal, hands.clock).enter(
        NurseIdentity(person=world.nurse(), expires_at=hands.utc + timedelta(hours=12))
    )
    journal.close()
    again = reopen()
    assert NurseSessions(again, hands.clock).who(token) is not None
    again.close()


@pytest.mark.parametrize(("granted_h", "over_after_h"), [(12, 12), (1000, 72)])
def test_it_ends_when_the_hub_said_and_after_three_days_at_most(
    journal: Journal, hands: Any, world: Any, granted_h: int, over_after_h: int
) -> None:
    sessions = NurseSessions(journal, hands.clock)
    token, _ = sessions.enter(NurseIdentity(person=world.nurse(), expires_at=hands.utc + timedelta(hours=granted_h)))
    hands.forward(over_after_h * 3600 - 1)
    assert sessions.who(token) is not None
    hands.forward(1)
    assert (sessions.who(token), sessions.person) == (None, None)


@pytest.mark.parametrize("after_a_restart", [False, True])
def test_after_twelve_hours_she_is_asked_anew_where_she_can_be_and_else_goes_on(
    journal: Journal, hands: Any, world: Any, after_a_restart: bool
) -> None:
    sessions, can_be_asked = NurseSessions(journal, hands.clock), True
    token, until = sessions.enter(NurseIdentity(person=world.nurse(), expires_at=hands.utc + timedelta(hours=72)))
    assert until == hands.utc + timedelta(hours=72)
    if after_a_restart:
        sessions = NurseSessions(journal, hands.clock)
    sessions.can_be_asked = lambda: can_be_asked
    hands.forward(12 * 3600 - 1)
    assert sessions.who(token) is not None
    hands.forward(1)
    assert sessions.who(token) is None
    can_be_asked = False
    assert sessions.who(token) is not None
    hands.forward(60 * 3600)
    assert sessions.who(token) is None


def test_a_new_proof_lets_all_her_tabs_go_on(journal: Journal, hands: Any, world: Any) -> None:
    sessions, nurse = NurseSessions(journal, hands.clock), world.nurse()
    sessions.can_be_asked = lambda: True
    first, _ = sessions.enter(NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=72)))
    hands.forward(13 * 3600)
    assert sessions.who(first) is None
    sessions.enter(NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=72)))
    assert sessions.who(first) is not None


def test_a_session_of_a_kit_from_before_ends_when_it_was_told(journal: Journal, hands: Any, world: Any) -> None:
    sessions = NurseSessions(journal, hands.clock)
    token, _ = sessions.enter(NurseIdentity(person=world.nurse(), expires_at=hands.utc + timedelta(hours=12)))
    journal.put_json_state("nurse", {k: v for k, v in journal.json_state("nurse").items() if k != "anew_at"})
    again = NurseSessions(journal, hands.clock)
    again.can_be_asked = lambda: True
    hands.forward(12 * 3600 - 1)
    assert again.who(token) is not None
    hands.forward(1)
    assert again.who(token) is None


def test_a_second_tab_leaves_the_first_alone(journal: Journal, hands: Any, world: Any) -> None:
    sessions, nurse = NurseSessions(journal, hands.clock), world.nurse()
    identity = NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=1))
    tokens = [sessions.enter(identity)[0] for _ in range(10)]
    assert [sessions.who(token) == nurse for token in tokens] == [False] * 2 + [True] * 8


def test_the_next_nurse_ends_the_cookie_before(journal: Journal, hands: Any, world: Any) -> None:
    sessions = NurseSessions(journal, hands.clock)
    until = hands.utc + timedelta(hours=1)
    first, _ = sessions.enter(NurseIdentity(person=world.nurse(), expires_at=until))
    second, _ = sessions.enter(NurseIdentity(person=world.nurse("Bo Berg"), expires_at=until))
    assert sessions.who(first) is None
    assert sessions.who(second).name == "Bo Berg"  # type: ignore[union-attr]


def test_a_damaged_state_lets_nobody_in(journal: Journal, hands: Any) -> None:
    journal.put_state("nurse", '{"person": 1}')
    assert NurseSessions(journal, hands.clock).person is None


def test_the_hub_ends_a_sign_in_also_over_a_restart(journal: Journal, hands: Any, world: Any, reopen: Any) -> None:
    sessions, nurse = NurseSessions(journal, hands.clock), world.nurse()
    identity = NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=1))
    token, _ = sessions.enter(identity)
    assert not sessions.end(world.nurse("Bo Berg").commission_id)
    assert sessions.who(token) == nurse
    assert (sessions.end(nurse.commission_id), sessions.end(nurse.commission_id)) == (True, False)
    assert (sessions.who(token), sessions.person, sessions.was_ended(token)) == (None, None, True)
    assert not sessions.was_ended("x")
    journal.close()
    again = reopen()
    sessions = NurseSessions(again, hands.clock)
    assert (sessions.who(token), sessions.was_ended(token)) == (None, True)
    anew, _ = sessions.enter(identity)
    assert (sessions.who(token), sessions.who(anew)) == (None, nurse)
    again.close()
