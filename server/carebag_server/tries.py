"""How often an address may try a secret that is not right (a bounded count over a sliding minute), and how fast a
caller may ask at all (ASVS 5.0 V2.4.1)."""

import threading
from collections import OrderedDict, deque

LIMIT = 10
WINDOW_S = 60.0
KEPT = 10_000
"""Addresses remembered; beyond this the one heard of longest ago is forgotten."""


class Tries:
    """Counts failures only: a ward behind one address may open many good links.

    Args:
        limit: failures allowed within `window_s` seconds.
    """

    def __init__(self, limit: int = LIMIT, window_s: float = WINDOW_S) -> None:
        self._limit, self._window_s = limit, window_s
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._turn = threading.Lock()

    def allowed(self, address: str, now_s: float) -> bool:
        with self._turn:
            failed = self._failed.get(address)
            while failed and now_s - failed[0] >= self._window_s:
                failed.popleft()
            return not failed or len(failed) < self._limit

    def failed(self, address: str, now_s: float) -> None:
        with self._turn:
            self._failed.setdefault(address, deque(maxlen=self._limit)).append(now_s)
            self._failed.move_to_end(address)
            while len(self._failed) > KEPT:
                self._failed.popitem(last=False)


class Pace:
    """A token bucket for one connection: `burst` at once, `per_s` in the long run."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._left = float(burst)
        self._at = 0.0

    def take(self, now_s: float) -> bool:
        """Whether one more is within the pace."""
        self._left = min(self._burst, self._left + max(0.0, now_s - self._at) * self._per_s)
        self._at = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def owed_s(self, now_s: float) -> float:
        """Take one in any case; how many seconds to wait so that the pace is kept."""
        if self.take(now_s):
            return 0.0
        self._left -= 1
        return -self._left / self._per_s


class Paces:
    """A `Pace` for each of many callers; who has been quiet longest is forgotten beyond `KEPT`."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._of: OrderedDict[str, Pace] = OrderedDict()
        self._turn = threading.Lock()

    def take(self, caller: str, now_s: float) -> bool:
        """Whether one more of this caller is within the pace."""
        with self._turn:
            pace = self._of.pop(caller, None) or Pace(self._burst, self._per_s)
            self._of[caller] = pace
            while len(self._of) > KEPT:
                self._of.popitem(last=False)
            return pace.take(now_s)
