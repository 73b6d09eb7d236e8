"""The medical lead's workbench on the hub: the planted access is found, judged and minuted, and each step is logged."""

import base64
import csv
import hashlib
import io
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import fhirkit
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from carebag_server import review_log
from carebag_server.audit import Act, Actor, append_all, verify_database
from carebag_server.audit_csv import HEADERS, csv_of
from carebag_server.audit_note import NoteKey
from carebag_server.demo_data import demo_id, ensure_demo
from carebag_server.demo_history import JONAS, MARIA, VISITS, ensure_history, planted_night
from carebag_server.protection import protect
from carebag_server.review_proof import UNSIGNED_ORIGIN
from carebag_server.tables import AuditRow, CareAgreement, Commission, Organization, VisitRow
from carebag_wire.api import AuditEvent
from carebag_wire.records import record_adapter


@pytest.fixture
def past(hub: Any, clock: Any) -> Any:
    """The hub with two weeks behind it; it is a Wednesday."""
    clock.forward(days=2)
    ensure_demo(hub.url, hub.kit.kit_id, hub.kit.public_key, clock())
    ensure_history(hub.url, clock())
    return hub


@pytest.fixture
def karin(past: Any) -> dict[str, str]:
    return dict(past.sign_in("reviewer"))


WEEK, BEFORE = "2026-11-16", "2026-11-09"


def get(hub: Any, headers: Any, path: str) -> Any:
    answer = hub.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(hub: Any, headers: Any, path: str, body: Any) -> Any:
    return hub.client.post(path, headers=headers, json=body)


def draw(hub: Any, headers: Any, random: int = 3, risk: int = 20) -> Any:
    answer = post(hub, headers, f"/api/review/weeks/{WEEK}/sample", {"random": random, "risk": risk})
    assert answer.status_code == 201, answer.text
    return answer.json()


def planted(plan: Any) -> Any:
    return next(one["access"] for one in plan["sample"]["drawn"] if one["access"]["practitioner"] == JONAS)


def codes(reasons: Any) -> list[str]:
    return [reason["code"] for reason in reasons]


def test_the_log_of_the_past_is_whole_and_written_once(past: Any, clock: Any) -> None:
    check = verify_database(past.url)
    assert (check.intact, check.events > 60) == (True, True)
    clock.forward(days=1)
    ensure_history(past.url, clock())
    assert verify_database(past.url).events == check.events
    assert planted_night(clock()).isoformat() == "2026-11-18"


def test_the_past_ends_before_this_week(past: Any, clock: Any) -> None:
    with past.database.reading() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.seq)).all()
        records = session.execute(text("SELECT payload FROM record")).scalars().all()
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert all(row.at < clock() - timedelta(days=2) for row in rows)
    for payload in records:
        record_adapter.validate_json(payload)


def test_nothing_of_the_past_is_put_behind_a_log_that_has_begun(hub: Any) -> None:
    hub.sign_in("doctor")
    before = hub.actions()
    ensure_history(hub.url, hub.clock())
    assert hub.actions() == before


def test_the_doors_are_the_same_people(past: Any) -> None:
    doors = past.client.get("/api/demo/doors").json()
    assert [door["person"] for door in doors] == ["Anna Lind", "Elena Ruiz", "Karin Berg", "Lars Åström"]


def test_a_week_before_and_after_it_is_drawn(past: Any, karin: Any) -> None:
    plan = get(past, karin, f"/api/review/weeks/{WEEK}")
    assert (plan["sample"], plan["minutes"], plan["emergency"]) == (None, None, 1)
    assert plan["accesses"] >= len(VISITS) - 2
    drawn = draw(past, karin)
    hows = [one["how"] for one in drawn["sample"]["drawn"]]
    assert (hows.count("emergency"), hows.count("random")) == (1, 3)
    assert hows.count("risk") == plan["weighing"] - 1
    again = get(past, karin, f"/api/review/weeks/{WEEK}")
    assert again["sample"] == drawn["sample"]
    assert past.actions()[-3:] == ["sample_read", "sample_drawn", "sample_read"]


def test_all_emergencies_are_drawn_even_when_nothing_else_is(past: Any, karin: Any) -> None:
    drawn = draw(past, karin, 0, 0)["sample"]["drawn"]
    assert [(one["how"], codes(one["access"]["reasons"])[0]) for one in drawn] == [("emergency", "emergency")]


