"""How far a long piece of work has come, on one line of a terminal: count, rate, time left."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import TextIO

_WIDTH = 24
_EVERY_S = 0.1


class Progress:
    """Shown only on a terminal; a log or a pipe gets nothing."""

    def __init__(self, total: int, stream: TextIO | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._total, self._stream, self._clock = total, stream or sys.stderr, clock
        self._start = self._last = clock()
        self._done = 0
        self._shown = total > 1 and self._stream.isatty()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        now = self._clock()
        if self._shown and (now - self._last >= _EVERY_S or self._done == self._total):
            self._last = now
            self._stream.write(f"\r{self.line(now)}\x1b[K" + ("\n" if self._done == self._total else ""))
            self._stream.flush()

    def clear(self) -> None:
        """Makes room for other words on the terminal."""
        if self._shown:
            self._stream.write("\r\x1b[K")

    def line(self, now: float) -> str:
        """For example `[######      ] 90 of 363, 4.1 a second, 1:07 left`."""
        rate = self._done / max(now - self._start, 1e-6)
        left = round((self._total - self._done) / rate) if rate else 0
        bar = "#" * (self._done * _WIDTH // self._total)
        return (
            f"[{bar:<{_WIDTH}}] {self._done} of {self._total}, {rate:.1f} a second, {left // 60}:{left % 60:02d} left"
        )
