"""The doctors' lists of visits, each read and logged with those of all who wait for one; and who may stay in a room."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.relations import home_organizations, scope_of, visible_visits
from carebag_server.tables import VisitRow
from carebag_server.visits import lists_of_heads
from carebag_wire.messages import Queue


@dataclass(frozen=True)
class VisitList:
    message: Queue
    homes: frozenset[uuid.UUID]
    """Organisations whose visits these may be: when one of them changes, the list is another."""


def may_stay(hub: Hub, sitting: Sequence[tuple[PersonCaller, uuid.UUID]]) -> list[bool]:
    """Of each doctor in a visit's room, whether she may still see the visit: agreements end, patients block."""
    with hub.database.reading() as session:
        return [
            session.scalars(visible_visits(one, hub.now()).where(VisitRow.id == visit_id)).first() is not None
            for one, visit_id in sitting
        ]


def read_lists(hub: Hub, readers: Sequence[PersonCaller]) -> list[VisitList]:
    """A list for each reader, given out once the log rows of all are durable."""
    with hub.database.transaction() as session:
        scopes = {scope_of(one): one for one in readers}
        homes = {scope: home_organizations(session, one, hub.now()) for scope, one in scopes.items()}
        lists = lists_of_heads(hub, session, readers)
    messages = {scope_of(one): Queue(visits=heads) for one, heads in zip(readers, lists, strict=True)}
    return [VisitList(messages[scope_of(one)], homes[scope_of(one)]) for one in readers]
