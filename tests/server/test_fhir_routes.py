"""The export over HTTP: the doctor's visit, the medical lead's log, each with its one row; nobody's draft."""

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from tests.server.conftest import A_PHOTO

from carebag_fhir.json_text import decode
from carebag_fhir.read import readings_in
from carebag_server import fhir_exports
from carebag_server.tables import Commission, Organization

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"
PHOTO = A_PHOTO


def fetch(hub: Any, headers: Any, path: str) -> Any:
    answer = hub.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"].startswith("attachment")
    return decode(answer.content)


def of_kind(bundle: Any, kind: str) -> list[Any]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


@pytest.fixture
def hub(small_hub: Any) -> Any:
    """SQLite is enough here: `test_audit_completeness.py` exports from both kinds of store."""
    return small_hub


@pytest.fixture
def filled(hub: Any, doctor: Any, visit: Any) -> str:
    """The address of a visit with readings kept, failed and filed, a sound with its file, a photo without, a note."""
    base = f"/api/visits/{visit['id']}"
    asked = hub.client.post(f"{base}/requests", headers=doctor, json={"kind": "blood_pressure"}).json()
    hub.kit.store("reading", visit, asked["id"], problem="cuff_too_loose", quantities=[])
    kept = hub.kit.store("reading", visit, asked["id"])
    hub.client.post(f"{base}/readings/{kept['id']}/decision", headers=doctor, json={"decision": "kept"})
    tray = hub.kit.store("reading", None, provenance="stored")
    hub.kit.store("reading_filed", visit, reading_id=tray["id"])
    sound = hub.kit.store("sound_recorded", visit)
    hub.kit.request("PUT", f"/api/kit/media/{sound['media_sha256']}", SOUND)
    hub.kit.store("photo_taken", visit)
    hub.client.put(f"{base}/note", headers=doctor, json={"assessment": "UVI", "plan": "Odla urin", "base_version": 0})
    hub.client.post(f"{base}/note/sign", headers=doctor, json={"version": 1})
    hub.client.put(f"{base}/note", headers=doctor, json={"assessment": "", "plan": "utkast", "base_version": 1})
    hub.kit.store("visit_closed", visit)
    return f"{base}/fhir"


def test_the_visit_as_a_file(hub: Any, doctor: Any, filled: str, visit: Any) -> None:
    before = len(hub.actions(visit["id"]))
    bundle = fetch(hub, doctor, filled)
    assert hub.actions(visit["id"])[before:] == ["visit_exported"]
    page = hub.client.get(filled.removesuffix("/fhir"), headers=doctor).json()
    back = [json.loads(one.view.model_dump_json()) for one in readings_in(bundle)]
    assert back == page["readings"]
    assert [plan["description"] for plan in of_kind(bundle, "CarePlan")] == ["Odla urin"]
    assert "utkast" not in str(bundle)


def test_it_names_who_signed_and_for_whom(hub: Any, doctor: Any, filled: str) -> None:
    bundle = fetch(hub, doctor, filled)
    assert {one["name"] for one in of_kind(bundle, "Organization")} == {"Timrå kommun", "Premicare"}
    assert {one["name"][0]["text"] for one in of_kind(bundle, "Practitioner")} == {"Anna Lind", "Elena Ruiz"}
    (note,) = of_kind(bundle, "Composition")
    assert note["author"][0]["display"] == "Elena Ruiz"
    assert "reference" in note["author"][0]
    assert all("reference" not in request["requester"] for request in of_kind(bundle, "ServiceRequest"))


def test_only_commissions_that_may_care_for_the_visit(hub: Any, doctor: Any, filled: str, clock: Any) -> None:
    """What a doctor does elsewhere, or did once, has no place in this patient's record."""
    with hub.database.transaction() as session:
        mine = session.scalars(select(Commission).where(Commission.role == "doctor")).first()
        elsewhere = Organization(id=uuid.uuid4(), name="Annat sjukhus")
        session.add(elsewhere)
        session.flush()
        for organization_id, unit, ended in (
            (elsewhere.id, "Elsewhere", None),
            (mine.organization_id, "Ended", clock()),
            (mine.organization_id, "Also", None),
        ):
            session.add(
                Commission(
                    id=uuid.uuid4(),
                    practitioner_id=mine.practitioner_id,
                    organization_id=organization_id,
                    unit=unit,
                    role="doctor",
                    ended_at=ended,
                )
            )
    bundle = fetch(hub, doctor, filled)
    units = {one["healthcareService"][0]["display"] for one in of_kind(bundle, "PractitionerRole")}
    assert units & {"Elsewhere", "Ended", "Also"} == {"Also"}
    assert "Annat sjukhus" not in str(bundle)
    people = [one["individual"]["display"] for one in of_kind(bundle, "Encounter")[0]["participant"]]
    assert sorted(people) == ["Anna Lind", "Elena Ruiz"]


