"""Reading visits: lists, whole visits, and the doctor's coming in. Each is logged in the transaction that reads."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import Act, append, append_all
from carebag_server.callers import KitCaller, PersonCaller
from carebag_server.hub import Hub
from carebag_server.relations import Scope, readable_visit, scope_of, visible_visit, visible_visits
from carebag_server.scored import scored
from carebag_server.tables import VisitRow
from carebag_server.visit_views import head_of, heads_of, snapshot_of
from carebag_wire.visit import VisitHead, VisitSnapshot

NEAR = timedelta(hours=12)
"""A planned visit this near is shown whatever the date: care goes on at midnight."""


AHEAD = timedelta(hours=72)
"""A kit is told of visits so far ahead: it may be without a network for as long (docs/decisions/0041)."""


def zone_of(hub: Hub) -> tzinfo:
    """Where the care is given; UTC where the machine knows no time zones."""
    try:
        return ZoneInfo(hub.settings.time_zone)
    except ZoneInfoNotFoundError:
        return UTC


def today(hub: Hub) -> tuple[datetime, datetime]:
    """From midnight to midnight where the care is given."""
    zone = zone_of(hub)
    day = hub.now().astimezone(zone).date()
    midnight = datetime.combine(day, time(), zone)
    return midnight, datetime.combine(day + timedelta(days=1), time(), zone)


def list_heads(hub: Hub, session: Session, caller: PersonCaller) -> list[VisitHead]:
    """Today's visits, those still open, and those near midnight. One log row for the list."""
    (heads,) = lists_of_heads(hub, session, [caller])
    return heads


def lists_of_heads(hub: Hub, session: Session, readers: Sequence[PersonCaller]) -> list[list[VisitHead]]:
    """As `list_heads` for each reader; readers who see the same have it read once. One log row for each reader."""
    read: dict[Scope, list[VisitHead]] = {}
    for reader in readers:
        if scope_of(reader) not in read:
            read[scope_of(reader)] = heads_of(session, session.scalars(_todays(hub, reader)).all())
    lists = [read[scope_of(reader)] for reader in readers]
    acts = [Act(action="visits_listed", object=f"visits {len(heads)}") for heads in lists]
    append_all(session, zip((reader.actor() for reader in readers), acts, strict=True), hub.now())
    return lists


def _todays(hub: Hub, caller: PersonCaller | KitCaller) -> Select[VisitRow]:
    start, end = today(hub)
    ahead = AHEAD if isinstance(caller, KitCaller) else NEAR
    near = VisitRow.scheduled_at.between(hub.now() - NEAR, hub.now() + ahead)
    query = visible_visits(caller, hub.now()).where(
        or_(
            and_(VisitRow.scheduled_at >= start, VisitRow.scheduled_at < end),
            VisitRow.state == "open",
            and_(VisitRow.state == "planned", near),
        ),
        or_(VisitRow.state != "planned", VisitRow.cancelled_at.is_(None)),
    )
    return query.order_by(VisitRow.scheduled_at, VisitRow.id)


def read_visit(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> VisitSnapshot:
    """The whole visit for a person.

    Raises:
        Refused: 404 `not_found`.
    """
    reading = readable_visit(session, caller, visit_id, hub.now())
    visit = reading.visit
    append(session, reading.actor, act_on(visit, "visit_read", f"visit {visit.id}"), hub.now())
    participants, kit_online = hub.live.presence(visit.id, visit.kit_id)
    return scored(hub, snapshot_of(session, visit, caller.person.practitioner_id, participants, kit_online, hub.now()))


def enter_visit(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> VisitSnapshot:
    """As `read_visit`, for a doctor who joins the room; the first one to come is noted on the visit.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    append(session, caller.actor(), act_on(visit, "room_joined", f"visit {visit.id}"), hub.now())
    if visit.doctor_joined_at is None:
        visit.doctor_joined_at = hub.now()
        announce_changed(session, visit, {"visit": head_of(session, visit)})
    participants, kit_online = hub.live.presence(visit.id, visit.kit_id)
    return scored(hub, snapshot_of(session, visit, caller.person.practitioner_id, participants, kit_online, hub.now()))


def kit_snapshots(hub: Hub, session: Session, kit: KitCaller) -> list[VisitSnapshot]:
    """A kit's visits of today and the days ahead, with signed notes only; one log row for each patient.

    Of a planned visit that is not near yet only what opening it takes: who it is, where, when and why. It counts its
    score itself.
    """
    snapshots = []
    for visit in session.scalars(_todays(hub, kit)).all():
        append(session, kit.actor(), act_on(visit, "visit_sent_to_kit", f"visit {visit.id}"), hub.now())
        participants, kit_online = hub.live.presence(visit.id, visit.kit_id)
        if visit.state == "planned" and not _is_near(hub, visit):
            snapshots.append(_outline(head_of(session, visit), kit_online))
        else:
            snapshots.append(snapshot_of(session, visit, None, participants, kit_online, hub.now()))
    return snapshots


def _is_near(hub: Hub, visit: VisitRow) -> bool:
    start, end = today(hub)
    return start <= visit.scheduled_at < end or abs(visit.scheduled_at - hub.now()) <= NEAR


def _outline(head: VisitHead, kit_online: bool) -> VisitSnapshot:
    patient = head.patient.model_copy(update={"own_doctor": ""})
    return VisitSnapshot(
        visit=head.model_copy(update={"patient": patient, "background": ""}),
        requests=[],
        readings=[],
        sounds=[],
        photos=[],
        notes=[],
        participants=[],
        kit_online=kit_online,
    )


def act_on(visit: VisitRow, action: str, thing: str) -> Act:
    """What a log row says of an act within a visit."""
    return Act(action=action, object=thing, patient_id=visit.patient_id, visit_id=visit.id)
