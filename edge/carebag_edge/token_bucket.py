"""How much may go when: a bucket that fills at a steady rate and holds so much. Pure; the clock is passed in."""


class TokenBucket:
    """Paces (`wait_s`) or limits (`allows`). Amounts in the rate's unit: bytes, messages. Times: monotonic s."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        """Both above 0; full at the beginning."""
        if rate_per_s <= 0 or burst <= 0:
            raise ValueError("a bucket needs a rate and a size above 0")
        self._rate = rate_per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    @property
    def rate_per_s(self) -> float:
        return self._rate

    def turn(self, rate_per_s: float, now_s: float) -> None:
        """Another rate from now on."""
        if rate_per_s <= 0:
            raise ValueError("a bucket needs a rate above 0")
        self._fill(now_s)
        self._rate = rate_per_s

    def wait_s(self, amount: float, now_s: float) -> float:
        """Take `amount` and say how long to wait before it may go; what is owed makes the next one wait longer."""
        self._fill(now_s)
        self._left -= amount
        return max(0.0, -self._left / self._rate)

    def allows(self, amount: float, now_s: float) -> bool:
        """Take `amount` if it is there; else nothing."""
        self._fill(now_s)
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def _fill(self, now_s: float) -> None:
        if self._at_s is not None:
            self._left = min(self._burst, self._left + max(0.0, now_s - self._at_s) * self._rate)
        self._at_s = max(now_s, self._at_s or now_s)
