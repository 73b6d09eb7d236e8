"""Which samples of a stream are there and which never came. Pure."""

from dataclasses import dataclass

Span = tuple[int, int]
"""First sample, number of samples."""


class Implausible(ValueError):
    """A jump so far that the number must be wrong; taken at its word it would fill the disk with nothing."""


@dataclass(frozen=True)
class Placement:
    hole: Span | None
    """What turned out to be missing before this frame."""
    writes: tuple[Span, ...]
    """Which parts of the frame are new: in an old hole, or at the end. The rest was there already."""
    appended: int
    """How many of its samples, the last ones, are at the end."""


class SampleLedger:
    """Numbered frames in any order, repeated or missing; the first arrival of a sample is the one that counts."""

    def __init__(self, max_jump: int) -> None:
        self.end = 0
        """Samples so far, holes included."""
        self.holes: list[Span] = []
        self.max_jump = max_jump

    def place(self, first: int, count: int) -> Placement:
        """A frame of `count` samples came.

        Raises:
            Implausible: it begins more than `max_jump` samples after the end so far, or before sample 0.
        """
        if first < 0 or count < 0 or first - self.end > self.max_jump:
            raise Implausible(f"frame at {first}, stream at {self.end}")
        hole = self.open_hole(first)
        writes = self._fill(first, count)
        appended = max(0, first + count - self.end)
        if appended:
            writes.append((self.end, appended))
            self.end += appended
        return Placement(hole, tuple(writes), appended)

    def open_hole(self, upto: int) -> Span | None:
        """The stream is known to have reached `upto`; what is missing until there is a hole now."""
        if upto <= self.end:
            return None
        hole = (self.end, upto - self.end)
        self.holes.append(hole)
        self.end = upto
        return hole

    def fill(self, first: int, count: int) -> None:
        """What came late is there now."""
        self._fill(first, count)

    def _fill(self, first: int, count: int) -> list[Span]:
        filled: list[Span] = []
        left: list[Span] = []
        for start, length in self.holes:
            low, high = max(start, first), min(start + length, first + count)
            if low >= high:
                left.append((start, length))
                continue
            filled.append((low, high - low))
            left += [(a, b - a) for a, b in ((start, low), (high, start + length)) if a < b]
        self.holes = left
        return filled
