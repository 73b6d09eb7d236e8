"""Nothing goes for good by one person: what one proposed another one approves, as long as it is the very same."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.server.retention.test_record_removal import OURS, left, others, whole_visit

from carebag_server.retention.proposals import LASTS, Someone
from carebag_server.tables import AuditRow, VisitRow

YEARS = 11
MAJ = {"years": YEARS, "login": "maj"}


@pytest.fixture
def hub(small_office: Any) -> Any:
    """With one record that is past its time."""
    others(small_office.hub, whole_visit(small_office.hub))
    small_office.settle()
    return small_office.hub


def approve(office: Any, number: str, count: str, by: str = "Maj", **more: Any) -> tuple[int, str]:
    said: tuple[int, str] = office("approve", number, "--removing", count, "--by", by, **{**MAJ, **more})
    return said


def test_two_people_and_a_row_for_each(hub: Any, small_office: Any) -> None:
    number, count = small_office.propose(*OURS, years=YEARS)
    assert number in small_office("proposals", years=YEARS)[1]
    visits = left(hub, VisitRow)
    status, said = approve(small_office, number, count)
    assert (status, f"removed {count} visits" in said) == (0, True), said
    assert left(hub, VisitRow) == visits - int(count)
    with hub.database.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action.startswith("removal_")).order_by(AuditRow.seq))
        (proposed, approved) = [(row.action, row.practitioner, row.object, row.patient_id) for row in rows]
    assert proposed == ("removal_proposed", "Siri (siri, carebag retention)", approved[2], None)
    assert approved[:2] == ("removal_approved", "Maj (maj, carebag retention)")
    assert number in approved[2]
    assert small_office("proposals", years=YEARS)[1] == "no proposal waits\n"
    again, said = approve(small_office, number, count)
    assert (again, "Maj approved it" in said) == (2, True)


@pytest.mark.parametrize(
    ("by", "login"), [("Siri", "maj"), (" sIRI ", "maj"), ("Maj", "siri")], ids=["name", "its case", "login"]
)
def test_the_same_person_does_not_approve(hub: Any, small_office: Any, by: str, login: str) -> None:
    number, count = small_office.propose(*OURS, years=YEARS)
    before = hub.actions()
    status, said = approve(small_office, number, count, by, login=login)
    assert (status, "somebody else approves" in said) == (2, True)
    assert hub.actions() == before


def _entry(hub: Any) -> None:
    with hub.database.transaction() as session:
        row = session.scalars(select(VisitRow).where(VisitRow.state == "closed")).first()
        assert row is not None
        row.closed_at = hub.clock() + timedelta(days=365 * 5)


def _one_less(hub: Any) -> None:
    """As many visits, but other ones."""
    with hub.database.transaction() as session:
        old = session.scalars(select(VisitRow).where(VisitRow.state == "closed")).all()
        told = {name: getattr(old[0], name) for name in ("organization_id", "kit_id", "patient_id", "colour")}
        when = {"scheduled_at": old[0].scheduled_at, "closed_at": old[0].closed_at, "state": "closed"}
        session.add(VisitRow(id=uuid.uuid4(), reason="", background="", **told, **when))


@pytest.mark.parametrize("change", [_entry, _one_less], ids=["an entry", "a visit more"])
def test_what_has_changed_since_is_not_removed(hub: Any, small_office: Any, change: Any) -> None:
    number, count = small_office.propose(*OURS, years=YEARS)
    change(hub)
    before = hub.actions()
    status, said = approve(small_office, number, count)
    assert (status, "not what was proposed" in said) == (2, True)
    assert hub.actions() == before


def test_a_hold_since_stops_it(hub: Any, small_office: Any) -> None:
    number, count = small_office.propose(*OURS, years=YEARS)
    held = ("hold", "--provider", "Timrå kommun", "--everything", "--why", "IVO", "--by", "Siri")
    assert small_office(*held, years=YEARS)[0] == 0
    assert approve(small_office, number, count)[0] == 2


def test_a_log_that_was_changed_since_is_not_pruned(small_office: Any) -> None:
    """As many events, but not the same."""
    hub = small_office.hub
    hub.sign_in("doctor")
    hub.sign_in("nurse")
    small_office.settle()
    number, count = small_office.propose("log", years=YEARS)
    with hub.database.engine.begin() as connection:
        for (trigger,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
            connection.exec_driver_sql(f'DROP TRIGGER "{trigger}"')
        connection.execute(update(AuditRow).where(AuditRow.seq == 1).values(hash="0" * 64))
    status, said = approve(small_office, number, count)
    assert status == 2
    assert "broken" in said or "not what was proposed" in said


def test_it_is_over_after_a_while(hub: Any, small_office: Any) -> None:
    number, count = small_office.propose(*OURS, years=YEARS)
    later = YEARS + (LASTS + timedelta(days=1)).days / 365.25
    status, said = approve(small_office, number, count, years=later)
    assert (status, "it was over" in said) == (2, True)
    assert small_office("proposals", years=later)[1] == "no proposal waits\n"


def test_days_later_it_is_still_the_same(hub: Any, small_office: Any) -> None:
    """What becomes due between the two is not part of it."""
    number, count = small_office.propose(*OURS, years=YEARS)
    assert approve(small_office, number, count, years=YEARS + 10 / 365.25)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("propose", "records", "--decision", "RS 1", "--by", "Siri"), "say whose records"),
        (("propose", "log", "--provider", "Timrå kommun", "--decision", "RS 1", "--by", "Siri"), "of all providers"),
        (("propose", "log", "--decision", "", "--by", "Siri"), "--decision"),
        (("propose", "log", "--decision", "RS 1", "--by", " "), "--by"),
        (("approve", str(uuid.uuid4())), "no such proposal"),
        (("approve", str(uuid.uuid4()), "--removing", "1"), "--by"),
    ],
)
def test_what_cannot_be_done_is_said(hub: Any, small_office: Any, words: tuple[str, ...], said: str) -> None:
    before = hub.actions()
    status, told = small_office(*words, years=YEARS)
    assert (status, said in told) == (2, True), told
    assert hub.actions() == before


def test_another_number_is_refused(hub: Any, small_office: Any) -> None:
    number, count = small_office.propose(*OURS, years=YEARS)
    status, said = approve(small_office, number, str(int(count) + 1))
    assert (status, "look at it again" in said) == (2, True)


def test_who_is_the_same() -> None:
    siri = Someone("Siri Ek", "siri")
    assert siri.is_same(Someone("siri  EK", "root"))
    assert siri.is_same(Someone("Maj", "siri"))
    assert not siri.is_same(Someone("Maj", "siri as root"))
