"""Rows of the log as accesses: what one person saw and did of one patient's visit on one day, and why it may have been.

The answer to "why did this person open this chart" is made from visits, assignments, requests, decisions, notes and
agreements as they are stored; a person is known by the name in the row, which is all that the log holds.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from carebag_server.access_tables import EmergencyRow
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.protection import protections_of
from carebag_server.review_sampling import Facts, charts_around, reasons_of, same_surname, score_of
from carebag_server.review_scope import within_reach
from carebag_server.tables import (
    AuditRow,
    CareAgreement,
    Commission,
    Finding,
    NoteRow,
    Organization,
    PatientRow,
    Practitioner,
    RequestRow,
    VisitRow,
)
from carebag_server.visits import zone_of
from carebag_wire.review import Access, NamedPatient, Relation, ReviewReason, WhyFact

NOT_REVIEWED = ("kit", "guest", "reviewer")
"""Machines fetch what was planned; a guest has the patient's consent; nobody reviews herself."""
AROUND = timedelta(hours=24)
"""Before and after a visit in which a person took part, reading belongs to it."""
_JOINED = ("room_joined", "visit_opened")


@dataclass
class Group:
    """The rows of one access, in order."""

    rows: list[AuditRow] = field(default_factory=list)

    @property
    def first(self) -> AuditRow:
        return self.rows[0]

    @property
    def emergency(self) -> bool:
        return any(row.purpose == "emergency" for row in self.rows)

    @property
    def person(self) -> str:
        return person_in(self.first.practitioner)


def person_in(practitioner: str) -> str:
    """`Anna Lind · Väska 1` is Anna Lind."""
    return practitioner.split(" · ")[0]


@dataclass(frozen=True)
class Weighed:
    """One access with what is known of it; told in full only where somebody is to see it."""

    facts: Facts
    group: Group
    patient: PatientRow
    relation: Relation
    why: list[WhyFact]
    emergency_reasons: list[str]

    def told(self) -> Access:
        return _access(self.group, self.patient, self.relation, self.why, self.facts, self.emergency_reasons)


def accesses_between(hub: Hub, session: Session, caller: PersonCaller, start: datetime, end: datetime) -> list[Weighed]:
    """All accesses of a time, by their first row."""
    query = select(AuditRow).where(
        AuditRow.at >= start,
        AuditRow.at < end,
        AuditRow.patient_id.is_not(None),
        AuditRow.role.not_in(NOT_REVIEWED),
        within_reach(caller),
    )
    return weighed(hub, session, grouped(hub, session.scalars(query.order_by(AuditRow.seq))))


def access_of_row(hub: Hub, session: Session, caller: PersonCaller, seq: int) -> tuple[Access, Group] | None:
    """The access to which a row belongs; None: there is no such row, not within reach, or it is of no access."""
    row = session.scalars(select(AuditRow).where(AuditRow.seq == seq, within_reach(caller))).first()
    if row is None or row.patient_id is None or row.role in NOT_REVIEWED:
        return None
    alike = select(AuditRow).where(
        AuditRow.patient_id == row.patient_id,
        AuditRow.visit_id == row.visit_id if row.visit_id else AuditRow.visit_id.is_(None),
        AuditRow.at.between(row.at - timedelta(hours=25), row.at + timedelta(hours=25)),
        AuditRow.role == row.role,
    )
    groups = grouped(hub, session.scalars(alike.order_by(AuditRow.seq)))
    mine = next(group for group in groups if any(one.seq == seq for one in group.rows))
    [one] = weighed(hub, session, [mine])
    return one.told(), mine


def grouped(hub: Hub, rows: Iterable[AuditRow]) -> list[Group]:
    """Rows by person, patient, visit and day where the care is given; what rests on an emergency stands by itself."""
    zone, groups = zone_of(hub), dict[tuple[object, ...], Group]()
    for row in rows:
        day = row.at.astimezone(zone).date()
        emergency = row.purpose == "emergency"
        key = (person_in(row.practitioner), row.role, row.organization, row.patient_id, row.visit_id, day, emergency)
        groups.setdefault(key, Group()).rows.append(row)
    return list(groups.values())


