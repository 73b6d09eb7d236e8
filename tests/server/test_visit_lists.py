"""Doctors' lists read together: each sees what the care relation gives, and each reading has its own row in the log."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select, update

from carebag_server import audit, visit_lists
from carebag_server.callers import PersonCaller
from carebag_server.tables import AuditRow, CareAgreement, Organization
from carebag_server.visit_lists import read_lists
from carebag_wire.visit import Person, Role


def reader(name: str, organization_id: uuid.UUID, role: Role = "doctor") -> PersonCaller:
    person = Person(
        commission_id=uuid.uuid4(),
        practitioner_id=uuid.uuid4(),
        name=name,
        title="",
        role=role,
        unit="u",
        organization="",
    )
    return PersonCaller(
        person=person,
        organization_id=organization_id,
        session_id=uuid.uuid4(),
        address="10.0.0.7",
        request_ref=f"ref {name}",
    )


@pytest.fixture
def organization(hub: Any) -> uuid.UUID:
    """The one whose doctors see the demo's visits."""
    with hub.database.reading() as session:
        return session.scalars(select(CareAgreement.doctor_organization_id)).first()  # type: ignore[return-value]


def rows(hub: Any) -> list[AuditRow]:
    with hub.database.reading() as session:
        query = select(AuditRow).where(AuditRow.action == "visits_listed").order_by(AuditRow.seq)
        return list(session.scalars(query))


def test_one_row_for_each_list_with_its_own_reader(hub: Any, organization: uuid.UUID) -> None:
    readers = [reader(name, organization) for name in ("A", "B", "A")]
    lists = read_lists(hub.app.state.hub, readers)
    assert [len(one.message.visits) for one in lists] == [3, 3, 3]
    found = [(row.practitioner, row.request_ref, row.object, row.origin) for row in rows(hub)]
    assert found == [(name, f"ref {name}", "visits 3", "10.0.0.7") for name in ("A", "B", "A")]
    with hub.database.reading() as session:
        assert audit.verify(session, hub.clock()).intact


def test_read_together_nobody_sees_what_another_may(hub: Any, organization: uuid.UUID) -> None:
    with hub.database.transaction() as session:
        session.add(Organization(id=(stranger := uuid.uuid4()), name="Elsewhere"))
    readers = [
        reader("Mine", organization),
        reader("Theirs", stranger),
        reader("Nurse", organization, "nurse"),
    ]
    lists = read_lists(hub.app.state.hub, readers)
    assert [len(one.message.visits) for one in lists] == [3, 0, 0]
    assert [len(one.homes) for one in lists[:2]] == [1, 0]
    assert [row.object for row in rows(hub)] == ["visits 3", "visits 0", "visits 0"]


def test_an_ended_agreement_ends_the_list(hub: Any, organization: uuid.UUID) -> None:
    with hub.database.transaction() as session:
        session.execute(update(CareAgreement).values(valid_until=hub.clock()))
    (visit_list,) = read_lists(hub.app.state.hub, [reader("A", organization)])
    assert (visit_list.message.visits, visit_list.homes) == ([], frozenset())


def test_no_row_no_list(hub: Any, organization: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("the log cannot be written")

    monkeypatch.setattr(audit, "row_hash", fail)
    with pytest.raises(RuntimeError):
        read_lists(hub.app.state.hub, [reader(name, organization) for name in "AB"])
    assert rows(hub) == []


def test_the_list_is_given_out_after_the_commit(hub: Any, organization: uuid.UUID, monkeypatch: Any) -> None:
    """Whoever holds a list can find its row from another connection."""
    seen = []
    made = visit_lists.VisitList

    def made_after(*parts: Any) -> Any:
        seen.append(len(rows(hub)))
        return made(*parts)

    monkeypatch.setattr(visit_lists, "VisitList", made_after)
    read_lists(hub.app.state.hub, [reader(name, organization) for name in "ABC"])
    assert seen == [3, 3, 3]
