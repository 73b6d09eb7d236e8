"""Consent to and emergency access of a patient's earlier visits, for the doctor; what came of it, for the reviewer."""

from carebag_server import earlier_access, emergency_reports
from carebag_server.access import Doctor, Reviewer
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.base import Id
from carebag_wire.earlier import EarlierAccess, EmergencyReport, GiveConsent, MarkedRead, OpenEmergency

router = api_router("/api", "earlier")


@router.get("/visits/{visit_id}/earlier")
def read_earlier_access(visit_id: Id, caller: Doctor, hub: TheHub) -> EarlierAccess:
    with hub.database.transaction() as session:
        return earlier_access.read(hub, session, caller, visit_id)


@router.post("/visits/{visit_id}/consent", status_code=201)
def give_consent(visit_id: Id, said: GiveConsent, caller: Doctor, hub: TheHub) -> EarlierAccess:
    with hub.database.transaction() as session:
        return earlier_access.give_consent(hub, session, caller, visit_id, said)


@router.post("/visits/{visit_id}/consent/withdraw")
def withdraw_consent(visit_id: Id, caller: Doctor, hub: TheHub) -> EarlierAccess:
    with hub.database.transaction() as session:
        return earlier_access.withdraw_consent(hub, session, caller, visit_id)


@router.post("/visits/{visit_id}/emergency", status_code=201)
def open_emergency(visit_id: Id, said: OpenEmergency, caller: Doctor, hub: TheHub) -> EarlierAccess:
    with hub.database.transaction() as session:
        return earlier_access.open_emergency(hub, session, caller, visit_id, said.reason)


@router.post("/visits/{visit_id}/emergency/end")
def end_emergency(visit_id: Id, caller: Doctor, hub: TheHub) -> EarlierAccess:
    with hub.database.transaction() as session:
        return earlier_access.end_emergency(hub, session, caller, visit_id)


@router.get("/review/emergencies")
def review_emergencies(caller: Reviewer, hub: TheHub) -> list[EmergencyReport]:
    """Newest first, also those that last now."""
    with hub.database.transaction() as session:
        return emergency_reports.emergencies(hub, session, caller)


@router.get("/review/marked")
def review_marked(caller: Reviewer, hub: TheHub) -> list[MarkedRead]:
    """Everything done under an emergency, and every reading about a protected patient, newest first."""
    with hub.database.transaction() as session:
        return emergency_reports.marked_reads(hub, session, caller)