def test_the_planted_access_weighs_most_after_the_emergency(past: Any, karin: Any) -> None:
    access = planted(draw(past, karin))
    assert codes(access["reasons"]) == ["no_relation", "late", "night"]
    assert next(reason["n"] for reason in access["reasons"] if reason["code"] == "late") == 5
    assert (access["relation"], access["rows"], access["patient"]["name"]) == ("none", 3, "Gun Testdotter")
    assert codes(access["why"]) == ["after_close", "agreement"]


def test_who_took_part_has_a_reason_in_the_visit(past: Any, karin: Any) -> None:
    plan = draw(past, karin, 40)
    by_person = {one["access"]["practitioner"]: one["access"] for one in plan["sample"]["drawn"]}
    maria = by_person["Maria Testsson"]
    assert (maria["relation"], codes(maria["why"]), codes(maria["reasons"])) == (
        "treated",
        ["opened_visit"],
        ["same_surname"],
    )
    elena = [one["access"] for one in plan["sample"]["drawn"] if one["access"]["practitioner"] == "Elena Ruiz"]
    treated = [access for access in elena if access["relation"] == "treated"]
    assert any({"joined", "asked", "decided", "signed"} <= set(codes(access["why"])) for access in treated)


def test_without_an_agreement_it_says_so(past: Any, karin: Any) -> None:
    with past.database.transaction() as session:
        session.execute(update(CareAgreement).values(valid_from=past.clock() - timedelta(days=1)))
    assert "no_agreement" in codes(planted(draw(past, karin))["why"])


@pytest.mark.parametrize(
    ("week", "status", "code"),
    [
        (WEEK, 409, "already_drawn"),
        ("2026-11-23", 409, "week_not_over"),
        ("2026-01-05", 409, "nothing_to_draw"),
        ("2026-11-17", 422, "bad_day"),
        ("2026-13-45", 422, "bad_day"),
        ("1999-01-04", 422, "bad_day"),
    ],
)
def test_what_is_not_drawn(past: Any, karin: Any, week: str, status: int, code: str) -> None:
    draw(past, karin)
    answer = post(past, karin, f"/api/review/weeks/{week}/sample", {"random": 1, "risk": 1})
    assert (answer.status_code, answer.json()) == (status, {"code": code})


def test_judged_and_minuted_once_and_for_good(past: Any, karin: Any) -> None:
    plan = draw(past, karin)
    week = f"/api/review/weeks/{WEEK}"
    assert post(past, karin, f"{week}/minutes", {"words": "v"}).json() == {"code": "not_all_judged"}
    improper = planted(plan)["seq"]
    for one in plan["sample"]["drawn"]:
        seq = one["access"]["seq"]
        said = {"verdict": "improper", "words": "Granne, ingen vård"} if seq == improper else {"verdict": "in_order"}
        assert post(past, karin, f"/api/review/accesses/{seq}/judgements", said).status_code == 201
    signed = post(past, karin, f"{week}/minutes", {"words": "Ett fynd anmält."}).json()["minutes"]
    assert (signed["whole"], signed["body"]["log_intact"], signed["body"]["words"]) == (True, True, "Ett fynd anmält.")
    assert [line["verdict"] for line in signed["body"]["found"]].count("improper") == 1
    assert post(past, karin, f"{week}/minutes", {"words": ""}).json() == {"code": "already_signed"}
    assert get(past, karin, week)["minutes"] == signed
    assert verify_database(past.url).intact
    for statement in (
        "UPDATE review_minutes SET body = 'x'",
        "DELETE FROM review_judgement",
        "DELETE FROM review_sampled",
    ):
        with pytest.raises(DatabaseError, match="append_only"), past.database.engine.begin() as connection:
            connection.execute(text(statement))


def judged(hub: Any, headers: Any, plan: Any) -> str:
    """All of the sample in order; the week's path."""
    for one in plan["sample"]["drawn"]:
        said = post(hub, headers, f"/api/review/accesses/{one['access']['seq']}/judgements", {"verdict": "in_order"})
        assert said.status_code == 201
    return f"/api/review/weeks/{WEEK}/minutes"


