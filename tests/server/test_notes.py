"""Assessment and plan: the author's own draft, a signed version that never changes, and a new one after it."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from carebag_server.notes import content_sha256
from carebag_server.tables import Commission, NoteRow, Practitioner


def write(hub: Any, doctor: Any, visit: Any, base: int, assessment: str = "UVI", plan: str = "Antibiotika") -> Any:
    body = {"assessment": assessment, "plan": plan, "base_version": base}
    return hub.client.put(f"/api/visits/{visit['id']}/note", headers=doctor, json=body)


def sign(hub: Any, doctor: Any, visit: Any, version: int) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/note/sign", headers=doctor, json={"version": version})


def notes(hub: Any, doctor: Any, visit: Any) -> Any:
    return hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["notes"]


def test_a_draft_is_written_again_and_again(hub: Any, doctor: Any, visit: Any) -> None:
    first = write(hub, doctor, visit, 0, plan="").json()
    second = write(hub, doctor, visit, 1).json()
    assert (first["version"], second["version"], first["id"]) == (1, 2, second["id"])
    assert notes(hub, doctor, visit) == [second]


@pytest.mark.parametrize("base", [0, 2, -1, 10**30])
def test_another_tab_wrote_meanwhile(hub: Any, doctor: Any, visit: Any, base: int) -> None:
    write(hub, doctor, visit, 0)
    answer = write(hub, doctor, visit, base, plan="other")
    assert (answer.status_code, answer.json()) == (409, {"code": "changed_meanwhile"})
    assert sign(hub, doctor, visit, base).json() == {"code": "changed_meanwhile"}
    assert notes(hub, doctor, visit)[0]["plan"] == "Antibiotika"


def test_the_kit_sees_signed_notes_only(hub: Any, doctor: Any, visit: Any) -> None:
    def seen() -> Any:
        return hub.kit.request("GET", "/api/kit/visits").json()[0]["notes"]

    write(hub, doctor, visit, 0)
    assert seen() == []
    signed = sign(hub, doctor, visit, 1).json()
    assert seen() == [signed]
    assert (signed["state"], signed["signed_at"], signed["author"]) == ("signed", "2026-11-23T09:30:00Z", "Elena Ruiz")


def test_the_signature_is_bound_to_the_content(hub: Any, doctor: Any, visit: Any) -> None:
    write(hub, doctor, visit, 0)
    signed = sign(hub, doctor, visit, 1).json()
    with hub.database.reading() as session:
        row = session.scalars(select(NoteRow)).one()
        assert content_sha256(row) == signed["sha256"]
        row.plan += " "
        assert content_sha256(row) != signed["sha256"]
    assert any(signed["sha256"] in event["object"] for event in events(hub, visit) if event["action"] == "note_signed")


def events(hub: Any, visit: Any) -> Any:
    reviewer = hub.sign_in("reviewer")
    return hub.client.get(f"/api/review/visits/{visit['id']}/events", headers=reviewer).json()


@pytest.mark.parametrize(("assessment", "plan"), [("", ""), (" \n", "\t")])
def test_an_empty_note_is_not_signed(hub: Any, doctor: Any, visit: Any, assessment: str, plan: str) -> None:
    write(hub, doctor, visit, 0, assessment, plan)
    answer = sign(hub, doctor, visit, 1)
    assert (answer.status_code, answer.json()) == (409, {"code": "note_empty"})


def test_nothing_to_sign(hub: Any, doctor: Any, visit: Any) -> None:
    assert sign(hub, doctor, visit, 0).json() == {"code": "nothing_to_sign"}


def test_a_signed_version_stays_and_a_new_one_is_begun(hub: Any, doctor: Any, visit: Any) -> None:
    write(hub, doctor, visit, 0)
    signed = sign(hub, doctor, visit, 1).json()
    assert sign(hub, doctor, visit, 1).json() == {"code": "nothing_to_sign"}
    new = write(hub, doctor, visit, 1, plan="Remiss").json()
    assert (new["version"], new["state"]) == (2, "draft")
    assert new["id"] != signed["id"]
    assert notes(hub, doctor, visit) == [signed, new]


@pytest.mark.parametrize("statement", ["UPDATE note_version SET plan = 'x'", "DELETE FROM note_version"])
def test_the_store_refuses_to_change_a_signed_version(hub: Any, doctor: Any, visit: Any, statement: str) -> None:
    write(hub, doctor, visit, 0)
    sign(hub, doctor, visit, 1)
    with pytest.raises(DatabaseError, match="append_only"), hub.database.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_draft_is_its_authors_own(hub: Any, doctor: Any, visit: Any) -> None:
    write(hub, doctor, visit, 0)
    colleague = sign_in_colleague(hub)
    assert notes(hub, colleague, visit) == []
    own = write(hub, colleague, visit, 0, plan="mine").json()
    assert notes(hub, colleague, visit) == [own]


def sign_in_colleague(hub: Any) -> dict[str, str]:
    """A second doctor of the same organisation takes the slot."""
    import uuid

    from carebag_server.sessions import issue_link

    with hub.database.transaction() as session:
        ruiz = session.scalars(select(Commission).where(Commission.role == "doctor")).one()
        someone = Practitioner(id=uuid.uuid4(), name="Pau Ferrer", title="läkare")
        session.add(someone)
        session.flush()
        commission = Commission(
            id=uuid.uuid4(),
            practitioner_id=someone.id,
            organization_id=ruiz.organization_id,
            unit=ruiz.unit,
            role="doctor",
        )
        session.add(commission)
        session.flush()
        token = issue_link(session, commission.id, hub.clock())
    headers = {"Origin": "http://localhost:8470", "X-Carebag-As": "doctor"}
    assert hub.client.post("/api/session/link", json={"token": token}, headers=headers).status_code == 200
    return headers