def weighed(hub: Hub, session: Session, groups: Sequence[Group]) -> list[Weighed]:
    """Each with its relation and the facts of it."""
    if not groups:
        return []
    known = _Known(session, {group.first.patient_id for group in groups if group.first.patient_id})
    zone, charts, protected = zone_of(hub), _charts(session, groups), protections_of(session, known.patients)
    found = []
    for group in groups:
        patient = known.patients.get(group.first.patient_id) if group.first.patient_id else None
        if patient is None:
            continue
        relation, why = known.relation(group)
        nearest = known.after_visit(group)
        facts = Facts(
            seq=group.first.seq,
            emergency=group.emergency,
            related=relation not in ("none", "emergency"),
            same_surname=same_surname(group.person, patient.name),
            protected=patient.id in protected,
            after=nearest,
            local_hour=group.first.at.astimezone(zone).hour,
            during_visit=known.during_visit(group),
            charts=charts_around(charts[group.person], group.first.at),
        )
        said = _reasons_said(session, group, patient) if group.emergency else []
        found.append(Weighed(facts, group, patient, relation, why, said))
    return found


def _reasons_said(session: Session, group: Group, patient: PatientRow) -> list[str]:
    """What the doctor wrote when opening the emergency accesses that these rows rest on."""
    query = select(EmergencyRow.reason).where(
        EmergencyRow.patient_id == patient.id,
        EmergencyRow.doctor == group.person,
        EmergencyRow.at <= group.rows[-1].at,
        EmergencyRow.expires_at >= group.first.at,
    )
    return list(session.scalars(query.order_by(EmergencyRow.at)))


def _access(
    group: Group,
    patient: PatientRow,
    relation: Relation,
    why: list[WhyFact],
    facts: Facts,
    emergency_reasons: list[str],
) -> Access:
    first, reasons = group.first, reasons_of(facts)
    return Access(
        seq=first.seq,
        at=first.at,
        until=group.rows[-1].at,
        rows=len(group.rows),
        actions=list(dict.fromkeys(row.action for row in group.rows)),
        practitioner=group.person,
        role=first.role,
        care_unit=first.care_unit,
        organization=first.organization,
        purpose="emergency" if group.emergency else first.purpose,
        patient=NamedPatient(id=patient.id, name="" if facts.protected else patient.name),
        visit_id=first.visit_id,
        relation=relation,
        why=why,
        emergency_reasons=emergency_reasons,
        reasons=[ReviewReason.model_validate({"code": reason.code, "n": reason.n}) for reason in reasons],
        score=score_of(reasons),
    )


def _charts(session: Session, groups: Sequence[Group]) -> dict[str, list[tuple[datetime, object]]]:
    """When each person opened whose chart, over the whole time of the groups and a little beyond."""
    start = min(group.first.at for group in groups) - timedelta(minutes=30)
    end = max(group.rows[-1].at for group in groups) + timedelta(minutes=30)
    people = {group.first.practitioner for group in groups}
    query = select(AuditRow.practitioner, AuditRow.at, AuditRow.patient_id).where(
        AuditRow.at.between(start, end), AuditRow.patient_id.is_not(None), AuditRow.practitioner.in_(people)
    )
    found: dict[str, list[tuple[datetime, object]]] = defaultdict(list)
    for practitioner, at, patient in session.execute(query.order_by(AuditRow.at, AuditRow.seq)):
        found[person_in(practitioner)].append((at, patient))
    return found