def test_the_minutes_say_what_was_judged(past: Any, karin: Any) -> None:
    """Period, visit and person in the signed text; the patient's name beside it, so that it can be hidden later."""
    plan = draw(past, karin, 0, 2)
    path = judged(past, karin, plan)
    minutes = post(past, karin, path, {}).json()["minutes"]
    body = minutes["body"]
    assert (body["monday"], body["until"], body["version"], body["corrects"]) == (WEEK, "2026-11-22", 1, None)
    for line, one in zip(body["found"], plan["sample"]["drawn"], strict=True):
        access = one["access"]
        assert (line["at"], line["role"], line["patient_id"]) == (access["at"], access["role"], access["patient"]["id"])
        with past.database.reading() as session:
            visit = session.get_one(VisitRow, uuid.UUID(access["visit_id"]))
            assert line["visit_at"] == visit.scheduled_at.isoformat().replace("+00:00", "Z")
    names = {one["id"]: one["name"] for one in minutes["patients"]}
    assert names == {
        one["access"]["patient"]["id"]: one["access"]["patient"]["name"] for one in plan["sample"]["drawn"]
    }
    assert not any(name in json.dumps(body, ensure_ascii=False) for name in names.values())
    hidden = next(iter(names))
    with past.database.transaction() as session:
        protect(session, OPERATOR, uuid.UUID(hidden), "sekretessmarkering", past.clock())
    now = {one["id"]: one["name"] for one in get(past, karin, f"/api/review/weeks/{WEEK}")["minutes"]["patients"]}
    assert now == names | {hidden: ""}


def test_a_question_that_waits_is_signed_over_only_when_that_is_said(past: Any, karin: Any) -> None:
    plan = draw(past, karin, 0, 0)
    path = judged(past, karin, plan)
    post(past, karin, f"/api/review/accesses/{elenas(plan)['seq']}/questions", {"text": "?"})
    before = past.actions()
    assert post(past, karin, path, {"words": "v"}).json() == {"code": "answers_missing"}
    assert past.actions() == before
    body = post(past, karin, path, {"words": "v", "without_answers": True}).json()["minutes"]["body"]
    assert (body["unanswered"], body["found"][0]["questions"], body["found"][0]["answered"]) == (1, 1, 0)


def test_minutes_are_corrected_by_a_new_version(past: Any, karin: Any) -> None:
    path = judged(past, karin, plan := draw(past, karin, 0, 0))
    assert post(past, karin, path, {"correction": "x"}).json() == {"code": "not_signed_yet"}
    first = post(past, karin, path, {"words": "v"}).json()["minutes"]
    assert post(past, karin, path, {"words": "v", "correction": "  "}).json() == {"code": "already_signed"}
    seq = plan["sample"]["drawn"][0]["access"]["seq"]
    past.clock.forward(seconds=1)
    post(past, karin, f"/api/review/accesses/{seq}/judgements", {"verdict": "follow_up", "words": "Svaret kom sedan"})
    for number in (2, 3):
        answer = post(past, karin, path, {"words": "nytt", "correction": f"Svar kom {number}"})
        assert answer.status_code == 201, answer.text
    week = get(past, karin, f"/api/review/weeks/{WEEK}")
    newest, second, oldest = week["minutes"], *week["earlier_minutes"]
    assert [one["body"]["version"] for one in (newest, second, oldest)] == [3, 2, 1]
    assert (oldest, second["body"]["corrects"], newest["body"]["corrects"]) == (
        first,
        first["sha256"],
        second["sha256"],
    )
    assert (second["body"]["correction"], second["body"]["found"][0]["verdict"]) == ("Svar kom 2", "follow_up")
    assert oldest["body"]["found"][0]["verdict"] == "in_order"
    assert all(one["whole"] for one in (newest, second, oldest))
    with past.database.reading() as session:
        rows = session.scalars(select(AuditRow.object).where(AuditRow.action == "minutes_signed")).all()
    assert [row.split()[-1] for row in rows] == [one["sha256"] for one in (oldest, second, newest)]
    for statement in ("UPDATE review_minutes_correction SET body = 'x'", "DELETE FROM review_minutes_correction"):
        with pytest.raises(DatabaseError, match="append_only"), past.database.engine.begin() as connection:
            connection.execute(text(statement))


def test_minutes_of_before_are_read(past: Any, karin: Any) -> None:
    """Signed when the text had less in it: it stays whole, word for word."""
    path = judged(past, karin, draw(past, karin, 0, 0))
    signed = post(past, karin, path, {"words": "v"}).json()["minutes"]
    body = {key: value for key, value in signed["body"].items() if key not in NEW_IN_BODY}
    body["found"] = [{key: value for key, value in one.items() if key not in NEW_IN_LINE} for one in body["found"]]
    old = json.dumps(body, ensure_ascii=False)
    digest = hashlib.sha256(old.encode()).hexdigest()
    with past.database.engine.begin() as connection:
        on = " ON review_minutes" if past.database.engine.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER review_minutes_update{on}")
        connection.execute(text("UPDATE review_minutes SET body = :b, sha256 = :s").bindparams(b=old, s=digest))
    read = get(past, karin, f"/api/review/weeks/{WEEK}")["minutes"]
    assert (read["whole"], read["patients"], read["body"]["until"], read["body"]["version"]) == (True, [], None, 1)


