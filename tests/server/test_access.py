"""Default deny: every route has a policy, every caller gets exactly what the table says, and a refusal says nothing."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.staticfiles import StaticFiles
from sqlalchemy import update
from starlette.testclient import TestClient, WebSocketDenialResponse

from carebag_server.access import Anyone, Doctor, ForPerson, Reviewer, RouteWithoutPolicy, policies
from carebag_server.tables import CareAgreement, Commission, Organization, VisitRow

HOME = "http://localhost:8470"
CALLERS = ("anyone", "guest", "nurse", "doctor", "reviewer", "administrator", "kit")
EVERYBODY = {"nurse", "doctor", "reviewer", "administrator"}
TABLE = {
    "GET /api/health": {"anyone"},
    "POST /api/session/link": {"anyone"},
    "GET /api/demo/doors": {"anyone"},
    "GET /api/oidc/provider": {"anyone"},
    "GET /api/oidc/start": {"anyone"},
    "GET /api/oidc/callback": {"anyone"},
    "GET /api/oidc/choices": {"anyone"},
    "POST /api/oidc/choose": {"anyone"},
    "POST /api/passkey/login/options": {"anyone"},
    "POST /api/passkey/login/verify": {"anyone"},
    "POST /api/passkey/link/options": {"anyone"},
    "POST /api/passkey/link/verify": {"anyone"},
    "POST /api/kit-enrolment": {"anyone"},
    "POST /api/kit/key": {"kit"},
    "GET /": {"anyone"},
    "GET /enter/": {"anyone"},
    "GET /doctor/": {"anyone"},
    "GET /review/": {"anyone"},
    "GET /guest/": {"anyone"},
    "GET /admin/": {"anyone"},
    "GET /api/admin/places": {"administrator"},
    "POST /api/admin/providers": {"administrator"},
    "POST /api/admin/units": {"administrator"},
    "POST /api/admin/people/search": {"administrator"},
    "POST /api/admin/people": {"administrator"},
    "GET /api/admin/people/{person_id}": {"administrator"},
    "POST /api/admin/people/{person_id}/correct": {"administrator"},
    "POST /api/admin/people/{person_id}/commissions": {"administrator"},
    "POST /api/admin/people/{person_id}/link": {"administrator"},
    "POST /api/admin/people/{person_id}/recover": {"administrator"},
    "POST /api/admin/people/{person_id}/sign-out": {"administrator"},
    "POST /api/admin/people/{person_id}/end": {"administrator"},
    "POST /api/admin/commissions/{commission_id}/end": {"administrator"},
    "POST /api/admin/keys/{key_id}/end": {"administrator"},
    "GET /api/admin/kits": {"administrator"},
    "POST /api/admin/kits": {"administrator"},
    "POST /api/admin/kits/{kit_id}/code": {"administrator"},
    "POST /api/admin/kits/{kit_id}/revoke": {"administrator"},
    "POST /api/guest/look": {"anyone"},
    "POST /api/guest/enter": {"anyone"},
    "GET /api/guest": {"guest"},
    "POST /api/visits/{visit_id}/guests": {"doctor"},
    "POST /api/visits/{visit_id}/guests/{guest_id}": {"doctor"},
    "POST /api/kit/visits/{visit_id}/guests": {"kit"},
    "POST /api/kit/visits/{visit_id}/guests/{guest_id}": {"kit"},
    "POST /api/visits/{visit_id}/camera": {"doctor"},
    "GET /assets/{path:path}": {"anyone"},
    "GET /{name}": {"anyone"},
    "POST /api/session/end": EVERYBODY,
    "GET /api/me": EVERYBODY,
    "GET /api/session": EVERYBODY,
    "POST /api/session/used": EVERYBODY,
    "POST /api/session/lock": EVERYBODY,
    "GET /api/session/mine": EVERYBODY,
    "POST /api/session/mine/{session_id}/end": EVERYBODY,
    "POST /api/session/others/end": EVERYBODY,
    "POST /api/session/prove/demo": EVERYBODY,
    "GET /api/oidc/prove": EVERYBODY,
    "POST /api/passkey/prove/options": EVERYBODY,
    "POST /api/passkey/prove/verify": EVERYBODY,
    "GET /api/passkey/keys": EVERYBODY,
    "POST /api/passkey/keys/{key_id}/name": EVERYBODY,
    "POST /api/passkey/keys/{key_id}/end": EVERYBODY,
    "POST /api/passkey/register/options": EVERYBODY,
    "POST /api/passkey/register/verify": EVERYBODY,
    "GET /api/visits": {"doctor"},
    "GET /api/visits/{visit_id}": {"doctor"},
    "POST /api/visits/{visit_id}/requests": {"doctor"},
    "POST /api/visits/{visit_id}/requests/{request_id}/cancel": {"doctor"},
    "POST /api/visits/{visit_id}/readings/{reading_id}/decision": {"doctor"},
    "POST /api/visits/{visit_id}/sounds/{sound_id}/decision": {"doctor"},
    "POST /api/visits/{visit_id}/photos/{photo_id}/decision": {"doctor"},
    "PUT /api/visits/{visit_id}/note": {"doctor"},
    "POST /api/visits/{visit_id}/note/sign": {"doctor"},
    "POST /api/visits/{visit_id}/sounds/heard": {"doctor"},
    "GET /api/visits/{visit_id}/sounds/earlier": {"doctor"},
    "POST /api/visits/{visit_id}/marks": {"doctor"},
    "POST /api/visits/{visit_id}/premises": {"doctor"},
    "POST /api/visits/{visit_id}/marks/{mark_id}/take_back": {"doctor"},
    "POST /api/visits/{visit_id}/path-proofs": {"doctor"},
    "GET /api/visits/{visit_id}/kit-damage": {"doctor"},
    "POST /api/visits/{visit_id}/kit-damage": {"doctor"},
    "GET /api/review/visits/{visit_id}/path-proofs": {"reviewer"},
    "GET /api/visits/{visit_id}/earlier": {"doctor"},
    "POST /api/visits/{visit_id}/consent": {"doctor"},
    "POST /api/visits/{visit_id}/consent/withdraw": {"doctor"},
    "POST /api/visits/{visit_id}/emergency": {"doctor"},
    "POST /api/visits/{visit_id}/emergency/end": {"doctor"},
    "POST /api/visits/{visit_id}/moves/{record_id}": {"doctor"},
    "GET /api/review/moves": {"reviewer"},
    "POST /api/review/moves/{move_id}": {"reviewer"},
    "GET /api/review/emergencies": {"reviewer"},
    "GET /api/review/marked": {"reviewer"},
    "GET /api/media/{visit_id}/{sha256}": {"doctor"},
    "GET /api/visits/{visit_id}/fhir": {"doctor"},
    "GET /api/patients/{patient_id}/fhir": {"doctor"},
    "GET /api/visits/{visit_id}/pdf": {"doctor"},
    "GET /api/review/visits/{visit_id}/fhir": {"reviewer"},
    "GET /api/review/visits": {"reviewer"},
    "GET /api/review/visits/{visit_id}/events": {"reviewer"},
    "GET /api/audit/verify": {"reviewer"},
    "GET /api/audit/checkpoint": {"reviewer"},
    "POST /api/audit/compare": {"reviewer"},
    "POST /api/review/log": {"reviewer"},
    "GET /api/review/log.csv": {"reviewer"},
    "GET /api/review/log.ndjson": {"reviewer"},
    "GET /api/review/visits/earlier": {"reviewer"},
    "GET /api/review/visits/{visit_id}/csv": {"reviewer"},
    "GET /api/review/weeks/{monday}": {"reviewer"},
    "POST /api/review/weeks/{monday}/sample": {"reviewer"},
    "POST /api/review/weeks/{monday}/minutes": {"reviewer"},
    "GET /api/review/accesses/{seq}": {"reviewer"},
    "POST /api/review/accesses/{seq}/judgements": {"reviewer"},
    "POST /api/review/accesses/{seq}/questions": {"reviewer"},
    "GET /api/review/questions": {"reviewer"},
    "GET /api/review/patients/{patient_id}/accesses": {"reviewer"},
    "GET /api/review/quality": {"reviewer"},
    "GET /api/questions": {"doctor"},
    "POST /api/questions/{question_id}/answer": {"doctor"},
    "POST /api/kit/questions": {"kit"},
    "POST /api/kit/questions/waiting": {"kit"},
    "POST /api/kit/questions/{question_id}/answer": {"kit"},
    "POST /api/visits/{visit_id}/outcome": {"doctor"},
    "POST /api/kit/records": {"kit"},
    "PUT /api/kit/media/{sha256}": {"kit"},
    "GET /api/kit/uploads/{sha256}": {"kit"},
    "PATCH /api/kit/uploads/{sha256}": {"kit"},
    "GET /api/kit/visits": {"kit"},
    "POST /api/kit/nurse": {"kit"},
    "POST /api/ws/console/ticket": {"doctor"},
    "POST /api/ws/guest/ticket": {"guest"},
    "WEBSOCKET /api/ws/console": {"doctor"},
    "WEBSOCKET /api/ws/kit": {"kit"},
    "WEBSOCKET /api/ws/guest": {"guest"},
}
"""Written by hand, so that a new route or a wider policy must be written here too."""
ROUTES = sorted(route for route in TABLE if not route.startswith("WEBSOCKET"))


def test_the_table_is_the_application(small_hub: Any) -> None:
    assert {route: set(policy.callers) for route, policy in policies(small_hub.app).items()} == TABLE


def filled(route: str) -> tuple[str, str]:
    method, path = route.split(" ")
    for name in (
        "visit_id",
        "request_id",
        "reading_id",
        "sound_id",
        "photo_id",
        "guest_id",
        "mark_id",
        "patient_id",
        "question_id",
        "key_id",
        "person_id",
        "commission_id",
        "kit_id",
    ):
        path = path.replace(f"{{{name}}}", str(uuid.UUID(int=1)))
    path = path.replace("{monday}", "2026-11-16").replace("{seq}", "999999")
    return method, path.replace("{sha256}", hashlib.sha256(b"{}").hexdigest()).replace("{path:path}", "x").replace(
        "{name}", "x"
    )


def call(hub: Any, route: str, caller: str, slots: dict[str, dict[str, str]], guest: Any) -> Any:
    method, path = filled(route)
    body = b"{}" if method != "GET" else b""
    if caller == "kit":
        return hub.kit.request(method, path, body)
    if caller in ("anyone", "guest"):
        stranger = guest if caller == "guest" else hub.browser()
        return stranger.request(method, path, content=body, headers={"Origin": HOME, "X-Carebag-As": "doctor"})
    return hub.client.request(method, path, content=body, headers=slots[caller])


@pytest.fixture(scope="module")
def signed_in(fuzz_hub: Any) -> dict[str, dict[str, str]]:
    return {role: fuzz_hub.sign_in(role) for role in sorted(EVERYBODY)}


@pytest.fixture(scope="module")
def guest(fuzz_hub: Any, signed_in: Any) -> Any:
    """The browser of somebody who was let into a visit."""
    head = fuzz_hub.visits()[0]
    fuzz_hub.kit.store("visit_opened", head)
    wanted = {"role": "relative", "name": "Karin", "consent": True}
    path = f"/api/visits/{head['id']}/guests"
    invited = fuzz_hub.client.post(path, headers=signed_in["doctor"], json=wanted).json()
    browser = fuzz_hub.browser()
    browser.portal = fuzz_hub.client.portal
    said = {"token": invited["url"].split("#token=")[1], "name": "Karin"}
    assert browser.post("/api/guest/enter", json=said, headers={"Origin": HOME}).status_code == 200
    path = f"{path}/{invited['guest']['id']}"
    assert fuzz_hub.client.post(path, headers=signed_in["doctor"], json={"act": "admit"}).status_code == 200
    return browser


@pytest.mark.parametrize("route", [route for route in ROUTES if TABLE[route] != {"anyone"}])
@pytest.mark.parametrize("caller", CALLERS)
def test_route_by_role(fuzz_hub: Any, signed_in: Any, guest: Any, route: str, caller: str) -> None:
    if route in {"POST /api/session/end", "POST /api/session/lock"} and caller in TABLE[route]:
        return  # ends or locks the session that the other cases need; see test_signing_in.py, test_locks.py
    answer = call(fuzz_hub, route, caller, signed_in, guest)
    came_in = answer.status_code in {200, 201, 204, 404, 422}
    assert came_in == (caller in TABLE[route]), (answer.status_code, answer.text)
    if not came_in:
        assert answer.status_code in {400, 401, 403}
        assert set(answer.json()) == {"code"}


@pytest.mark.parametrize("target", ["/api/ws/console?as=doctor", "/api/ws/kit", "/api/ws/guest"])
@pytest.mark.parametrize("caller", ["anyone", "guest", "nurse", "reviewer", "administrator"])
def test_sockets_by_role(fuzz_hub: Any, signed_in: Any, guest: Any, target: str, caller: str) -> None:
    if (caller, target) == ("guest", "/api/ws/guest"):
        return  # comes in; see test_guests.py
    browser = {"anyone": fuzz_hub.browser(), "guest": guest}.get(caller, fuzz_hub.client)
    target = target.replace("as=doctor", f"as={caller}") if caller in ("nurse", "reviewer", "administrator") else target
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        browser.websocket_connect(f"ws://localhost:8470{target}", headers={"Origin": HOME}),
    ):
        pass
    assert refused.value.status_code in {400, 401, 403}
    assert set(refused.value.json()) == {"code"}


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_a_foreign_page_opens_no_socket(fuzz_hub: Any, signed_in: Any, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        fuzz_hub.client.websocket_connect("ws://localhost:8470/api/ws/console?as=doctor", headers=headers),
    ):
        pass
    assert (refused.value.status_code, refused.value.json()) == (403, {"code": "foreign_origin"})


def app_with(add: Any) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add(app)
    return app


def route_without(app: FastAPI) -> None:
    @app.get("/open")
    def open_route() -> None: ...


def socket_without(app: FastAPI) -> None:
    @app.websocket("/open")
    async def open_socket(socket: WebSocket) -> None: ...


def route_with_two(app: FastAPI) -> None:
    @app.get("/open")
    def open_route(one: Doctor, two: Reviewer) -> None: ...


def mounted(app: FastAPI) -> None:
    app.mount("/files", StaticFiles(directory="."))


@pytest.mark.parametrize("add", [route_without, socket_without, route_with_two, mounted])
def test_an_application_with_such_a_route_is_not_built(add: Any) -> None:
    with pytest.raises(RouteWithoutPolicy):
        policies(app_with(add))


def test_fastapis_own_pages_have_no_policy_either() -> None:
    with pytest.raises(RouteWithoutPolicy):
        policies(FastAPI())


def test_a_route_with_a_policy_is_fine() -> None:
    def add(app: FastAPI) -> None:
        @app.get("/open")
        def open_route(visitor: Anyone) -> None: ...

    assert set(policies(app_with(add))) == {"GET /open"}


def visit_paths(visit_id: str) -> list[tuple[str, str, Any]]:
    base, one = f"/api/visits/{visit_id}", uuid.UUID(int=1)
    decision = {"decision": "kept"}
    heard = {"stream": 1, "sha256": "0" * 64, "samples": 1, "repaired": 0, "missing": 0}
    return [
        ("GET", base, None),
        ("POST", f"{base}/requests", {"kind": "crp"}),
        ("POST", f"{base}/requests/{one}/cancel", {}),
        ("POST", f"{base}/readings/{one}/decision", decision),
        ("POST", f"{base}/sounds/{one}/decision", decision),
        ("POST", f"{base}/photos/{one}/decision", decision),
        ("PUT", f"{base}/note", {"assessment": "a", "plan": "", "base_version": 0}),
        ("POST", f"{base}/note/sign", {"version": 1}),
        ("POST", f"{base}/sounds/heard", heard),
        ("GET", f"{base}/sounds/earlier", None),
        ("POST", f"{base}/marks", {"stream": 1, "sample": 0, "rate_hz": 4000, "kind": "listen"}),
        ("POST", f"{base}/marks/{one}/take_back", None),
        ("POST", f"{base}/premises", {"says": "usual"}),
        ("GET", f"{base}/earlier", None),
        ("POST", f"{base}/consent", {"asked_by": "nurse", "how": "sign", "days": 30}),
        ("POST", f"{base}/consent/withdraw", None),
        ("POST", f"{base}/emergency", {"reason": "medvetslös"}),
        ("POST", f"{base}/emergency/end", None),
        ("POST", f"{base}/guests", {"role": "relative", "name": "Karin", "consent": True}),
        ("POST", f"{base}/guests/{one}", {"act": "admit"}),
        ("POST", f"{base}/camera", {"act": "freeze"}),
        ("GET", f"/api/media/{visit_id}/{'0' * 64}?as=doctor", None),
        ("GET", f"{base}/fhir", None),
        ("GET", f"{base}/pdf", None),
        ("POST", f"{base}/outcome", {"outcome": "not_at_issue"}),
    ]


def end_the_agreement(hub: Any) -> None:
    with hub.database.transaction() as session:
        session.execute(update(CareAgreement).values(valid_until=hub.clock()))


def test_without_a_care_relation_a_visit_is_as_if_it_were_not(hub: Any, doctor: Any, visit: Any) -> None:
    """Same status, same bytes, whether the visit is another's or nobody's."""
    end_the_agreement(hub)
    for real, invented in zip(visit_paths(visit["id"]), visit_paths(str(uuid.uuid4())), strict=True):
        answers = [hub.client.request(verb, path, headers=doctor, json=body) for verb, path, body in (real, invented)]
        assert [(answer.status_code, answer.content) for answer in answers] == [(404, b'{"code":"not_found"}')] * 2
    assert hub.client.get("/api/visits", headers=doctor).json() == []


def test_a_care_relation_begins_and_ends(hub: Any, doctor: Any, clock: Any) -> None:
    with hub.database.transaction() as session:
        session.execute(update(CareAgreement).values(valid_from=clock(), valid_until=clock() + timedelta(minutes=30)))
    assert len(hub.client.get("/api/visits", headers=doctor).json()) == 3
    clock.forward(minutes=14)
    assert len(hub.client.get("/api/visits", headers=doctor).json()) == 3
    clock.forward(minutes=14)
    hub.client.get("/api/me", headers=doctor)
    clock.forward(minutes=2)
    assert hub.client.get("/api/visits", headers=doctor).json() == []


def test_a_reviewer_sees_her_own_organization(hub: Any, visit: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    path = f"/api/review/visits/{visit['id']}/events"
    assert hub.client.get(path, headers=reviewer).status_code == 200
    with hub.database.transaction() as session:
        elsewhere = Organization(id=uuid.uuid4(), name="Sundsvalls kommun")
        session.add(elsewhere)
        session.flush()
        session.execute(
            update(VisitRow).where(VisitRow.id == uuid.UUID(visit["id"])).values(organization_id=elsewhere.id)
        )
    answer = hub.client.get(path, headers=reviewer)
    assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})
    assert len(hub.client.get("/api/review/visits", headers=reviewer).json()) == 2


def test_another_kit_sees_nothing(hub: Any) -> None:
    assert hub.enrol("Väska 2").request("GET", "/api/kit/visits").json() == []


def test_who_left_is_out_at_once(hub: Any, doctor: Any, clock: Any) -> None:
    with hub.database.transaction() as session:
        session.execute(update(Commission).where(Commission.role == "doctor").values(ended_at=clock()))
    assert hub.client.get("/api/visits", headers=doctor).status_code == 401


def test_a_policy_knows_its_callers() -> None:
    assert ForPerson("doctor", "nurse").callers == {"doctor", "nurse"}


def test_another_browser_has_another_session(hub: Any, doctor: Any) -> None:
    stranger = TestClient(hub.app, base_url=HOME)
    assert stranger.get("/api/visits", headers=doctor).status_code == 401


def test_a_doctor_of_another_organization_sees_nothing(hub: Any, doctor: Any, visit: Any) -> None:
    """An agreement is with one organisation of doctors, not with all doctors."""
    with hub.database.transaction() as session:
        elsewhere = Organization(id=uuid.uuid4(), name="Annan Vård AB")
        session.add(elsewhere)
        session.flush()
        session.execute(update(Commission).where(Commission.role == "doctor").values(organization_id=elsewhere.id))
    assert hub.client.get("/api/visits", headers=doctor).json() == []
    for verb, path, body in visit_paths(visit["id"]):
        assert hub.client.request(verb, path, headers=doctor, json=body).status_code == 404
