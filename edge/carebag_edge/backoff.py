"""How long to wait before trying again. Pure."""

from collections.abc import Callable


class Backoff:
    """0.25 s, then twice as long each time, at most 10 s; from the beginning after a success.

    Args:
        chance: 0 to 1; the first wait is that part of 0.25 s, so that many who lost the same hub come in soon, and not
            all at once. Asked once for each break.
    """

    def __init__(self, first_s: float = 0.25, most_s: float = 10.0, chance: Callable[[], float] = lambda: 1.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._chance = chance
        self._next_s = first_s

    def failed(self) -> float:
        """Seconds to wait now."""
        wait_s, self._next_s = self._next_s, min(self._next_s * 2, self._most_s)
        return wait_s * self._chance() if wait_s == self._first_s else wait_s

    def succeeded(self) -> None:
        self._next_s = self._first_s