NEW_IN_BODY = {"until", "unanswered", "version", "corrects", "correction"}
NEW_IN_LINE = {"role", "organization", "at", "visit_at", "patient_id"}


def test_minutes_need_a_sample(past: Any, karin: Any) -> None:
    answer = post(past, karin, f"/api/review/weeks/{BEFORE}/minutes", {"words": ""})
    assert (answer.status_code, answer.json()) == (409, {"code": "nothing_drawn"})


def test_changed_minutes_show(past: Any, karin: Any) -> None:
    for one in draw(past, karin, 0, 0)["sample"]["drawn"]:
        post(past, karin, f"/api/review/accesses/{one['access']['seq']}/judgements", {"verdict": "in_order"})
    post(past, karin, f"/api/review/weeks/{WEEK}/minutes", {"words": "som det var"})
    with past.database.engine.begin() as connection:
        on = " ON review_minutes" if past.database.engine.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER review_minutes_update{on}")
        connection.exec_driver_sql("UPDATE review_minutes SET body = replace(body, 'som det var', 'som det blev')")
    assert get(past, karin, f"/api/review/weeks/{WEEK}")["minutes"]["whole"] is False


def test_a_finding_says_why(past: Any, karin: Any) -> None:
    seq = planted(draw(past, karin))["seq"]
    path = f"/api/review/accesses/{seq}/judgements"
    assert post(past, karin, path, {"verdict": "improper", "words": "  "}).json() == {"code": "words_needed"}
    post(past, karin, path, {"verdict": "follow_up", "words": "Fråga först"})
    past.clock.forward(seconds=1)
    seen = post(past, karin, path, {"verdict": "improper", "words": "Granne"}).json()
    assert [one["verdict"] for one in seen["judgements"]] == ["follow_up", "improper"]


def elenas(plan: Any) -> Any:
    return next(
        one["access"]
        for one in plan["sample"]["drawn"]
        if one["how"] == "emergency" and one["access"]["practitioner"] == "Elena Ruiz"
    )


def test_a_question_and_its_answer(past: Any, karin: Any) -> None:
    access = elenas(draw(past, karin))
    elena = past.sign_in("doctor")
    assert get(past, elena, "/api/questions") == []
    asked = post(past, karin, f"/api/review/accesses/{access['seq']}/questions", {"text": "Varför nödåtkomst?"})
    assert asked.status_code == 201
    [mine] = get(past, elena, "/api/questions")
    assert (mine["text"], mine["patient"]["name"], mine["asked_by"]) == (
        "Varför nödåtkomst?",
        "Lina Testdahl",
        "Karin Berg",
    )
    path = f"/api/questions/{mine['id']}/answer"
    past.clock.forward(minutes=5)
    assert post(past, elena, path, {"text": "Yrsel igen, kunde inte svara"}).status_code == 200
    assert post(past, elena, path, {"text": "annat"}).json() == {"code": "already_answered"}
    assert get(past, elena, "/api/questions") == []
    [kept] = get(past, karin, "/api/review/questions")
    assert kept["answer"] == "Yrsel igen, kunde inte svara"
    this_week = get(past, karin, "/api/review/quality")[0]
    assert this_week["reply"] == {"median_s": 300.0, "n": 1}
    wanted = ["question_asked", "questions_listed", "question_answered", "questions_listed", "quality_read"]
    assert [action for action in past.actions() if action in wanted][-5:] == wanted


def test_a_question_to_another_is_not_there(past: Any, karin: Any) -> None:
    access = elenas(draw(past, karin))
    elena = past.sign_in("doctor")
    post(past, karin, f"/api/review/accesses/{access['seq']}/questions", {"text": "?"})
    [mine] = get(past, elena, "/api/questions")
    with past.database.transaction() as session:
        session.execute(
            text("UPDATE review_question SET to_id = :other").bindparams(other=_stored(past, demo_id(JONAS)))
        )
    assert get(past, elena, "/api/questions") == []
    answers = [post(past, elena, f"/api/questions/{one}/answer", {"text": "x"}) for one in (mine["id"], uuid.uuid4())]
    assert [(one.status_code, one.content) for one in answers] == [(404, b'{"code":"not_found"}')] * 2


def _stored(hub: Any, one: uuid.UUID) -> Any:
    return one if hub.database.engine.dialect.name == "postgresql" else one.hex


def test_who_left_cannot_be_asked(past: Any, karin: Any) -> None:
    answer = ask(past, karin, draw(past, karin, 40), JONAS)
    assert (answer.status_code, answer.json()) == (409, {"code": "person_not_reachable"})


