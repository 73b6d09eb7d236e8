"""The policy by itself, rule by rule, and against the query: for any state of the store both name the same visits."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carebag_server import access_tables, tables
from carebag_server.callers import PersonCaller
from carebag_server.database import Database
from carebag_server.policy import (
    CALLED_AFTER,
    CALLED_BEFORE,
    EMERGENCY,
    Agreement,
    Asker,
    Block,
    Consent,
    Emergency,
    Known,
    Period,
    Visit,
    ground,
)
from carebag_server.relations import asker_of, known_of, readable_visits, visible_visits
from carebag_wire.visit import Person

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOME, CLINIC, ELSEWHERE, PATIENT, KIT, COMMISSION = (uuid.UUID(int=number) for number in range(1, 7))
DAY = timedelta(days=1)
DOCTOR = Asker(role="doctor", organization_id=CLINIC, unit="c", commission_id=COMMISSION)


def visit(**changes: Any) -> Visit:
    told = {"organization_id": HOME, "unit": "u", "patient_id": PATIENT, "kit_id": KIT, "scheduled_at": NOW}
    return Visit(**{"id": uuid.uuid4(), "state": "open", **told, **changes})


OLD = visit(state="closed", scheduled_at=NOW - 9 * DAY, closed_at=NOW - 9 * DAY)
AGREED = Agreement(HOME, CLINIC, Period(NOW - DAY))
LASTING = Period(NOW - DAY, NOW + DAY)


def known(**changes: Any) -> Known:
    return Known(**{"agreements": [AGREED], "visits": [visit(), OLD], **changes})


@pytest.mark.parametrize(
    ("asked", "what", "expected"),
    [
        (visit(), known(), "care"),
        (visit(), known(agreements=[]), None),
        (visit(), known(agreements=[Agreement(HOME, CLINIC, Period(NOW - DAY, NOW))]), None),
        (visit(), known(agreements=[Agreement(HOME, CLINIC, Period(NOW + timedelta(microseconds=1)))]), None),
        (visit(), known(agreements=[Agreement(HOME, ELSEWHERE, Period(NOW - DAY))]), None),
        (OLD, known(), None),
        (OLD, known(consents=[Consent(CLINIC, LASTING)]), "consent"),
        (OLD, known(consents=[Consent(ELSEWHERE, LASTING)]), None),
        (OLD, known(consents=[Consent(CLINIC, Period(NOW - DAY, NOW))]), None),
        (OLD, known(consents=[Consent(CLINIC, Period(NOW - DAY, NOW + DAY, NOW))]), None),
        (OLD, known(emergencies=[Emergency(COMMISSION, LASTING)]), "emergency"),
        (OLD, known(emergencies=[Emergency(uuid.uuid4(), LASTING)]), None),
        (OLD, known(emergencies=[Emergency(COMMISSION, Period(NOW - EMERGENCY, NOW))]), None),
        (OLD, known(consents=[Consent(CLINIC, LASTING)], emergencies=[Emergency(COMMISSION, LASTING)]), "consent"),
        (OLD, known(consents=[Consent(CLINIC, LASTING)], visits=[OLD]), None),
        (OLD, known(consents=[Consent(CLINIC, LASTING)], agreements=[]), None),
    ],
)
def test_the_grounds_of_a_doctor(asked: Visit, what: Known, expected: str | None) -> None:
    assert ground(DOCTOR, asked, what, NOW) == expected


def block(**changes: Any) -> Block:
    return Block(**{"organization_id": HOME, "unit": "", "covers_until": None, "period": Period(NOW - DAY), **changes})


@pytest.mark.parametrize(
    ("blocks", "expected_now", "expected_old"),
    [
        ([block()], None, None),
        ([block(covers_until=NOW)], "care", "blocked"),
        ([block(covers_until=OLD.scheduled_at)], "care", "consent"),
        ([block(unit="another")], "care", "consent"),
        ([block(unit="u")], None, None),
        ([block(organization_id=ELSEWHERE)], "care", "consent"),
        ([block(period=Period(NOW - DAY, None, NOW))], "care", "consent"),
    ],
)
def test_a_block_goes_before_consent_and_emergency(
    blocks: list[Block], expected_now: str | None, expected_old: str | None
) -> None:
    today = visit()
    what = known(
        blocks=blocks,
        consents=[Consent(CLINIC, LASTING)],
        emergencies=[Emergency(COMMISSION, LASTING)],
        visits=[today, OLD],
    )
    assert ground(DOCTOR, today, what, NOW) == expected_now
    assert ground(DOCTOR, OLD, what, NOW) == expected_old


def test_a_block_is_for_others() -> None:
    """The provider itself reads on; a unit's block also hides from the provider's other units."""
    own = Agreement(HOME, HOME, Period(NOW - DAY))
    inside = Asker(role="doctor", organization_id=HOME, unit="ward", commission_id=COMMISSION)
    assert ground(inside, OLD, known(agreements=[own]), NOW) == "same_provider"
    assert ground(inside, OLD, known(agreements=[own], blocks=[block()]), NOW) == "same_provider"
    of_unit = known(agreements=[own], blocks=[block(unit="u", covers_until=NOW)])
    assert ground(inside, OLD, of_unit, NOW) == "blocked"
    same_unit = Asker(role="doctor", organization_id=HOME, unit="u", commission_id=COMMISSION)
    assert ground(same_unit, OLD, of_unit, NOW) == "same_provider"


@pytest.mark.parametrize(
    ("asker", "expected"),
    [
        (Asker(role="kit", organization_id=HOME, kit_id=KIT), "own_kit"),
        (Asker(role="kit", organization_id=HOME, kit_id=uuid.uuid4()), None),
        (Asker(role="reviewer", organization_id=HOME), "home"),
        (Asker(role="reviewer", organization_id=CLINIC), None),
        (Asker(role="nurse", organization_id=HOME), None),
        (Asker(role="nurse", organization_id=CLINIC), None),
        (Asker(role="", organization_id=CLINIC), None),
    ],
)
def test_the_others(asker: Asker, expected: str | None) -> None:
    assert ground(asker, visit(), known(), NOW) == expected


TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ({"state": "open", "scheduled_at": NOW - 90 * DAY}, True),
        ({"state": "planned", "scheduled_at": NOW + CALLED_BEFORE - TICK}, True),
        ({"state": "planned", "scheduled_at": NOW + CALLED_BEFORE}, False),
        ({"state": "planned", "scheduled_at": NOW - CALLED_AFTER}, False),
        ({"state": "planned", "scheduled_at": NOW - CALLED_AFTER + TICK}, True),
        ({"state": "closed", "closed_at": NOW - CALLED_AFTER + TICK}, True),
        ({"state": "closed", "closed_at": NOW - CALLED_AFTER}, False),
        ({"state": "closed", "scheduled_at": NOW - CALLED_AFTER}, False),
    ],
)
def test_when_a_doctor_is_called(changes: Any, called: bool) -> None:
    assert visit(**changes).calls(NOW) == called


ORGANIZATIONS, UNITS = (HOME, CLINIC), ("", "u", "w")
AROUND = st.sampled_from([NOW - 9 * DAY, NOW - CALLED_AFTER, NOW - DAY, NOW - TICK, NOW, NOW + TICK, NOW + 2 * DAY])
MAYBE = st.none() | AROUND
ORGANIZATION = st.sampled_from(ORGANIZATIONS)
KITS = {"u": uuid.UUID(int=21), "w": uuid.UUID(int=22)}
PATIENTS = (uuid.UUID(int=31), uuid.UUID(int=32))
PEOPLE = tuple(uuid.UUID(int=41 + number) for number in range(4))


@st.composite
def stores(draw: Any) -> list[list[dict[str, Any]]]:
    """Rows for visits, agreements, blocks, consents, emergencies."""

    def some(what: dict[str, st.SearchStrategy[Any]], most: int) -> list[dict[str, Any]]:
        return draw(st.lists(st.fixed_dictionaries(what), max_size=most))

    patient = st.sampled_from(PATIENTS)
    states = st.sampled_from(["planned", "open", "closed"])
    return [
        some(
            {
                "organization_id": ORGANIZATION,
                "patient_id": patient,
                "kit_id": st.sampled_from(list(KITS.values())),
                "state": states,
                "scheduled_at": AROUND,
                "closed_at": MAYBE,
            },
            6,
        ),
        draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "home_organization_id": ORGANIZATION,
                        "doctor_organization_id": ORGANIZATION,
                        "valid_from": AROUND,
                        "valid_until": MAYBE,
                    }
                ),
                max_size=4,
                unique_by=lambda row: (row["home_organization_id"], row["doctor_organization_id"]),
            )
        ),
        some(
            {
                "patient_id": patient,
                "organization_id": ORGANIZATION,
                "unit": st.sampled_from(UNITS),
                "covers_until": MAYBE,
                "at": AROUND,
                "lifted_at": MAYBE,
            },
            2,
        ),
        some(
            {
                "patient_id": patient,
                "organization_id": ORGANIZATION,
                "at": AROUND,
                "valid_until": AROUND,
                "withdrawn_at": MAYBE,
            },
            2,
        ),
        some(
            {
                "patient_id": patient,
                "commission_id": st.sampled_from(PEOPLE),
                "at": AROUND,
                "expires_at": AROUND,
                "ended_at": MAYBE,
            },
            2,
        ),
    ]


@pytest.fixture(scope="module")
def store(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("policy")
    copy(sqlite_template, folder / "hub.db")
    made = Database(f"sqlite:///{folder / 'hub.db'}")
    with made.transaction() as session:
        session.add_all(tables.Organization(id=one, name=str(one)) for one in ORGANIZATIONS)
        session.add_all(_patient(one) for one in PATIENTS)
        session.add(tables.Practitioner(id=PATIENT, name="n", title="t"))
        session.flush()
        session.add_all(_kit(unit, kit_id) for unit, kit_id in KITS.items())
        session.add_all(_commission(one) for one in PEOPLE)
    yield made
    made.dispose()


def _patient(patient_id: uuid.UUID) -> tables.PatientRow:
    told = {"name": "n", "personal_id_system": "s", "birth_date": "", "place": "", "own_doctor": ""}
    return tables.PatientRow(id=patient_id, personal_id=patient_id.hex[-12:], **told)


def _kit(unit: str, kit_id: uuid.UUID) -> tables.Kit:
    return tables.Kit(id=kit_id, organization_id=HOME, name=unit, unit=unit, public_key=b"", enrolled_at=NOW)


def _commission(commission_id: uuid.UUID) -> tables.Commission:
    return tables.Commission(id=commission_id, practitioner_id=PATIENT, organization_id=HOME, unit="u", role="doctor")


def _asker(number: int) -> PersonCaller:
    organization, unit, role = [
        (CLINIC, "c", "doctor"),
        (HOME, "u", "doctor"),
        (HOME, "w", "doctor"),
        (HOME, "u", "reviewer"),
    ][number]
    person = Person.model_validate(
        {
            "commission_id": PEOPLE[number],
            "practitioner_id": PATIENT,
            "name": "n",
            "title": "t",
            "role": role,
            "unit": unit,
            "organization": "o",
        }
    )
    ref = {"session_id": PATIENT, "address": "", "request_ref": ""}
    return PersonCaller(person=person, organization_id=organization, **ref)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=stores(), number=st.integers(0, 3))
def test_query_and_policy_name_the_same_visits(store: Database, rows: Any, number: int) -> None:
    visits, agreements, blocks, consents, emergencies = rows
    caller = _asker(number)
    told = {"reason": "", "background": "", "colour": 0}
    with store.transaction() as session:
        made = [tables.VisitRow(id=uuid.uuid4(), **told, **one) for one in visits]
        session.add_all(made)
        session.flush()
        session.add_all(tables.CareAgreement(id=uuid.uuid4(), **one) for one in agreements)
        session.add_all(access_tables.BlockRow(id=uuid.uuid4(), recorded_by="n", **one) for one in blocks)
        if made:
            of = {"visit_id": made[0].id}
            said = {"asked_by": "doctor", "how": "spoken", "recorded_by": "n", "recorded_by_id": PATIENT, **of}
            session.add_all(access_tables.ConsentRow(id=uuid.uuid4(), **said, **one) for one in consents)
            why = {"organization_id": CLINIC, "doctor": "n", "reason": "r", **of}
            session.add_all(access_tables.EmergencyRow(id=uuid.uuid4(), **why, **one) for one in emergencies)
        session.flush()
        readable = {one.id for one in session.scalars(readable_visits(caller, NOW))}
        visible = {one.id for one in session.scalars(visible_visits(caller, NOW))}
        found = {}
        for patient in PATIENTS:
            what = known_of(session, patient)
            found.update({one.id: ground(asker_of(caller), one, what, NOW) for one in what.visits})
        session.rollback()
    assert readable == {one for one, why in found.items() if why not in (None, "blocked")}
    assert visible == {one for one, why in found.items() if why in ("care", "home")}
    assert visible <= readable
