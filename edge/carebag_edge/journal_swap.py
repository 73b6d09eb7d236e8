"""Another file in the place of the journal; a power cut at any moment leaves one whole journal under its name.

`journal.sqlite-part` is being written and of no worth; `journal.sqlite-next` is whole, forced and proved: it takes the
place, now or at the next start.
"""

import contextlib
import os
import shutil
from pathlib import Path

from carebag_edge.media_files import sync_folder

PART, NEXT = "-part", "-next"
BESIDE = ("-wal", "-shm", "-journal")
"""Files that belong to the journal before, and would be read as the new one's."""


def begin_next(path: Path) -> Path:
    """Where the new one is to be written; nothing is there."""
    part = path.with_name(path.name + PART)
    for name in ("", *BESIDE):
        path.with_name(part.name + name).unlink(missing_ok=True)
    return part


def complete_next(path: Path) -> None:
    """What was written is whole and forced: from now on it is the journal."""
    path.with_name(path.name + PART).replace(path.with_name(path.name + NEXT))
    sync_folder(path.parent)


def is_complete(path: Path) -> bool:
    """Whether another one waits to take the place."""
    return path.with_name(path.name + NEXT).exists()


def finish_swap(path: Path) -> None:
    """Put in its place what is complete, if something is; called at each start.

    The WAL of the one before must be gone for good before the new one has its name: its frames are valid in
    themselves and would be played into any file of that name.
    """
    complete = path.with_name(path.name + NEXT)
    if not complete.exists():
        return
    for name in BESIDE:
        path.with_name(path.name + name).unlink(missing_ok=True)
    sync_folder(path.parent)
    complete.replace(path)
    sync_folder(path.parent)


def keep_aside(path: Path, content: tuple[bytes, bytes] | None = None) -> Path:
    """A second name for the journal that is to be replaced, and for its log: nothing of it is thrown away.

    Args:
        content: of file and log, where they are still open: a connection that ends writes the log into the file, over
            pages of which an older version is whole.

    Returns: the file, `journal.sqlite-damaged-1` or the next number that is free.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}-damaged-{number}")).exists():
        number += 1
    for at, name in enumerate(("", "-wal")):
        source, target = path.with_name(path.name + name), aside.with_name(aside.name + name)
        target.unlink(missing_ok=True)  # of a log whose journal got no name before the power went
        with contextlib.suppress(FileNotFoundError):
            if content is None:
                _second_name(source, target)
            else:
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content[at])
    sync_folder(path.parent)
    return aside


def _second_name(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a card formatted for cameras knows no second names
        shutil.copy2(source, target)