def ask(hub: Any, headers: Any, plan: Any, name: str, words: str = "Varför?") -> Any:
    seq = next(one["access"]["seq"] for one in plan["sample"]["drawn"] if one["access"]["practitioner"] == name)
    return post(hub, headers, f"/api/review/accesses/{seq}/questions", {"text": words})


def by_kit(hub: Any, path: str, nurse: str = "Anna Lind", **said: Any) -> Any:
    body = json.dumps({"nurse_id": str(demo_id(nurse)), **said}).encode()
    return hub.kit.request("POST", f"/api/kit/questions{path}", body)


def test_a_nurse_is_asked_and_answers_at_her_kit(past: Any, karin: Any) -> None:
    plan = draw(past, karin, 40)
    assert by_kit(past, "/waiting").json()["ids"] == []
    assert by_kit(past, "").json() == []
    before = past.actions()
    asked = ask(past, karin, plan, "Anna Lind", "Vad gjorde du där?")
    assert asked.status_code == 201, asked.text
    assert by_kit(past, "/waiting").json()["ids"] == [asked.json()["questions"][0]["id"]]
    [mine] = by_kit(past, "").json()
    assert (mine["text"], mine["asked_by"], mine["answered_at"]) == ("Vad gjorde du där?", "Karin Berg", None)
    path = f"/{mine['id']}/answer"
    answered = [by_kit(past, path, text=words) for words in ("Besök", " Besök ", "Annat")]
    assert [one.status_code for one in answered] == [200, 200, 409]
    assert answered[0].json() == answered[1].json()
    assert get(past, karin, "/api/review/questions")[0]["answer"] == "Besök"
    assert by_kit(past, "/waiting").json()["ids"] == []
    told = ["question_asked", "questions_listed", "question_answered", "questions_listed", "questions_listed"]
    assert past.actions()[len(before) :] == told
    with past.database.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "question_answered")).one()
    assert (row.practitioner, row.role) == ("Anna Lind · Väska 1", "nurse")


def test_a_nurses_question_is_nobody_elses(past: Any, karin: Any) -> None:
    ask(past, karin, draw(past, karin, 40), "Anna Lind")
    [mine] = by_kit(past, "").json()
    path = f"/{mine['id']}/answer"
    with past.database.transaction() as session:
        session.execute(update(Commission).where(Commission.practitioner_id == demo_id(MARIA)).values(ended_at=None))
    assert by_kit(past, path, MARIA, text="x").json() == {"code": "not_found"}
    assert by_kit(past, "", MARIA).json() == []
    assert by_kit(past, "", "Elena Ruiz").json() == {"code": "no_commission"}
    assert post(past, past.sign_in("doctor"), f"/api/questions/{mine['id']}/answer", {"text": "x"}).status_code == 404
    with past.database.transaction() as session:
        session.execute(update(Commission).where(Commission.role == "nurse").values(ended_at=past.clock()))
    for path in ("", "/waiting"):
        assert by_kit(past, path).json() == {"code": "no_commission"}


OPERATOR = Actor(
    practitioner="Maj", role="operator", care_unit="u", organization="o", purpose="p", origin="o", request_ref="r"
)


def test_a_question_about_a_protected_patient_names_nobody(past: Any, karin: Any) -> None:
    access = elenas(draw(past, karin))
    post(past, karin, f"/api/review/accesses/{access['seq']}/questions", {"text": "?"})
    with past.database.transaction() as session:
        protect(session, OPERATOR, uuid.UUID(access["patient"]["id"]), "turvakielto", past.clock())
    for headers, path in ((past.sign_in("doctor"), "/api/questions"), (karin, "/api/review/questions")):
        [mine] = get(past, headers, path)
        assert (mine["patient"]["id"], mine["patient"]["name"]) == (access["patient"]["id"], "")


def test_an_access_is_read_by_any_of_its_rows(past: Any, karin: Any) -> None:
    seq = planted(draw(past, karin))["seq"]
    views = [get(past, karin, f"/api/review/accesses/{one}") for one in (seq, seq + 1, seq + 2)]
    assert {view["access"]["seq"] for view in views} == {seq}
    assert [event["action"] for event in views[0]["events"]] == ["visit_read", "visit_read", "visit_exported"]


