"""Each answer of the workbench is one row in the log, and without the row there is no answer."""

from typing import Any

import pytest
from sqlalchemy import event

from carebag_server import audit
from carebag_server.demo_data import demo_id
from carebag_server.demo_history import ensure_history

GUN = demo_id("196101182803")
READS = [
    ("POST", "/api/review/log", {"day": "2026-11-18"}, "log_read"),
    ("GET", "/api/review/log.csv?first=2026-11-18&last=2026-11-18&as=reviewer", None, "log_exported"),
    ("GET", "/api/review/log.ndjson?first=2026-11-18&last=2026-11-18&as=reviewer", None, "log_exported"),
    ("GET", "/api/review/visits/earlier", None, "visits_listed"),
    ("GET", "/api/review/weeks/2026-11-16", None, "sample_read"),
    ("POST", "/api/review/weeks/2026-11-16/sample", {"random": 1, "risk": 1}, "sample_drawn"),
    ("GET", "/api/review/accesses/{night}", None, "access_read"),
    ("POST", "/api/review/accesses/{night}/judgements", {"verdict": "in_order"}, "access_judged"),
    ("GET", "/api/review/questions", None, "questions_listed"),
    ("GET", f"/api/review/patients/{GUN}/accesses", None, "patient_log_read"),
    ("GET", "/api/review/quality", None, "quality_read"),
    ("GET", "/api/audit/checkpoint?as=reviewer", None, "checkpoint_taken"),
]


@pytest.fixture
def past(small_hub: Any, clock: Any) -> Any:
    clock.forward(days=2)
    ensure_history(small_hub.url, clock())
    return small_hub


def night(hub: Any, headers: Any) -> int:
    """Number of a row of the planted access."""
    page = hub.client.post("/api/review/log", headers=headers, json={"day": "2026-11-18"}).json()
    return int(page["events"][0]["seq"])


@pytest.mark.parametrize(("verb", "path", "body", "action"), READS)
def test_one_row_and_no_answer_without_it(
    past: Any, monkeypatch: Any, verb: str, path: str, body: Any, action: str
) -> None:
    karin = past.sign_in("reviewer")
    path = path.format(night=night(past, karin))
    before = past.actions()
    monkeypatch.setattr(audit, "row_hash", lambda *_: 1 / 0)
    assert past.client.request(verb, path, headers=karin, json=body).json() == {"code": "internal"}
    monkeypatch.undo()
    assert past.actions() == before
    answer = past.client.request(verb, path, headers=karin, json=body)
    assert answer.status_code in {200, 201}, answer.text
    assert past.actions() == [*before, action]


def test_what_failed_left_nothing(past: Any, monkeypatch: Any) -> None:
    """A sample that was drawn without its row is not drawn."""
    karin = past.sign_in("reviewer")
    monkeypatch.setattr(audit, "row_hash", lambda *_: 1 / 0)
    past.client.post("/api/review/weeks/2026-11-16/sample", headers=karin, json={"random": 1, "risk": 1})
    monkeypatch.undo()
    assert past.client.get("/api/review/weeks/2026-11-16", headers=karin).json()["sample"] is None


def test_a_week_is_reckoned_beside_those_who_write(past: Any) -> None:
    """In the transaction that keeps others from writing, the week's rows are not read: only what was drawn is asked."""
    karin = past.sign_in("reviewer")
    read: dict[bool, int] = {True: 0, False: 0}
    writing = [False]

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("BEGIN"):
            writing[0] = "IMMEDIATE" in statement
        elif "FROM audit_event" in statement:
            read[writing[0]] += 1

    event.listen(past.database.engine, "before_cursor_execute", heard)
    week = "/api/review/weeks/2026-11-16"
    assert past.client.get(week, headers=karin).status_code == 200
    assert past.client.post(f"{week}/sample", headers=karin, json={"random": 1, "risk": 1}).status_code in (201, 409)
    assert read[True] == 0
    assert read[False] > 0
