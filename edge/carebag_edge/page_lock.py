"""The lock of the nurse's page: pure steps from one state to the next, and the PIN as a slow digest.

Open without a touch for 15 minutes it locks (HSLF-FS 2016:40 ch. 3; ASVS 5.0 V7.3.1); a PIN opens it, five tries long,
and after them only the hub's word. A try is taken, and is on the disk, before the PIN is looked at.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from carebag_wire.base import Utc
from carebag_wire.page_lock import MAX_DIGITS, MIN_DIGITS

TRIES = 5
VOUCHED = timedelta(minutes=5)
"""So long after a sign-in at the hub a PIN may be chosen: as long as a proof is fresh at the hub."""
IDLE_S = 900
LEAST_IDLE_S, MOST_IDLE_S = 60, 900
STATE = Literal["open", "pin_needed", "locked", "sign_in"]
N, R, P = 2**15, 8, 3
"""scrypt as OWASP's password storage cheat sheet has it for 32 MiB (RFC 7914); about a third of a second."""
_MAX_MEMORY = 64 * 2**20
_ON_THE_KEYS = frozenset({"147258", "147369", "159753", "258456", "258369", "357159", "741852", "789456", "963852"})
"""Lines on the number pad that no rule below finds."""


@dataclass(frozen=True)
class LockRules:
    """Args:
    idle_s: seconds without a touch, 60 to 900.
    pin_required: whether nothing is shown before a PIN was chosen.
    """

    idle_s: int = IDLE_S
    pin_required: bool = False

    def __post_init__(self) -> None:
        if not LEAST_IDLE_S <= self.idle_s <= MOST_IDLE_S:
            raise ValueError(f"the page locks after {LEAST_IDLE_S} to {MOST_IDLE_S} s")


class PinDigest(BaseModel):
    """A PIN as it is kept; with its cost, so that a dearer one can follow."""

    model_config = ConfigDict(frozen=True)

    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    n: int = N
    r: int = R
    p: int = P
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")

    def fits(self, pin: str) -> bool:
        """Takes a third of a second, whatever the PIN; compared in constant time."""
        return hmac.compare_digest(_scrypt(pin, self.salt, self.n, self.r, self.p), self.digest)


class Lock(BaseModel):
    """Of one session. A PIN that is gone while no tries are left is one that was guessed at, or taken away."""

    model_config = ConfigDict(frozen=True)

    pin: PinDigest | None = None
    tries_left: int = Field(default=TRIES, ge=0, le=TRIES)
    locked: bool = False
    vouched_at: Utc
    """When the hub last said who she is."""
    used_at: Utc
    """Last touch, to the minute; for a kit that was started anew."""


def digest_of(pin: str) -> PinDigest:
    """As slow as `PinDigest.fits`."""
    salt = secrets.token_hex(16)
    return PinDigest(salt=salt, digest=_scrypt(pin, salt, N, R, P))


def is_trivial(pin: str) -> bool:
    """Whether it is one of those that are tried first: one or two digits only, a run, a repeated block, a line of keys.

    >>> [is_trivial(one) for one in ("111111", "345678", "901234", "121212", "483483", "112233", "147258", "407162")]
    [True, True, True, True, True, True, True, False]
    """
    if not re.fullmatch(rf"[0-9]{{{MIN_DIGITS},{MAX_DIGITS}}}", pin):
        return True
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    blocks = any(pin == (pin[:size] * len(pin))[: len(pin)] for size in range(1, len(pin) // 2 + 1))
    doubled = len(pin) % 2 == 0 and pin[::2] == pin[1::2]
    mirrored = pin == pin[::-1]
    return len(set(pin)) <= 2 or len(steps) == 1 or blocks or doubled or mirrored or pin in _ON_THE_KEYS


def vouched(before: Lock | None, now: datetime) -> Lock:
    """The hub has just said who she is: open, with all tries, and with the PIN of before where it still was good."""
    kept = before.pin if before is not None and before.tries_left > 0 else None
    return Lock(pin=kept, vouched_at=now, used_at=now)


def may_choose(lock: Lock, now: datetime) -> bool:
    """Only just after the hub's word, and only while it is open: a PIN opens what it locks."""
    return not lock.locked and lock.tries_left > 0 and timedelta(0) <= now - lock.vouched_at < VOUCHED


def chosen(lock: Lock, pin: PinDigest, now: datetime) -> Lock:
    """`may_choose` was asked by the caller."""
    return lock.model_copy(update={"pin": pin, "tries_left": TRIES, "used_at": now})


def state(lock: Lock, rules: LockRules) -> STATE:
    if lock.locked:
        return "locked" if lock.tries_left > 0 and lock.pin is not None else "sign_in"
    if rules.pin_required and lock.pin is None and lock.tries_left > 0:
        return "pin_needed"
    return "open"


def can_lock(lock: Lock) -> bool:
    """Not without anything that would open it again; a PIN that was taken away counts."""
    return lock.pin is not None or lock.tries_left == 0


def locked(lock: Lock) -> Lock:
    return lock.model_copy(update={"locked": True}) if can_lock(lock) else lock


def with_a_try_taken(lock: Lock) -> Lock:
    """Before the PIN is compared. Without a try left it stays at none."""
    return lock.model_copy(update={"tries_left": max(0, lock.tries_left - 1)})


def tried(lock: Lock, *, right: bool, now: datetime) -> Lock:
    """After it was compared: open with all tries again, or locked; after the last wrong one the PIN is thrown away."""
    if right and lock.locked and lock.pin is not None:
        return lock.model_copy(update={"locked": False, "tries_left": TRIES, "used_at": now})
    return lock if lock.tries_left > 0 else lock.model_copy(update={"pin": None})


def without_pin(lock: Lock) -> Lock:
    """The bag was taken out of use: what is open stays so until it is left alone, and no PIN opens it afterwards."""
    return lock.model_copy(update={"pin": None, "tries_left": 0}) if lock.pin is not None else lock


def _scrypt(pin: str, salt: str, n: int, r: int, p: int) -> str:
    cost = {"n": n, "r": r, "p": p, "maxmem": _MAX_MEMORY, "dklen": 32}
    return hashlib.scrypt(pin.encode(), salt=bytes.fromhex(salt), **cost).hex()