def test_every_record_is_there_signed_by_this_kit(hub: Any, doctor: Any, filled: str) -> None:
    bundle = fetch(hub, doctor, filled)
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    key = Ed25519PublicKey.from_public_bytes(hub.kit.public_key)
    activities = []
    for one in of_kind(bundle, "Provenance"):
        text = by_url[one["entity"][0]["what"]["reference"]]["data"]
        key.verify(base64.b64decode(one["signature"][0]["data"]), base64.b64decode(text))
        activities.append(one["activity"]["coding"][0]["code"])
    assert activities == [
        "visit_opened",
        "reading",
        "reading",
        "reading",
        "reading_filed",
        "sound_recorded",
        "photo_taken",
        "visit_closed",
    ]


def test_files_inside_when_asked_for(hub: Any, doctor: Any, filled: str, visit: Any) -> None:
    """What the hub does not have stays an address."""
    bundle = fetch(hub, doctor, f"{filled}?media=inside")
    assert [b["contentType"] for b in of_kind(bundle, "Binary") if b["contentType"] != "application/json"] == [
        "audio/wav"
    ]
    sound, photo = (d["content"][0]["attachment"] for d in of_kind(bundle, "DocumentReference"))
    assert (sound["contentType"], photo["url"].startswith("http://localhost:8470/api/media/")) == ("audio/wav", True)
    with_links = fetch(hub, doctor, filled)
    address = of_kind(with_links, "DocumentReference")[0]["content"][0]["attachment"]["url"]
    path = address.removeprefix("http://localhost:8470")
    assert hub.client.get(path).content == SOUND


def test_more_than_a_bundle_carries_is_refused(
    hub: Any, doctor: Any, filled: str, visit: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(fhir_exports, "MOST_MEDIA_BYTES", len(SOUND) - 1)
    before = hub.actions()
    answer = hub.client.get(f"{filled}?media=inside", headers=doctor)
    assert (answer.status_code, answer.json()) == (413, {"code": "too_large"})
    assert hub.actions() == before
    fetch(hub, doctor, filled)
    instead = fetch(hub, doctor, f"{filled}?media=inside_or_links")
    assert "audio/wav" not in str(instead)
    addresses = [d["content"][0]["attachment"]["url"] for d in of_kind(instead, "DocumentReference")]
    assert all(address.endswith("?as=doctor") for address in addresses)
    monkeypatch.undo()
    assert "audio/wav" in str(fetch(hub, doctor, f"{filled}?media=inside_or_links"))


def test_exports_take_turns_and_each_is_whole(hub: Any, doctor: Any, filled: str) -> None:
    once = hub.client.get(f"{filled}?media=inside", headers=doctor).content
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: hub.client.get(f"{filled}?media=inside", headers=doctor), range(4)))
    assert [answer.content for answer in answers] == [once] * 4


def test_the_same_bytes_each_time(hub: Any, doctor: Any, filled: str, clock: Any) -> None:
    once = hub.client.get(f"{filled}?media=inside", headers=doctor).content
    clock.forward(minutes=5)
    assert hub.client.get(f"{filled}?media=inside", headers=doctor).content == once


def test_the_log_as_a_file(hub: Any, filled: str, visit: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    bundle = fetch(hub, reviewer, f"/api/review/visits/{visit['id']}/fhir")
    events = of_kind(bundle, "AuditEvent")
    assert [event["subtype"][0]["code"] for event in events] == hub.actions(visit["id"])
    assert events[-1]["subtype"][0]["code"] == "audit_exported"
    assert not {"Observation", "Composition"} & {entry["resource"]["resourceType"] for entry in bundle["entry"]}


def test_a_browser_can_fetch_it_as_a_link(hub: Any, doctor: Any, filled: str) -> None:
    assert hub.client.get(f"{filled}?as=doctor").status_code == 200
    assert hub.client.get(f"{filled}?as=reviewer").status_code in {401, 403}
    assert hub.client.get(f"{filled}?media=all", headers=doctor).status_code == 422
