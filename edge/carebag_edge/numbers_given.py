"""Up to which number records may have left for the hub, noted outside the journal.

If the end of the journal rots, no number is given to another record that the hub may know. Not forced to the disk: it
is needed when bits turn, not when the power goes, and then the journal is whole.
"""

import logging
from pathlib import Path

FILE = "numbers_given"
log = logging.getLogger(__name__)


class NumbersGiven:
    """One number in one small file, written twice in it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.highest = _read(self._path)

    def note(self, number: int) -> None:
        """Called before a batch leaves; a disk that takes nothing does not hold the batch back."""
        if number <= self.highest:
            return
        self.highest = number
        try:
            self._path.write_text(f"{number:020d} {number:020d}\n", "ascii")
        except OSError as error:
            log.warning("the numbers given could not be noted: %s", error.strerror)


def _read(path: Path) -> int:
    """0: nothing was noted, or it can no longer be read."""
    try:
        first, second = path.read_text("ascii", "replace").split()
        return int(first) if first == second else 0
    except (OSError, ValueError):
        return 0