class _Known:
    """What the hub has about these patients' visits and who had a part in them."""

    def __init__(self, session: Session, patients: set[uuid.UUID]) -> None:
        rows = session.scalars(select(PatientRow).where(PatientRow.id.in_(patients)))
        self.patients = {row.id: row for row in rows}
        self.visits: dict[uuid.UUID, list[VisitRow]] = defaultdict(list)
        for visit in session.scalars(
            select(VisitRow).where(VisitRow.patient_id.in_(patients)).order_by(VisitRow.scheduled_at)
        ):
            self.visits[visit.patient_id].append(visit)
        ids = [visit.id for visits in self.visits.values() for visit in visits]
        self.parts = _parts(session, ids)
        self.nurses = _nurses(session)
        self.agreements = list(session.scalars(select(CareAgreement)))
        self.organizations = {row.name: row.id for row in session.scalars(select(Organization))}

    def during_visit(self, group: Group) -> bool:
        patient = group.first.patient_id
        return patient is not None and any(_open_at(visit, group.first.at) for visit in self.visits[patient])

    def after_visit(self, group: Group) -> timedelta | None:
        """How long since the nearest visit was closed, if nothing of the patient is near on the other side."""
        patient, at = group.first.patient_id, group.first.at
        visits = self.visits[patient] if patient else []
        for visit in visits:
            began = visit.opened_at or visit.scheduled_at
            if _open_at(visit, at) or at <= began <= at + AROUND:
                return None
        closed = [visit.closed_at for visit in visits if visit.closed_at and visit.closed_at <= at]
        return at - max(closed) if closed else None

    def relation(self, group: Group) -> tuple[Relation, list[WhyFact]]:
        first, person = group.first, group.person
        patient = self.patients.get(first.patient_id) if first.patient_id else None
        visits = self.visits[first.patient_id] if first.patient_id else []
        why: list[WhyFact] = []
        relation: Relation = "none"
        for visit in visits:
            near = visit.id == first.visit_id or _near(visit, first.at)
            parts = self.parts[(visit.id, person)]
            if near and parts:
                why += sorted(parts, key=lambda fact: str(fact.at))
                if visit.id != first.visit_id and first.visit_id is not None:
                    why.append(WhyFact(code="other_visit", at=visit.opened_at or visit.scheduled_at))
                relation = "treated"
            elif near and first.role == "nurse" and self.nurses.get(visit.nurse_commission_id) == person:
                why.append(WhyFact(code="assigned", at=visit.scheduled_at))
                relation = "treated" if relation == "treated" else "assigned"
        if patient is not None and patient.own_doctor.split(",")[0].strip() == person:
            why.append(WhyFact(code="listed"))
            relation = "listed" if relation == "none" else relation
        if relation == "none":
            why += self._without(group, visits)
        return ("emergency" if group.emergency and relation == "none" else relation), why

    def _without(self, group: Group, visits: Sequence[VisitRow]) -> list[WhyFact]:
        """What can be said of somebody who had no part."""
        why = [WhyFact(code="emergency", at=group.first.at)] if group.emergency else []
        after = self.after_visit(group)
        if after is not None:
            why.append(WhyFact(code="after_close", at=group.first.at - after, n=after.days))
        elif not self.during_visit(group) and not any(_near(visit, group.first.at) for visit in visits):
            why.append(WhyFact(code="no_visit_then"))
        homes = {visit.organization_id for visit in visits}
        mine = self.organizations.get(group.first.organization)
        if mine is not None and mine not in homes:
            agreed = any(
                agreement.doctor_organization_id == mine
                and agreement.home_organization_id in homes
                and agreement.valid_from <= group.first.at
                and (agreement.valid_until is None or agreement.valid_until > group.first.at)
                for agreement in self.agreements
            )
            why.append(WhyFact(code="agreement" if agreed else "no_agreement"))
        return why


def _open_at(visit: VisitRow, at: datetime) -> bool:
    return visit.opened_at is not None and visit.opened_at <= at and (visit.closed_at is None or at <= visit.closed_at)


def _near(visit: VisitRow, at: datetime) -> bool:
    began = visit.opened_at or visit.scheduled_at
    return began - AROUND <= at <= (visit.closed_at or began) + AROUND


def _parts(session: Session, visits: list[uuid.UUID]) -> dict[tuple[uuid.UUID, str], list[WhyFact]]:
    """What each person did in each visit, once for each kind of act, at its first time."""
    found: dict[tuple[uuid.UUID, str], dict[str, WhyFact]] = defaultdict(dict)

    def note(visit: uuid.UUID, person: str, code: str, at: datetime | None) -> None:
        there = found[visit, person].get(code)
        if person and (there is None or (at and there.at and at < there.at)):
            found[visit, person][code] = WhyFact.model_validate({"code": code, "at": at})

    for request in session.scalars(select(RequestRow).where(RequestRow.visit_id.in_(visits))):
        note(request.visit_id, request.asked_by, "asked", request.asked_at)
    for finding in session.scalars(select(Finding).where(Finding.visit_id.in_(visits), Finding.decided_by != "")):
        note(finding.visit_id, finding.decided_by, "decided", finding.decided_at)
    for written in session.scalars(select(NoteRow).where(NoteRow.visit_id.in_(visits), NoteRow.state == "signed")):
        note(written.visit_id, written.author, "signed", written.signed_at)
    came = select(AuditRow).where(AuditRow.visit_id.in_(visits), AuditRow.action.in_(_JOINED))
    open_visits = {visit.id: visit for visit in session.scalars(select(VisitRow).where(VisitRow.id.in_(visits)))}
    for row in session.scalars(came.where(or_(AuditRow.role == "doctor", AuditRow.role == "nurse"))):
        if row.visit_id is None:
            continue
        if row.action == "visit_opened":
            note(row.visit_id, person_in(row.practitioner), "opened_visit", row.at)
        elif _open_at(open_visits[row.visit_id], row.at):
            note(row.visit_id, person_in(row.practitioner), "joined", row.at)
    return defaultdict(list, {key: list(facts.values()) for key, facts in found.items() if facts})


def _nurses(session: Session) -> dict[uuid.UUID | None, str]:
    query = select(Commission.id, Practitioner.name).join(Practitioner, Practitioner.id == Commission.practitioner_id)
    rows = session.execute(query.where(Commission.role == "nurse"))
    return {row.id: row.name for row in rows}
