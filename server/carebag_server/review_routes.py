"""The medical lead's routes: who read and did what, and whether the log is whole."""

from carebag_server.access import Reviewer
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append, events_of_visit, verify
from carebag_server.hub import TheHub
from carebag_server.relations import visible_visit
from carebag_server.visits import act_on, list_heads
from carebag_wire.api import AuditCheck, AuditEvent
from carebag_wire.base import Id
from carebag_wire.visit import VisitHead

router = api_router("/api", "review")


@router.get("/review/visits")
def review_visits(caller: Reviewer, hub: TheHub) -> list[VisitHead]:
    with hub.database.transaction() as session:
        return list_heads(hub, session, caller)


@router.get("/review/visits/{visit_id}/events")
def review_events(visit_id: Id, caller: Reviewer, hub: TheHub) -> list[AuditEvent]:
    """The visit's log in order; this reading of it is its last row."""
    with hub.database.transaction() as session:
        visit = visible_visit(session, caller, visit_id, hub.now())
        append(session, caller.actor(), act_on(visit, "audit_read", f"visit {visit.id}"), hub.now())
        return events_of_visit(session, visit.id)


@router.get("/audit/verify")
def verify_audit(caller: Reviewer, hub: TheHub) -> AuditCheck:
    """Recompute the whole chain, without holding up those who write."""
    with hub.database.reading() as session:
        check = verify(session, hub.now())
    with hub.database.transaction() as session:
        act = Act(action="audit_verified", object=f"events {check.events} {'intact' if check.intact else check.why}")
        append(session, caller.actor(), act, hub.now())
    return check
