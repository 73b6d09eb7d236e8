"""Two people for what is removed for good: one proposes, another one approves just that (docs/decisions/0045).

A proposal names what would go by number and digest. Approved, it is found anew as of the moment when it was proposed;
anything else than the very same content is refused. Who is who are both the name said and the login of the machine.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append
from carebag_server.entered_text import named
from carebag_server.not_possible import NotPossible
from carebag_server.retention import log_pruning, record_removal
from carebag_server.retention.acts import decision_of
from carebag_server.retention.tables import RemovalProposal
from carebag_server.tables import Organization
from carebag_wire.base import uuid7

LASTS = timedelta(days=14)


@dataclass(frozen=True)
class Someone:
    """Who acts: the name that stands in the log, and the login by the system's word."""

    name: str
    login: str

    def is_same(self, other: "Someone") -> bool:
        """One login is one person, whatever name is said; one name too, whatever the spelling of its case."""
        alike = " ".join(self.name.casefold().split()) == " ".join(other.name.casefold().split())
        return alike or self.login == other.login


@dataclass(frozen=True)
class Content:
    """What would go now."""

    before: datetime
    count: int
    sha256: str
    visits: frozenset[uuid.UUID] = frozenset()
    tray: frozenset[uuid.UUID] = frozenset()


def content(session: Session, provider: Organization | None, at: datetime) -> Content:
    """All that was past its time at a moment and may go now.

    Args:
        provider: whose records; None: of the log.

    Raises:
        Unsettled: nobody said how long it is kept, or a hold stands on all of it.
    """
    if provider is None:
        due = log_pruning.due_events(session, at)
        hashes = log_pruning.due_hashes(session, due.before)
        return Content(due.before, due.count, _digest(f"{seq} {chain}" for seq, chain in hashes))
    records = record_removal.due_records(session, provider, at)
    lines = record_removal.content_of(session, records)
    visits = frozenset(visit for one in records.records for visit in one.visits)
    return Content(records.before, records.count, _digest(lines), visits, frozenset(records.tray))


def propose(
    session: Session,
    actor: Actor,
    who: Someone,
    provider: Organization | None,
    decision: str,
    now: datetime,
) -> RemovalProposal:
    """Raises: NotPossible: nothing is past its time, or the decision's reference is none. Unsettled."""
    reference, found = decision_of(decision), content(session, provider, now)
    if not found.count:
        raise NotPossible("nothing is past its time that is not held")
    row = RemovalProposal(
        id=uuid7(int(now.timestamp() * 1000)),
        what="records" if provider else "log",
        organization_id=provider.id if provider else None,
        before=found.before,
        count=found.count,
        content_sha256=found.sha256,
        decision=reference,
        proposed_by=named(who.name, "whoever proposes", "--by"),
        proposed_login=who.login,
        proposed_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    append(session, actor, Act(action="removal_proposed", object=in_words(row)), now)
    return row


def approve(
    session: Session, actor: Actor, who: Someone, proposal_id: uuid.UUID, count: int, now: datetime
) -> tuple[RemovalProposal, Content]:
    """Say that it may go, in the caller's writing transaction; what goes is the caller's next act.

    Args:
        count: as the approver was told; another number is another content.

    Raises:
        NotPossible: there is none that waits, it is over, it is the same person, or not the same content any more.
        Unsettled: it may not go now.
    """
    row = waiting_one(session, proposal_id, now)
    if who.is_same(Someone(row.proposed_by, row.proposed_login)):
        raise NotPossible(
            f"{row.proposed_by} ({row.proposed_login}) proposed it: somebody else approves, by a login of their own"
        )
    found = content(session, _provider(session, row), row.proposed_at)
    same = (found.before, found.count, found.sha256) == (row.before, row.count, row.content_sha256)
    if not same:
        raise NotPossible(
            f"what would be removed is not what was proposed: {row.count} then, {found.count} now, or others. "
            "Nothing was removed; propose anew"
        )
    if count != row.count:
        raise NotPossible(f"it is {row.count}, not {count}: look at it again without --removing")
    row.approved_by, row.approved_at = named(who.name, "whoever approves", "--by"), now
    append(session, actor, Act(action="removal_approved", object=in_words(row)), now)
    return row, found


def waiting_one(session: Session, proposal_id: uuid.UUID, now: datetime) -> RemovalProposal:
    """Raises: NotPossible: it is not there, was approved, or is over."""
    row = session.get(RemovalProposal, proposal_id)
    if row is None:
        raise NotPossible("there is no such proposal: see `carebag retention proposals`")
    if row.approved_at is not None:
        raise NotPossible(f"{row.approved_by} approved it on {row.approved_at.date()}: what is left is proposed anew")
    if row.expires_at <= now:
        raise NotPossible(f"it was over on {row.expires_at.date()}: propose anew")
    return row


def waiting(session: Session, now: datetime) -> Sequence[RemovalProposal]:
    """Those that may be approved, oldest first."""
    query = select(RemovalProposal).where(RemovalProposal.approved_at.is_(None), RemovalProposal.expires_at > now)
    return session.scalars(query.order_by(RemovalProposal.proposed_at, RemovalProposal.id)).all()


def in_words(row: RemovalProposal) -> str:
    """For the log; names nobody."""
    whose = f" organization {row.organization_id}" if row.organization_id else ""
    what: Literal["events", "visits"] = "events" if row.what == "log" else "visits"
    return (
        f"proposal {row.id} {what} {row.count}{whose} before {row.before.date()} by {row.decision} "
        f"digest {row.content_sha256}"
    )


def _provider(session: Session, row: RemovalProposal) -> Organization | None:
    return session.get_one(Organization, row.organization_id) if row.organization_id else None


def _digest(lines: Iterable[str]) -> str:
    over = hashlib.sha256()
    for line in lines:
        over.update(f"{line}\n".encode())
    return over.hexdigest()
