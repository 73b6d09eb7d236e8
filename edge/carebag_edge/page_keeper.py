"""Keeps the nurse's page locked or open: the session's lock, the kit's clocks, and how often a PIN was tried."""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta

from carebag_edge import page_lock
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.lock_records import Change, How, LockRecords
from carebag_edge.nurse_sessions import NurseSessions
from carebag_edge.page_lock import STATE, Lock, LockRules

log = logging.getLogger(__name__)
WRITTEN_EVERY = timedelta(minutes=1)
"""A touch is in memory at once, on the disk so often: after a start the page may lock that much too early."""


class PageKeeper:
    """One for each kit. What it says holds at the very moment: nothing is shown because a loop was late.

    A call is no touch, nor is a value: that somebody speaks, or inflates a cuff, does not say who looks at the page.
    """

    def __init__(
        self, sessions: NurseSessions, clock: Clock, rules: LockRules, records: LockRecords | None = None
    ) -> None:
        self._sessions, self._clock, self.rules, self._records = sessions, clock, rules, records
        self._one_at_a_time = asyncio.Lock()
        self._touched: tuple[datetime, int] | None = None
        lock = sessions.lock()
        if lock is not None and lock.used_at > clock.utc():  # a clock that was set back tells nothing
            self._lock(lock)

    @property
    def state(self) -> STATE:
        """As it is now; an idle page becomes locked by being asked."""
        lock = self._looked()
        return "open" if lock is None else page_lock.state(lock, self.rules)

    @property
    def is_open(self) -> bool:
        """Whether patients' data may go to the page."""
        return self.state == "open"

    @property
    def has_pin(self) -> bool:
        lock = self._sessions.lock()
        return lock is not None and lock.pin is not None

    @property
    def may_choose(self) -> bool:
        lock = self._sessions.lock()
        return lock is not None and page_lock.may_choose(lock, self._clock.utc())

    @property
    def tries_left(self) -> int:
        lock = self._sessions.lock()
        return 0 if lock is None else lock.tries_left

    @property
    def left_s(self) -> int | None:
        """Seconds until it locks itself; None if it does not, or is locked."""
        lock = self._looked()
        if lock is None or lock.locked or not page_lock.can_lock(lock):
            return None
        return max(0, int(self.rules.idle_s - self._idle_s(lock)))

    @property
    def is_shut(self) -> bool:
        """Whether it is locked on the disk, whoever's it is now."""
        lock = self._sessions.lock()
        return lock is not None and lock.locked

    def entered(self, *, was_shut: bool = False) -> None:
        """The hub vouched for her just now."""
        self._touched = (self._clock.utc(), self._clock.monotonic_ns())
        lock = self._sessions.lock()
        if was_shut and lock is not None:
            with contextlib.suppress(*DATABASE_ERRORS):
                self._put(lock, "unlocked", "sign_in")

    def touched(self) -> None:
        """A hand on the page. On a locked one it changes nothing."""
        lock = self._looked()
        if lock is None or lock.locked:
            return
        now = self._clock.utc()
        self._touched = (now, self._clock.monotonic_ns())
        if not timedelta(0) <= now - lock.used_at < WRITTEN_EVERY:
            with contextlib.suppress(*DATABASE_ERRORS):
                self._sessions.put_lock(lock.model_copy(update={"used_at": now}))

    def lock_now(self) -> None:
        """Raises: Refused: `no_pin`, without which nothing would open it again."""
        lock = self._looked()
        if lock is None or not page_lock.can_lock(lock):
            raise Refused("no_pin")
        if not lock.locked:
            self._lock(lock, "by_hand")

    async def choose(self, pin: str) -> None:
        """Raises: Refused: `pin_not_now`, `trivial_pin`."""
        async with self._one_at_a_time:
            lock = self._looked()
            if lock is None or not page_lock.may_choose(lock, self._clock.utc()):
                raise Refused("pin_not_now")
            if page_lock.is_trivial(pin):
                raise Refused("trivial_pin")
            digest = await asyncio.to_thread(page_lock.digest_of, pin)
            now_is = self._looked()
            if now_is is None or now_is.vouched_at != lock.vouched_at or now_is.locked:
                raise Refused("pin_not_now")
            self._sessions.put_lock(page_lock.chosen(now_is, digest, self._clock.utc()))
            self.entered()

    async def unlock(self, pin: str) -> None:
        """One try. Raises: Refused: `wrong_pin`; `sign_in_anew` when no PIN opens it (any more)."""
        async with self._one_at_a_time:
            lock = self._looked()
            if lock is None or not lock.locked:
                return
            digest = lock.pin
            if digest is None or lock.tries_left == 0:
                raise Refused("sign_in_anew")
            self._sessions.put_lock(page_lock.with_a_try_taken(lock))
            right = await asyncio.to_thread(digest.fits, pin)
            now_is = self._sessions.lock()
            if now_is is None or now_is.pin != digest:  # meanwhile the hub vouched for somebody, or ended it
                raise Refused("sign_in_anew")
            after = page_lock.tried(now_is, right=right, now=self._clock.utc())
            if right:
                self._put(after, "unlocked", "pin")
                self.entered()
                return
            self._put(after, "wrong_pin", "pin", page_lock.TRIES - after.tries_left)
            log.warning("a wrong PIN at the nurse's page")
            if after.pin is None:
                log.warning("the nurse's page stays locked until she signs in anew")
                raise Refused("sign_in_anew")
            raise Refused("wrong_pin")

    def kit_revoked(self) -> None:
        lock = self._sessions.lock()
        if lock is not None:
            self._sessions.put_lock(page_lock.without_pin(lock))

    def _looked(self) -> Lock | None:
        lock = self._sessions.lock()
        if lock is None or lock.locked or not page_lock.can_lock(lock) or self._idle_s(lock) < self.rules.idle_s:
            return lock
        self._lock(lock)
        return self._sessions.lock()

    def _lock(self, lock: Lock, how: How = "idle") -> None:
        """In memory at once; a disk that is full keeps no page open."""
        with contextlib.suppress(*DATABASE_ERRORS):
            self._put(page_lock.locked(lock), "locked", how)

    def _put(self, lock: Lock, change: Change, how: How, wrong: int = 0) -> None:
        if self._records is None:
            self._sessions.put_lock(lock)
        else:
            self._records.keep(lambda: self._sessions.put_lock(lock), change, how, wrong)

    def _idle_s(self, lock: Lock) -> float:
        """By either clock, whichever says longer: the one stands still while a tablet sleeps, the other may be set."""
        now = self._clock.utc()
        if self._touched is None or self._touched[0] < lock.vouched_at:
            return (now - lock.used_at).total_seconds()
        at, ns = self._touched
        return max((now - at).total_seconds(), (self._clock.monotonic_ns() - ns) / 1e9)
