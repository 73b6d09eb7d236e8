"""How long to wait before trying again. Pure."""


class Backoff:
    """0.25 s, then twice as long each time, at most 10 s; from the beginning after a success."""

    def __init__(self, first_s: float = 0.25, most_s: float = 10.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s

    def failed(self) -> float:
        """Seconds to wait now."""
        wait_s, self._next_s = self._next_s, min(self._next_s * 2, self._most_s)
        return wait_s

    def succeeded(self) -> None:
        self._next_s = self._first_s