def test_another_organisations_medical_lead_sees_nothing(past: Any, karin: Any) -> None:
    seq = planted(draw(past, karin))["seq"]
    with past.database.transaction() as session:
        elsewhere = Organization(id=uuid.uuid4(), name="Sundsvalls kommun")
        session.add(elsewhere)
        session.flush()
        session.execute(update(Commission).where(Commission.role == "reviewer").values(organization_id=elsewhere.id))
        patient = session.scalars(select(VisitRow.patient_id)).first()
    for path in (f"/api/review/accesses/{seq}", f"/api/review/patients/{patient}/accesses"):
        answer = past.client.get(path, headers=karin)
        assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})
    plan = get(past, karin, f"/api/review/weeks/{WEEK}")
    assert (plan["accesses"], plan["sample"]) == (0, None)
    page = post(past, karin, "/api/review/log", {"day": "2026-11-18"}).json()
    assert (page["events"], page["people"], page["patients"]) == ([], [], [])
    assert get(past, karin, "/api/review/visits/earlier") == []
    assert get(past, karin, "/api/review/questions") == []


def test_a_day_with_rows_that_belong_to_no_visit(past: Any, karin: Any) -> None:
    page = post(past, karin, "/api/review/log", {"day": "2026-11-18"}).json()
    assert [event["action"] for event in page["events"]] == ["visit_read", "visit_read", "visit_exported"]
    page = post(past, karin, "/api/review/log", {"day": "2026-11-20"}).json()
    actions = {event["action"] for event in page["events"]}
    assert {"signed_in", "visits_listed", "audit_verified"} <= actions
    assert [one["name"] for one in page["patients"]] == ["Jan Testlund"]
    own = post(past, karin, "/api/review/log", {"day": "2026-11-25"}).json()
    assert [event["action"] for event in own["events"]] == ["signed_in", "log_read", "log_read", "log_read"]


def test_signing_in_of_another_organisation_is_not_within_reach(past: Any, karin: Any) -> None:
    page = post(past, karin, "/api/review/log", {"day": "2026-11-18"}).json()
    assert "signed_in" not in {event["action"] for event in page["events"]}


def test_a_long_day_comes_in_pages(past: Any, karin: Any, monkeypatch: Any) -> None:
    visit = past.visits()[0]
    actor = Actor(practitioner="Elena Ruiz", role="doctor", care_unit="u", organization="Premicare", purpose="care",
                  origin="x", request_ref="y")  # fmt: skip
    ids = {"patient_id": uuid.UUID(visit["patient"]["id"]), "visit_id": uuid.UUID(visit["id"])}
    with past.database.transaction() as session:
        append_all(
            session, [(actor, Act(action="media_read", object=f"m {n}", **ids)) for n in range(450)], past.clock()
        )
    found, after, pages = [], 0, 0
    while after is not None:
        body = {"day": "2026-11-25", "who": "Elena Ruiz", "kind": "reads", "after": after}
        page = post(past, karin, "/api/review/log", body).json()
        found += page["events"]
        after, pages = page["next"], pages + 1
        assert page["total"] == 450
    assert (len(found), pages) == (450, 3)
    assert len({event["seq"] for event in found}) == 450


def test_kinds_of_rows_cover_the_day(past: Any, karin: Any) -> None:
    day = {"day": "2026-11-16"}
    whole = post(past, karin, "/api/review/log", day).json()
    parts = {
        kind: post(past, karin, "/api/review/log", {**day, "kind": kind}).json() for kind in ("reads", "acts", "signs")
    }
    assert sum(part["total"] for part in parts.values()) == whole["total"]
    for kind, part in parts.items():
        assert {review_log.kind_of(event["action"]) for event in part["events"]} <= {kind}


def test_the_patients_own_list_names_units_and_no_people(past: Any, karin: Any) -> None:
    patient = str(demo_id("196101182803"))
    listed = get(past, karin, f"/api/review/patients/{patient}/accesses")
    assert listed["patient"]["name"] == "Gun Testdotter"
    night = listed["accesses"][1]
    assert (night["care_unit"], night["organization"], night["kinds"]) == (
        "Premicare distansvård",
        "Premicare",
        ["reads"],
    )
    assert JONAS not in json.dumps(listed["accesses"])
    assert listed["accesses"][0]["purpose"] == "review"  # this very reading
    assert past.actions()[-1] == "patient_log_read"


def test_quality_by_week_with_n(past: Any, karin: Any) -> None:
    weeks = {week["monday"]: week for week in get(past, karin, "/api/review/quality")}
    assert len(weeks) == 8
    last = weeks[WEEK]
    assert (last["visits"], last["emergencies"], last["said"], last["called"], last["avoided"]) == (5, 1, 3, 1, 1)
    assert last["rejected"] == {"n": 1, "of": 7}
    assert last["retakes"] == {"n": 1, "of": 7}
    assert last["answer"] == {"median_s": 102.0, "n": 7}
    assert last["gaps"] == {"n": 0, "of": 0}
    assert weeks["2026-11-23"]["answer"] == {"median_s": None, "n": 0}


