"""The lock of the nurse's page as a state machine: no way from locked to open but the right PIN or the hub's word."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.edge.conftest import START

from carebag_edge import page_lock
from carebag_edge.errors import Refused
from carebag_edge.journal import Journal
from carebag_edge.lock_records import LockRecords
from carebag_edge.nurse_sessions import NurseSessions
from carebag_edge.page_keeper import PageKeeper
from carebag_edge.page_lock import LockRules, PinDigest
from carebag_edge.unsaved import Unsaved
from carebag_wire.api import NurseIdentity
from carebag_wire.records import PageLockChanged, record_adapter

PIN, WRONG = "407162", "407163"
CHEAP = PinDigest(salt="0" * 32, n=2, r=1, p=1, digest=page_lock._scrypt(PIN, "0" * 32, 2, 1, 1))
STEPS = st.lists(st.sampled_from(["lock", "wrong", "right", "vouched", "cut", "revoked"]), max_size=30)


@given(steps=STEPS)
def test_only_the_right_pin_and_the_hub_open_it_and_tries_come_back_by_nothing_else(steps: list[str]) -> None:
    rules = LockRules()
    lock = page_lock.chosen(page_lock.vouched(None, START), CHEAP, START)
    for step in steps:
        before = lock
        if step == "lock":
            lock = page_lock.locked(lock)
        elif step == "vouched":
            lock = page_lock.vouched(lock, START)
        elif step == "revoked":
            lock = page_lock.without_pin(lock)
        elif page_lock.state(lock, rules) == "locked":
            lock = page_lock.with_a_try_taken(lock)
            if step != "cut":  # the power went before it was compared
                lock = page_lock.tried(lock, right=step == "right", now=START)
        opened = page_lock.state(before, rules) != "open" and page_lock.state(lock, rules) == "open"
        good = step == "vouched" or (step == "right" and before.pin is not None and before.tries_left > 0)
        assert not opened or good
        assert lock.tries_left <= before.tries_left or good


@pytest.mark.parametrize(
    "pin", ["111111", "123456", "098765", "121212", "123123", "112233", "123321", "147258", "12345"]
)
def test_what_is_tried_first_is_no_pin(pin: str) -> None:
    assert page_lock.is_trivial(pin)


@pytest.mark.parametrize("seconds", [59, 901])
def test_the_time_has_bounds(seconds: int) -> None:
    with pytest.raises(ValueError, match="60 to 900"):
        LockRules(seconds)


def keeper_of(journal: Journal, hands: Any, world: Any, *, nurse: Any = None) -> tuple[NurseSessions, PageKeeper]:
    sessions = NurseSessions(journal, hands.clock)
    if nurse is not None:
        sessions.enter(NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=72)))
    return sessions, PageKeeper(sessions, hands.clock, LockRules(pin_required=True))


async def test_idle_locks_and_tries_are_counted_over_restarts(
    journal: Journal, hands: Any, world: Any, reopen: Any
) -> None:
    nurse = world.nurse()
    sessions, keeper = keeper_of(journal, hands, world, nurse=nurse)
    assert keeper.state == "pin_needed"
    with pytest.raises(Refused, match="trivial_pin"):
        await keeper.choose("123456")
    await keeper.choose(PIN)
    assert PIN not in (journal.state("nurse") or "")
    hands.forward(899)
    assert keeper.is_open
    keeper.touched()
    hands.forward(899)
    assert keeper.is_open
    hands.forward(1)
    assert keeper.state == "locked"
    keeper.touched()
    assert keeper.state == "locked"
    with pytest.raises(Refused, match="pin_not_now"):
        await keeper.choose("918273")
    for left in (4, 3):
        with pytest.raises(Refused, match="wrong_pin"):
            await keeper.unlock(WRONG)
        assert keeper.tries_left == left
    journal.close()
    again = reopen()
    sessions, keeper = keeper_of(again, hands, world)
    assert (keeper.state, keeper.tries_left) == ("locked", 3)
    outcomes = await asyncio.gather(*(keeper.unlock(WRONG) for _ in range(5)), return_exceptions=True)
    assert [str(one) for one in outcomes] == ["wrong_pin"] * 2 + ["sign_in_anew"] * 3
    with pytest.raises(Refused, match="sign_in_anew"):
        await keeper.unlock(PIN)
    sessions.enter(NurseIdentity(person=nurse, expires_at=hands.utc + timedelta(hours=72)))
    assert keeper.state == "pin_needed"
    again.close()


async def test_the_right_pin_opens_it_and_signing_out_takes_the_pin_away(
    journal: Journal, hands: Any, world: Any
) -> None:
    sessions, keeper = keeper_of(journal, hands, world, nurse=world.nurse())
    await keeper.choose(PIN)
    keeper.lock_now()
    await keeper.unlock(PIN)
    assert (keeper.state, keeper.tries_left) == ("open", 5)
    sessions.leave()
    assert not keeper.has_pin
    assert not journal.state("nurse")


async def test_each_lock_opening_and_wrong_pin_is_one_record_also_after_a_start(
    journal: Journal, hands: Any, world: Any
) -> None:
    """Idle, wrong, right, by hand, wrong five times, signed in anew: and nothing twice."""
    sessions, _ = keeper_of(journal, hands, world, nurse=world.nurse())
    unsaved = Unsaved()
    records = LockRecords(journal, unsaved, hands.clock, lambda: sessions.whose)
    keeper = PageKeeper(sessions, hands.clock, LockRules(), records)
    keeper.entered()
    await keeper.choose(PIN)
    hands.forward(901)
    assert [keeper.state for _ in range(3)] == ["locked"] * 3
    assert PageKeeper(NurseSessions(journal, hands.clock), hands.clock, LockRules(), records).state == "locked"
    with pytest.raises(Refused, match="wrong_pin"):
        await keeper.unlock(WRONG)
    await keeper.unlock(PIN)
    keeper.lock_now()
    keeper.lock_now()
    for _ in range(5):
        with pytest.raises(Refused):
            await keeper.unlock(WRONG)
    assert keeper.is_shut
    sessions.enter(NurseIdentity(person=sessions.person, expires_at=hands.utc + timedelta(hours=9)))  # type: ignore[arg-type]
    keeper.entered(was_shut=True)
    told = [record_adapter.validate_json(one.payload) for one in journal.unsent_records(50)]
    assert [(one.change, one.how, one.wrong) for one in told if isinstance(one, PageLockChanged)] == [
        ("locked", "idle", 0),
        ("wrong_pin", "pin", 1),
        ("unlocked", "pin", 0),
        ("locked", "by_hand", 0),
        *[("wrong_pin", "pin", one) for one in range(1, 6)],
        ("unlocked", "sign_in", 0),
    ]
    assert {one.binding.nurse_id for one in told} == {sessions.whose}
    assert {one.binding.visit_id for one in told} == {None}
    assert not len(unsaved)
