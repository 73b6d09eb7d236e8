"""Checkpoints of the access log, and proofs about it, for whoever keeps watch outside the hub.

Proofs are made from the events themselves, which are all read for it: `audit.py` keeps no more of the tree than its
frontier. Nothing here writes.
"""

from collections.abc import Iterator
from heapq import merge

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from carebag_server.audit import HEAD_ID, entry_of
from carebag_server.audit_leaf import leaf_entry
from carebag_server.audit_note import NoteKey, checkpoint, consistency_text, inclusion_text
from carebag_server.audit_tree import (
    BadFrontier,
    Frontier,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
)
from carebag_server.retention.tables import PrunedEvent
from carebag_server.tables import AuditHead, AuditRow

_PAGE = 1000


class NotProvable(Exception):
    """Nothing is signed; the text is for an operator."""


def signed_checkpoint(session: Session, key: NoteKey) -> str:
    """The log as it is now. Reads the head alone: whether the events are still those is for `carebag audit verify`.

    Raises:
        NotProvable: the stored head is damaged.
    """
    frontier = _frontier(session)
    return checkpoint(key, frontier.size, frontier.root())


def prove_event(session: Session, key: NoteKey, number: int) -> str:
    """That the event of this number is in the log as it is now: a file that stands for itself and **holds the event**.

    Raises:
        NotProvable: there is no such event, or the stored events are not those of the tree.
    """
    frontier = _frontier(session)
    if not 0 < number <= frontier.size:
        raise NotProvable(f"there is no event {number}: the log has {frontier.size}")
    leaves = _leaves(session, frontier)
    row = session.get(AuditRow, number)
    if row is None:
        raise NotProvable(f"the content of event {number} was removed at the end of its time: only its hash is kept")
    proof = inclusion_proof(leaves, number - 1)
    return inclusion_text(number - 1, proof, entry_of(row), checkpoint(key, frontier.size, frontier.root()))


def prove_growth(session: Session, key: NoteKey, size: int, root: bytes) -> str:
    """That the log begins with the one of an earlier checkpoint, for a witness, who sees no event.

    Args:
        size: its events.
        root: of its tree, 32 bytes.

    Raises:
        NotProvable: it does not, or the stored events are not those of the tree.
    """
    frontier = _frontier(session)
    if size > frontier.size:
        raise NotProvable(f"the earlier checkpoint is of {size} events, and the log has {frontier.size}")
    leaves = _leaves(session, frontier)
    if frontier_of(leaves[:size]).root() != root:
        raise NotProvable("the earlier checkpoint is of another history than this log's")
    signed = checkpoint(key, frontier.size, frontier.root())
    return consistency_text(size, consistency_proof(leaves, size), signed)


def _frontier(session: Session) -> Frontier:
    head = session.get(AuditHead, HEAD_ID)
    try:
        return Frontier.read(head.events, head.frontier) if head else Frontier()
    except BadFrontier:
        raise NotProvable("the stored head of the log is damaged: run carebag audit verify") from None


def _leaves(session: Session, frontier: Frontier) -> list[bytes]:
    leaves = list(leaf_hashes(session))
    if frontier_of(leaves) != frontier:
        raise NotProvable("the stored events are not those of the log's tree: run carebag audit verify")
    return leaves


def leaf_hashes(session: Session) -> Iterator[bytes]:
    """Of all leaves in their order, also of events whose content was removed; of what is stored, unjudged."""
    kept = ((row["seq"], leaf_hash(leaf_entry(**row))) for row in _rows(session, AuditRow))
    pruned = ((row["seq"], bytes(row["leaf"])) for row in _rows(session, PrunedEvent))
    return (leaf for _, leaf in merge(kept, pruned))


def _rows(session: Session, table: type[AuditRow] | type[PrunedEvent]) -> Iterator[RowMapping]:
    last = 0
    query = select(*table.__table__.columns).order_by(table.seq).limit(_PAGE)  # rows as such: a third of the time
    while True:
        rows = session.execute(query.where(table.seq > last)).mappings().all()
        yield from rows
        if len(rows) < _PAGE:
            return
        last = rows[-1]["seq"]
