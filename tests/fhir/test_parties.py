"""Who took part, and what guests were allowed: by number, never by name; gone when the visit is."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from carebag_fhir.elements import CANONICAL
from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode

Json = dict[str, Any]


@pytest.fixture(scope="module")
def bundle(made_up: Any) -> Json:
    made: Json = decode(encode(visit_bundle(made_up)))
    return made


def resources(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def test_a_name_is_no_proof_of_who_it_was(made_up: Any) -> None:
    """Whoever asked is stored by name: it is said as it is, even where one of that name is in the Bundle."""
    for one in resources(visit_bundle(made_up), "ServiceRequest"):
        assert one["requester"] == {"type": "Practitioner", "display": "Elena Ruiz"}


def test_a_person_takes_part_once_in_however_many_roles(made_up: Any) -> None:
    doctor = made_up.people[0]
    second = doctor.model_copy(update={"commission_id": made_up.provider.id, "unit": "Akuten"})
    nurse = doctor.model_copy(update={"commission_id": made_up.snapshot.visit.kit_id, "role": "nurse"})
    made = visit_bundle(replace(made_up, people=[doctor, second, nurse]))
    (encounter,) = resources(made, "Encounter")
    mine = [one for one in encounter["participant"] if one["individual"].get("display") == doctor.name]
    assert [[role["coding"][0]["code"] for role in one["type"]] for one in mine] == [["doctor", "nurse"]]
    assert len(resources(made, "PractitionerRole")) == 4


def test_two_doctors_of_one_name_do_not_replace_each_other(made_up: Any) -> None:
    doctor, first, second = made_up.people[0], *made_up.snapshot.notes
    namesake = made_up.provider.id
    made = visit_bundle(replace(made_up, note_authors={first.id: doctor.practitioner_id, second.id: namesake}))
    one, other = resources(made, "Composition")
    assert one["author"][0]["reference"] == f"urn:uuid:{doctor.practitioner_id}"
    assert (other["status"], "relatesTo" in other) == ("final", False)
    assert [plan["status"] for plan in resources(made, "CarePlan")] == ["active", "active"]


def test_an_author_who_is_not_in_the_bundle_is_known_by_number(made_up: Any, head_of_visit: Any) -> None:
    first, _ = made_up.snapshot.notes
    number = head_of_visit().kit_id
    made = visit_bundle(replace(made_up, note_authors={first.id: number}))
    one, other = resources(made, "Composition")
    identifier = {"system": f"{CANONICAL}/identifier/practitioner", "value": str(number)}
    assert one["author"] == [{"type": "Practitioner", "identifier": identifier, "display": "Elena Ruiz"}]
    assert other["author"] == [{"type": "Practitioner", "display": "Elena Ruiz"}]
    assert "relatesTo" not in other


def test_consent_for_a_guest_is_an_act_of_the_patient(bundle: Json, made_up: Any) -> None:
    (consent,) = resources(bundle, "Consent")
    guest = made_up.snapshot.guests[0]
    assert consent["provision"]["period"] == {
        "start": guest.invited_at.isoformat(),
        "end": guest.ended_at.isoformat(),
    }
    assert consent["status"] == "inactive"
    assert "data" not in consent["provision"]
    assert [one["coding"][0]["code"] for one in consent["provision"]["action"]] == [
        "presence_in_call",
        "seeing_examination_camera",
    ]
    (other,) = consents(made_up, camera=True, examination=True)
    assert [one["text"] for one in other["provision"]["action"]][2:] == ["listening along"]
    (least,) = consents(made_up, camera=False)
    assert [one["text"] for one in least["provision"]["action"]] == ["presence in call"]


def with_guest(made_up: Any, **changes: Any) -> Json:
    guest = made_up.snapshot.guests[0].model_copy(update=changes)
    return visit_bundle(replace(made_up, snapshot=made_up.snapshot.model_copy(update={"guests": [guest]})))


def consents(made_up: Any, **changes: Any) -> list[Json]:
    return resources(with_guest(made_up, **changes), "Consent")


@pytest.mark.parametrize(
    ("changes", "status", "end"),
    [
        ({"ended_at": None}, "inactive", "2026-11-23T10:00:00+00:00"),
        ({"ended_at": None, "state": "admitted"}, "active", None),
        ({}, "inactive", "2026-11-23T09:49:00+00:00"),
        (
            {"ended_at": None, "admitted_at": datetime.fromisoformat("2026-11-23T10:07:00+00:00")},
            "inactive",
            "2026-11-23T10:07:00+00:00",
        ),
    ],
)
def test_a_guest_is_gone_when_the_visit_is(made_up: Any, changes: Json, status: str, end: str | None) -> None:
    made = with_guest(made_up, **changes)
    (consent,) = resources(made, "Consent")
    guest = resources(made, "Encounter")[0]["participant"][-1]
    assert (consent["status"], consent["provision"]["period"].get("end")) == (status, end)
    assert guest["period"].get("end") == end


def test_a_link_that_lapsed_ends_where_no_visit_was_closed(made_up: Any, head_of_visit: Any) -> None:
    guest = made_up.snapshot.guests[0].model_copy(update={"ended_at": None})
    update = {"guests": [guest], "visit": head_of_visit(closed_at=None)}
    made = visit_bundle(replace(made_up, snapshot=made_up.snapshot.model_copy(update=update)))
    assert resources(made, "Consent")[0]["provision"]["period"]["end"] == guest.link_expires_at.isoformat()


def test_who_never_was_let_in_is_not_in_it(made_up: Any) -> None:
    made = with_guest(made_up, admitted_at=None)
    assert not resources(made, "Consent") + resources(made, "RelatedPerson")
    assert "Karin" not in str(made)
