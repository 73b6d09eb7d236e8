"""Earlier recordings of the same patient: by point, only where the doctor may see the visit, and each visit logged."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from carebag_server.demo_data import demo_id
from carebag_server.tables import Organization, VisitRow

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"


@pytest.fixture
def visit(hub: Any, doctor: Any, visit: Any) -> Any:
    """Of a patient who lets the doctor read what others documented; without that, see `test_earlier_access.py`."""
    hub.consent(doctor, visit)
    return visit


@contextmanager
def not_over(hub: Any, visit: Any) -> Iterator[None]:
    """While the doctor is called to it: what is done in a visit is done then."""
    for state in ("open", "closed"):
        with hub.database.transaction() as session:
            session.get_one(VisitRow, uuid.UUID(visit["id"])).state = state
        if state == "open":
            yield


def visit_before(hub: Any, of: Any, days: int = 7, **changes: Any) -> Any:
    """A visit of the same patient some days ago, with a recording at the apex that the hub has."""
    with hub.database.transaction() as session:
        row = session.get_one(VisitRow, uuid.UUID(of["id"]))
        before = VisitRow(
            id=uuid.uuid4(),
            organization_id=changes.get("organization_id", row.organization_id),
            patient_id=changes.get("patient_id", row.patient_id),
            kit_id=row.kit_id,
            nurse_commission_id=row.nurse_commission_id,
            scheduled_at=hub.clock() - timedelta(days=days),
            reason="",
            background="",
            colour=1,
            state=changes.get("state", "closed"),
        )
        session.add(before)
        return {"id": str(before.id), "patient": {"id": str(before.patient_id)}}


def record(hub: Any, visit: Any, **more: Any) -> Any:
    hub.kit.request("PUT", f"/api/kit/media/{hashlib.sha256(SOUND).hexdigest()}", SOUND)
    return hub.kit.store("sound_recorded", visit, **more)


def earlier(hub: Any, doctor: Any, visit: Any, query: str = "?point=mitral") -> Any:
    return hub.client.get(f"/api/visits/{visit['id']}/sounds/earlier{query}", headers=doctor)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["sound"]["sound"]["id"] for one in answer.json()]


def test_the_same_point_newest_first_with_its_marks(hub: Any, doctor: Any, visit: Any) -> None:
    last, before_that = visit_before(hub, visit, 7), visit_before(hub, visit, 14)
    old = record(hub, before_that, stream=7)
    new = record(hub, last, stream=9, sound_marks=[[100, "S1"], [1500, "S2"]])
    record(hub, last, stream=10, circumstances={"point": "aortic"})
    made = {"stream": 9, "sample": 2, "rate_hz": 4000, "kind": "listen"}
    with not_over(hub, last):
        assert hub.client.post(f"/api/visits/{last['id']}/marks", headers=doctor, json=made).status_code == 201
    answer = earlier(hub, doctor, visit)
    assert ids(answer) == [new["id"], old["id"]]
    first = answer.json()[0]
    assert first["visit_id"] == last["id"]
    assert [mark["sample"] for mark in first["marks"]] == [2]
    assert first["sound"]["sound"]["sound_marks"] == [[100, "S1"], [1500, "S2"]]
    assert answer.json()[1]["marks"] == []


def test_every_visit_shown_is_logged_as_read(hub: Any, doctor: Any, visit: Any) -> None:
    last, silent = visit_before(hub, visit, 7), visit_before(hub, visit, 8)
    record(hub, last)
    record(hub, silent, circumstances={"point": "aortic"})
    assert len(ids(earlier(hub, doctor, visit))) == 1
    assert hub.actions(last["id"])[-1] == "earlier_sounds_listed"
    assert "earlier_sounds_listed" not in hub.actions(silent["id"])
    fetched = hub.client.get(f"/api/media/{last['id']}/{hashlib.sha256(SOUND).hexdigest()}?as=doctor")
    assert (fetched.status_code, fetched.content) == (200, SOUND)
    assert hub.actions(last["id"])[-1] == "media_read"


def test_not_of_this_visit_not_rejected_not_without_its_file(hub: Any, doctor: Any, visit: Any) -> None:
    last = visit_before(hub, visit)
    record(hub, visit)
    rejected = record(hub, last)
    said = {"decision": "rejected", "reason": "another patient"}
    path = f"/api/visits/{last['id']}/sounds/{rejected['id']}/decision"
    assert len(ids(earlier(hub, doctor, visit))) == 1
    with not_over(hub, last):
        assert hub.client.post(path, headers=doctor, json=said).status_code == 200
    hub.kit.store("sound_recorded", last, media_sha256="0" * 64)
    assert ids(earlier(hub, doctor, visit)) == []


def test_not_of_another_patient(hub: Any, doctor: Any, visit: Any) -> None:
    other = hub.visits()[1]
    last = visit_before(hub, visit, patient_id=uuid.UUID(other["patient"]["id"]))
    record(hub, last)
    hub.consent(doctor, other)
    assert ids(earlier(hub, doctor, visit)) == []
    assert len(ids(earlier(hub, doctor, other))) == 1


def test_not_from_where_there_is_no_agreement(hub: Any, doctor: Any, visit: Any) -> None:
    """The same patient was seen by another municipality: that visit is not this doctor's."""
    with hub.database.transaction() as session:
        session.add(Organization(id=demo_id("Elsewhere"), name="Elsewhere"))
    last = visit_before(hub, visit, organization_id=demo_id("Elsewhere"))
    record(hub, last)
    assert ids(earlier(hub, doctor, visit)) == []
    assert "earlier_sounds_listed" not in hub.actions(last["id"])
    assert earlier(hub, doctor, last).status_code == 404


@pytest.mark.parametrize(("query", "found"), [("", 1), ("?point=mitral", 0)])
def test_a_sound_of_no_named_point_is_compared_with_its_like(
    hub: Any, doctor: Any, visit: Any, query: str, found: int
) -> None:
    record(hub, visit_before(hub, visit), circumstances={})
    assert len(ids(earlier(hub, doctor, visit, query))) == found


def test_no_such_point(hub: Any, doctor: Any, visit: Any) -> None:
    assert earlier(hub, doctor, visit, "?point=elbow").status_code == 422
