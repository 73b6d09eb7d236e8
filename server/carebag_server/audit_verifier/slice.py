"""Checks that a part of the log is of that log, away from the hub and without its database. Pure.

A part comes with the hashes of *all* the log's leaves: they say nothing of the other events, and of any number of
events at once they prove what a proof for each would.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from carebag_server.audit_verifier.note import Checkpoint
from carebag_server.audit_verifier.tree import Stack, hash_leaf

_HEX = 64


class BadSlice(Exception):
    """Not a part of that log; the text says why."""


@dataclass(frozen=True)
class Slice:
    events: int
    """Of the part, each at its place in the log."""
    of: int
    """All of the log's."""


def check_slice(entries: Iterable[bytes], leaves: Iterable[str], checkpoint: Checkpoint) -> Slice:
    """Whether each entry is in the log of the checkpoint, at the place that it says.

    Args:
        entries: canonical JSON of events.
        leaves: the hash of each leaf in its order, 64 hexadecimal digits.

    Raises:
        BadSlice: the hashes are not the checkpoint's, an entry is no event, or is not the one at its place.
    """
    hashes: list[bytes] = []
    tree = Stack()
    for line in leaves:
        if len(line) != _HEX:
            raise BadSlice(f"line {len(hashes) + 1} of the leaves is no hash")
        try:
            hashes.append(bytes.fromhex(line))
        except ValueError:
            raise BadSlice(f"line {len(hashes) + 1} of the leaves is no hash") from None
        tree.add(hashes[-1])
    if (tree.size, tree.root()) != (checkpoint.size, checkpoint.root):
        raise BadSlice("the leaves are not those of the checkpoint's log")
    count = 0
    for entry in entries:
        place = _place(entry)
        if not 0 < place <= len(hashes) or hash_leaf(entry) != hashes[place - 1]:
            raise BadSlice(f"event {place} is not the one in the log")
        count += 1
    return Slice(count, len(hashes))


def _place(entry: bytes) -> int:
    try:
        place = json.loads(entry)["seq"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadSlice("an entry is no event") from None
    if not isinstance(place, int) or isinstance(place, bool):
        raise BadSlice("an entry is no event")
    return place