def test_what_became_of_a_visit_is_said_and_corrected(past: Any, karin: Any) -> None:
    visit = past.visits()[0]
    past.kit.store("visit_opened", visit)
    elena = past.sign_in("doctor")
    for outcome in ("ambulance_avoided", "ambulance_called"):
        assert post(past, elena, f"/api/visits/{visit['id']}/outcome", {"outcome": outcome}).status_code == 204
    now = get(past, karin, "/api/review/quality")[0]
    assert (now["avoided"], now["called"], now["said"]) == (0, 1, 1)
    assert past.actions(visit["id"])[-2:] == ["outcome_said"] * 2


def test_older_visits_by_page(past: Any, karin: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("carebag_server.workbench_routes.EARLIER", 4)
    found: list[Any] = []
    more = get(past, karin, "/api/review/visits/earlier")
    while more:
        found += more
        answer = past.client.get(
            "/api/review/visits/earlier", headers=karin, params={"before": more[-1]["scheduled_at"]}
        )
        more = answer.json()
    assert len(found) == len({one["id"] for one in found}) == len(VISITS) + 6
    assert [one["scheduled_at"] for one in found] == sorted((one["scheduled_at"] for one in found), reverse=True)


def test_a_checkpoint_without_a_key_and_the_log_against_it(past: Any, karin: Any) -> None:
    kept = past.client.get("/api/audit/checkpoint?as=reviewer").text
    origin, size, root = kept.splitlines()
    assert (origin, len(base64.b64decode(root))) == (UNSIGNED_ORIGIN, 32)
    said = post(past, karin, "/api/audit/compare", {"checkpoint": kept}).json()
    assert (said["check"]["intact"], said["events"], said["signature"]) == (True, int(size), "not_checked")
    windows = kept.replace("\n", "\r\n") + "\r\n"
    assert post(past, karin, "/api/audit/compare", {"checkpoint": windows}).json()["check"]["intact"] is True
    other = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    said = post(past, karin, "/api/audit/compare", {"checkpoint": f"{origin}\n{size}\n{other}\n"}).json()
    assert (said["check"]["intact"], said["check"]["why"]) == (False, "other_history")
    longer = post(past, karin, "/api/audit/compare", {"checkpoint": f"{origin}\n99999\n{root}\n"}).json()
    assert longer["check"]["why"] == "other_history"
    assert past.actions()[-5:] == ["checkpoint_taken", *["checkpoint_compared"] * 4]


def test_the_check_has_the_root_of_the_checkpoint(past: Any, karin: Any) -> None:
    root = get(past, karin, "/api/audit/verify")["root"]
    before = past.client.get("/api/audit/checkpoint?as=reviewer").text.splitlines()[2]
    assert before != base64.b64encode(bytes.fromhex(root)).decode()  # the verification itself is one row more
    assert len(root) == 64


def test_with_a_key_the_checkpoint_is_signed_and_foreign_ones_are_refused(
    past: Any, karin: Any, tmp_path: Path
) -> None:
    key, file = NoteKey.new("hub.example.se/log"), tmp_path / "key"
    file.write_text(key.private_text)
    settings = past.app.state.hub.settings
    object.__setattr__(settings, "log_key_file", file)
    kept = past.client.get("/api/audit/checkpoint?as=reviewer").text
    assert post(past, karin, "/api/audit/compare", {"checkpoint": kept}).json()["signature"] == "verified"
    other = NoteKey.new("hub.example.se/log").sign(kept.partition("\n\n")[0] + "\n")
    foreign = post(past, karin, "/api/audit/compare", {"checkpoint": other})
    assert (foreign.status_code, foreign.json()) == (422, {"code": "foreign_checkpoint"})
    file.write_text("no key")
    assert past.client.get("/api/audit/checkpoint?as=reviewer").json() == {"code": "log_key_unusable"}


@pytest.mark.parametrize("kept", ["x", "a\nb\nc", "a\n1\n" + "A" * 44, "\n\n\n", "a\n-1\n" + "A" * 43 + "=", "\x00"])
def test_what_is_no_checkpoint(past: Any, karin: Any, kept: str) -> None:
    answer = post(past, karin, "/api/audit/compare", {"checkpoint": kept})
    assert (answer.status_code, answer.json()) == (422, {"code": "not_a_checkpoint"})


def test_the_log_as_csv(past: Any, karin: Any) -> None:
    answer = past.client.get("/api/review/log.csv?first=2026-11-18&last=2026-11-19&as=reviewer")
    assert answer.content.startswith("\ufeffNummer i loggen,Tid (UTC),Händelse (kod),".encode())
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["Person"], row["Genom väskan"]) for row in rows[:3]] == [(JONAS, "")] * 3
    assert past.actions()[-1] == "log_exported"
    visit = rows[0]["Besök (id)"]
    of_visit = past.client.get(f"/api/review/visits/{visit}/csv?as=reviewer").content.decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(of_visit)))[-1]["Händelse (kod)"] == "audit_exported"
    english = past.client.get(f"/api/review/visits/{visit}/csv?as=reviewer&lang=en").content.decode("utf-8-sig")
    assert english.startswith("Number in the log,")
    for period in ("first=2026-11-19&last=2026-11-18", "first=2024-01-01&last=2026-01-01"):
        assert past.client.get(f"/api/review/log.csv?{period}&as=reviewer").json() == {"code": "bad_period"}


def test_the_log_of_a_period_as_fhir(past: Any, karin: Any) -> None:
    """As many events as the CSV has rows, judged by somebody else, each under the id that the visit's Bundle gives."""
    days = "first=2026-11-18&last=2026-11-19&as=reviewer"
    rows = list(csv.DictReader(io.StringIO(past.client.get(f"/api/review/log.csv?{days}").content.decode("utf-8-sig"))))
    answer = past.client.get(f"/api/review/log.ndjson?{days}")
    assert answer.headers["content-type"].startswith("application/fhir+ndjson")
    assert past.actions()[-1] == "log_exported"
    events = [json.loads(line) for line in answer.content.splitlines()]
    assert [event["extension"][0]["valueDecimal"] for event in events] == [int(row["Nummer i loggen"]) for row in rows]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert [fault for event in events for fault in fhirkit.validate(json.dumps(event))] == []
    visit = rows[0]["Besök (id)"]
    bundle = past.client.get(f"/api/review/visits/{visit}/fhir?as=reviewer").json()
    ids = {entry["resource"]["id"] for entry in bundle["entry"]}
    assert events[0]["id"] in ids
    assert past.client.get("/api/review/log.ndjson?first=2026-11-19&last=2026-11-18&as=reviewer").status_code == 422


def test_a_patients_log_of_a_period_as_fhir(past: Any, karin: Any) -> None:
    days = "first=2026-11-01&last=2026-11-30&as=reviewer"
    whole = past.client.get(f"/api/review/log.ndjson?{days}").content.splitlines()
    gun = demo_id("196101182803")
    mine = past.client.get(f"/api/review/log.ndjson?{days}&patient={gun}").content.splitlines()
    theirs = [line for line in whole if f"Patient/{gun}".encode() in line]
    assert theirs
    assert mine[: len(theirs)] == theirs
    assert [json.loads(line)["subtype"][0]["code"] for line in mine[len(theirs) :]] == ["log_exported"]
    nobody = past.client.get(f"/api/review/log.ndjson?{days}&patient={uuid.uuid4()}")
    assert (nobody.status_code, nobody.json()) == (404, {"code": "not_found"})


def test_a_column_has_one_meaning_in_every_language() -> None:
    event = AuditEvent.model_validate(
        dict.fromkeys(AuditEvent.model_fields, "x")
        | {"seq": 1, "at": "2026-11-23T09:30:00Z", "action": "a", "patient_id": None, "visit_id": None}
        | {"hash": "0" * 64, "practitioner": "Anna Lind · ＝1+1"}
    )
    for language, headers in HEADERS.items():
        told, cells = csv.reader(io.StringIO(b"".join(csv_of([event], language)).decode("utf-8-sig")))
        assert (tuple(told), len(set(headers)), len(cells)) == (headers, len(headers), len(headers))
        assert cells[4:6] == ["Anna Lind", "'＝1+1"]


def test_no_cell_is_a_formula() -> None:
    event = AuditEvent.model_validate(
        dict.fromkeys(AuditEvent.model_fields, "=1+1")
        | {"seq": 1, "at": "2026-11-23T09:30:00.5Z", "action": "a", "patient_id": None, "visit_id": None}
        | {"hash": "0" * 64, "practitioner": 'O"Brien, Eva\nx', "role": "-1", "origin": "@x"}
    )
    text_ = b"".join(csv_of([event])).decode("utf-8-sig")
    [row] = list(csv.DictReader(io.StringIO(text_, newline="")))
    assert (row["Vad det gällde"], row["Roll"], row["Nätadress"]) == ("'=1+1", "'-1", "'@x")
    assert (row["Person"], row["Tid (UTC)"]) == ('O"Brien, Eva\nx', "2026-11-23T09:30:00.500000+00:00")
