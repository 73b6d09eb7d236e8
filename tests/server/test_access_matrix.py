"""Every route by every role by every relation, called for real, against the table that people read.

`docs/access-matrix.md` is what is expected; a route that is not in it fails. After reading what changed, write it anew:
`CAREBAG_WRITE_MATRIX=1 pytest tests/server/test_access_matrix.py`.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import WebSocketDenialResponse
from tests.server.conftest import A_PHOTO, Clock, DemoHub
from tests.server.test_path_proofs import made as path_proof

from carebag_server.access import policies
from carebag_server.access_tables import BlockRow
from carebag_server.demo_data import TIMRA, demo_id
from carebag_server.tables import CareAgreement, Commission, Organization, VisitRow
from carebag_wire import PROTOCOL

PAGE = Path(__file__).parents[2] / "docs" / "access-matrix.md"
HOME = "http://localhost:8470"
CANARY = "KANARIEFÅGEL"
SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"
SHA, PHOTO_SHA = hashlib.sha256(SOUND).hexdigest(), hashlib.sha256(A_PHOTO).hexdigest()
DENIED = {400, 401, 403, 404, 410}
FROM_THE_VISIT_OF_NOW = "GET /api/visits/{visit_id}/sounds/earlier"
"""Is asked in one visit about the others."""


class Case:
    """A hub with a visit that has one of everything, a caller, and the relation between the two."""

    def __init__(self, hub: DemoHub) -> None:
        self.hub, self.doctor = hub, hub.sign_in("doctor")
        self.target, self.other = hub.visits()[:2]
        self.here = self.target
        self.caller: Any = hub.client
        self.headers = self.doctor
        self.kit: Any = None
        self._fill()

    def post(self, path: str, body: Any) -> Any:
        base = f"/api/visits/{self.target['id']}"
        answer = self.hub.client.post(f"{base}{path}", headers=self.doctor, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def _fill(self) -> None:
        kit, target = self.hub.kit, self.target
        kit.store("visit_opened", target)
        kit.store("visit_opened", self.other)
        self.change(target, background=CANARY, reason=CANARY)
        self.ids = {
            "visit_id": target["id"],
            "patient_id": target["patient"]["id"],
            "request_id": self.post("/requests", {"kind": "crp", "note": CANARY})["id"],
            "reading_id": kit.store("reading", target)["id"],
            "sound_id": kit.store("sound_recorded", target)["id"],
            "photo_id": kit.store("photo_taken", target)["id"],
            "mark_id": self.post("/marks", MARK)["id"],
            "guest_id": self.invited(target)["guest"]["id"],
            "sha256": SHA,
            "path:path": "x",
            "name": "x",
            "move_id": str(demo_id("no move")),
            "person_id": str(demo_id("Anna Lind")),
            "commission_id": str(demo_id("Anna Lind nurse")),
            "kit_id": str(kit.kit_id),
        }
        self.ids["record_id"] = self.ids["reading_id"]
        kit.request("PUT", f"/api/kit/media/{SHA}", SOUND)
        note = {"assessment": CANARY, "plan": "", "base_version": 0}
        answer = self.hub.client.put(f"/api/visits/{target['id']}/note", headers=self.doctor, json=note)
        self.post("/note/sign", {"version": answer.json()["version"]})

    def invited(self, visit: Any) -> Any:
        path = f"/api/visits/{visit['id']}/guests"
        wanted = {"role": "relative", "name": "Karin", "consent": True}
        return self.hub.client.post(path, headers=self.doctor, json=wanted).json()

    def change(self, visit: Any, **changes: Any) -> None:
        with self.hub.database.transaction() as session:
            session.execute(update(VisitRow).where(VisitRow.id == uuid.UUID(visit["id"])).values(**changes))

    def store(self, *rows: Any) -> None:
        with self.hub.database.transaction() as session:
            session.add_all(rows)

    def elsewhere(self) -> uuid.UUID:
        self.store(Organization(id=demo_id("Elsewhere"), name="Elsewhere"))
        return demo_id("Elsewhere")

    def moves(self, role: str) -> None:
        """The person of that role works for another organization now."""
        there = self.elsewhere()
        with self.hub.database.transaction() as session:
            session.execute(update(Commission).where(Commission.role == role).values(organization_id=there))

    def age(self) -> None:
        """The visit was nine days ago, and the patient has another today."""
        then = self.hub.clock() - timedelta(days=9)
        self.change(self.target, state="closed", scheduled_at=then, closed_at=then, opened_at=then)
        self.change(self.other, patient_id=uuid.UUID(self.target["patient"]["id"]))
        self.here = self.other

    def in_visit_of_now(self, path: str, body: Any) -> None:
        answer = self.hub.client.post(f"/api/visits/{self.here['id']}{path}", headers=self.doctor, json=body)
        assert answer.status_code < 300, answer.text

    def block(self) -> None:
        told = {"patient_id": uuid.UUID(self.target["patient"]["id"]), "organization_id": demo_id(TIMRA)}
        until = self.hub.clock() - timedelta(days=1) if self.here is not self.target else None
        now = self.hub.clock()
        self.store(BlockRow(id=uuid.uuid4(), recorded_by="n", at=now, covers_until=until, **told))

    def as_guest(self, visit: Any) -> None:
        browser = self.hub.browser()
        browser.portal = self.hub.client.portal
        link = self.invited(visit)
        said = {"token": link["url"].split("#token=")[1], "name": "Karin"}
        assert browser.post("/api/guest/enter", json=said, headers={"Origin": HOME}).status_code == 200
        path = f"/api/visits/{visit['id']}/guests/{link['guest']['id']}"
        assert self.hub.client.post(path, headers=self.doctor, json={"act": "admit"}).status_code == 200
        self.caller, self.headers = browser, {"Origin": HOME, "X-Carebag-As": "doctor"}


MARK = {"stream": 1, "sample": 0, "rate_hz": 4000, "kind": "listen", "text": CANARY}
CONSENT = {"asked_by": "doctor", "how": "spoken", "days": 1}
EMERGENCY = {"reason": "medvetslös, kan inte svara"}


def _called(case: Case) -> None: ...


def _no_agreement(case: Case) -> None:
    case.moves("doctor")


def _ended_agreement(case: Case) -> None:
    with case.hub.database.transaction() as session:
        session.execute(update(CareAgreement).values(valid_until=case.hub.clock()))


def _earlier(case: Case) -> None:
    case.age()


def _consent(case: Case) -> None:
    case.age()
    case.in_visit_of_now("/consent", CONSENT)


def _withdrawn(case: Case) -> None:
    _consent(case)
    case.in_visit_of_now("/consent/withdraw", None)


def _expired_consent(case: Case) -> None:
    _consent(case)
    case.hub.clock.forward(hours=24)
    case.headers = case.hub.sign_in("doctor")


def _emergency(case: Case) -> None:
    case.age()
    case.in_visit_of_now("/emergency", EMERGENCY)


def _expired_emergency(case: Case) -> None:
    _emergency(case)
    case.hub.clock.forward(minutes=60)
    case.headers = case.hub.sign_in("doctor")


def _ended_emergency(case: Case) -> None:
    _emergency(case)
    case.in_visit_of_now("/emergency/end", None)


def _blocked(case: Case) -> None:
    case.block()


def _blocked_earlier(case: Case) -> None:
    _consent(case)
    case.in_visit_of_now("/emergency", EMERGENCY)
    case.block()


def _reviewer(case: Case) -> None:
    case.headers = case.hub.sign_in("reviewer")


def _other_reviewer(case: Case) -> None:
    case.moves("reviewer")
    case.headers = case.hub.sign_in("reviewer")


def _administrator(case: Case) -> None:
    case.headers = case.hub.sign_in("administrator")


def _nurse(case: Case) -> None:
    case.headers = case.hub.sign_in("nurse")


def _own_kit(case: Case) -> None:
    case.kit = case.hub.kit


def _other_kit(case: Case) -> None:
    case.kit = case.hub.enrol("Väska 2")


def _guest(case: Case) -> None:
    case.as_guest(case.target)


def _other_guest(case: Case) -> None:
    case.as_guest(case.other)


def _anyone(case: Case) -> None:
    case.caller, case.headers = case.hub.browser(), {"Origin": HOME, "X-Carebag-As": "doctor"}


COLUMNS: dict[str, tuple[str, Callable[[Case], None]]] = {
    "D1": ("doctor called to the visit by an agreement", _called),
    "D2": ("doctor of an organization without an agreement", _no_agreement),
    "D3": ("doctor, the agreement has ended", _ended_agreement),
    "E1": (
        "doctor called to another visit of the patient; this one is nine days old, of another provider",
        _earlier,
    ),
    "E2": ("the same, with the patient's consent", _consent),
    "E3": ("the same, consent withdrawn", _withdrawn),
    "E4": ("the same, consent past its time", _expired_consent),
    "E5": ("the same as E1, in an emergency", _emergency),
    "E6": ("the same, the hour is over", _expired_emergency),
    "E7": ("the same, ended by the doctor", _ended_emergency),
    "B1": ("as D1, but the patient has blocked the care provider's documentation", _blocked),
    "B2": ("as E1, blocked, with consent and in an emergency", _blocked_earlier),
    "R1": ("reviewer of the organization whose visit it is", _reviewer),
    "R2": ("reviewer of another organization", _other_reviewer),
    "N": ("nurse, signed in on the hub", _nurse),
    "AD": ("administrator of the organization whose visit it is", _administrator),
    "K1": ("the kit that the visit is planned for", _own_kit),
    "K2": ("another kit of the same organization", _other_kit),
    "G1": ("guest let into this visit", _guest),
    "G2": ("guest let into another visit", _other_guest),
    "A": ("anyone, not signed in", _anyone),
}
TOKEN = {"token": "x" * 43}
PASSKEY = {"challenge_id": str(uuid.UUID(int=1)), "credential": {}}
GIVEN = {"unit_id": str(demo_id("unit Timrå hemsjukvård")), "role": "nurse"}
BODIES: dict[str, Any] = {
    "POST /api/session/link": TOKEN,
    "POST /api/guest/look": TOKEN,
    "POST /api/guest/enter": {**TOKEN, "name": "K"},
    "POST /api/passkey/login/verify": PASSKEY,
    "POST /api/passkey/register/verify": PASSKEY,
    "POST /api/visits/{visit_id}/requests": {"kind": "crp"},
    "POST /api/visits/{visit_id}/requests/{request_id}/cancel": {"reason": ""},
    "POST /api/visits/{visit_id}/readings/{reading_id}/decision": {"decision": "kept"},
    "POST /api/visits/{visit_id}/sounds/{sound_id}/decision": {"decision": "kept"},
    "POST /api/visits/{visit_id}/photos/{photo_id}/decision": {"decision": "kept"},
    "PUT /api/visits/{visit_id}/note": {"assessment": "a", "plan": "", "base_version": 1},
    "POST /api/visits/{visit_id}/note/sign": {"version": 2},
    "POST /api/visits/{visit_id}/sounds/heard": {"stream": 1, "sha256": SHA, "samples": 1, "repaired": 0, "missing": 0},
    "POST /api/visits/{visit_id}/marks": MARK,
    "POST /api/visits/{visit_id}/premises": {"says": "hypercapnic"},
    "POST /api/visits/{visit_id}/guests": {"role": "relative", "name": "K", "consent": True},
    "POST /api/visits/{visit_id}/guests/{guest_id}": {"act": "show_camera"},
    "POST /api/visits/{visit_id}/camera": {"act": "freeze"},
    "POST /api/visits/{visit_id}/path-proofs": path_proof(),
    "POST /api/visits/{visit_id}/kit-damage": {"number": 1},
    "POST /api/review/moves/{move_id}": {"decision": "moved"},
    "POST /api/visits/{visit_id}/outcome": {"outcome": "ambulance_avoided"},
    "POST /api/visits/{visit_id}/consent": CONSENT,
    "POST /api/visits/{visit_id}/emergency": EMERGENCY,
    "POST /api/admin/providers": {"name": "X"},
    "POST /api/admin/units": {"organization_id": str(demo_id(TIMRA)), "name": "X"},
    "POST /api/admin/people/search": {},
    "POST /api/admin/people": {"name": "X", "title": "x", "commission": GIVEN},
    "POST /api/admin/people/{person_id}/correct": {"name": "X", "title": "x"},
    "POST /api/admin/people/{person_id}/commissions": {**GIVEN, "role": "doctor"},
    "POST /api/admin/people/{person_id}/link": {},
    "POST /api/admin/people/{person_id}/recover": {},
    "POST /api/admin/kits": {"unit_id": GIVEN["unit_id"], "name": "X"},
    "POST /api/admin/kits/{kit_id}/code": {},
    "POST /api/kit/records": {"records": []},
    "POST /api/kit/nurse": {"code": "x" * 43},
    "POST /api/kit/questions": {"nurse_id": str(demo_id("Anna Lind"))},
    "POST /api/kit/questions/waiting": {"nurse_id": str(demo_id("Anna Lind"))},
    "POST /api/kit/questions/{question_id}/answer": {"nurse_id": str(demo_id("Anna Lind")), "text": "x"},
    "POST /api/kit/visits/{visit_id}/guests": {
        "nurse_id": str(demo_id("Anna Lind")),
        "role": "relative",
        "name": "K",
        "consent": True,
    },
    "POST /api/kit/visits/{visit_id}/guests/{guest_id}": {"nurse_id": str(demo_id("Anna Lind")), "act": "show_camera"},
}
LAST = [
    "POST /api/visits/{visit_id}/consent/withdraw",
    "POST /api/visits/{visit_id}/consent",
    "POST /api/visits/{visit_id}/emergency/end",
    "POST /api/visits/{visit_id}/emergency",
    "POST /api/session/lock",
    "POST /api/session/others/end",
    "POST /api/session/end",
]
"""These change what the others rest on."""


def order(route: str) -> tuple[int, bool, str]:
    return LAST.index(route) if route in LAST else -1, not route.startswith("GET"), route


def address(case: Case, route: str, **changes: str) -> tuple[str, str]:
    method, path = route.split(" ")
    for name, value in {**case.ids, **changes}.items():
        path = path.replace(f"{{{name}}}", value)
    if "/patients/" in path:
        path += "?from=2026-11-01&to=2026-11-30"
    if path.endswith("/sounds/earlier"):
        path += "?point=mitral"
    if method == "PATCH":
        path += "?offset=0&complete=true"
    return method, path


def ask(case: Case, route: str, **changes: str) -> Any:
    method, path = address(case, route, **changes)
    body = json.dumps(BODIES[route]).encode() if route in BODIES else b""
    if route == "PUT /api/kit/media/{sha256}":
        body = SOUND
    if route == "POST /api/visits/{visit_id}/moves/{record_id}":
        body = json.dumps({"to_visit_id": case.other["id"], "reason": "x"}).encode()
    if case.kit is not None:
        return case.kit.request(method, path, body)
    headers = {**case.headers, "Content-Type": "application/json"}
    return case.caller.request(method, path, content=body, headers=headers)


def tells(case: Case, content: bytes) -> bool:
    """Whether an answer says anything of the visit."""
    text = content.decode("utf-8", "replace")
    return CANARY in text or case.target["id"] in text or content == SOUND


def cell(case: Case, route: str) -> str:
    """`✓`: the visit was read or worked in; `–`: answered without anything of it; else the status of the refusal."""
    changes = {"visit_id": case.here["id"]} if route == FROM_THE_VISIT_OF_NOW else {}
    answer = ask(case, route, **changes)
    assert answer.status_code < 500, (route, answer.text)
    # what is wrong with a body is found before the visit is looked for: then nothing was tried
    assert answer.status_code != 422 or "{visit_id}" not in route, (route, answer.text)
    said = tells(case, answer.content)
    if answer.status_code not in DENIED:
        in_visit = "{visit_id}" in route and not changes
        return "✓" if said or in_visit else "–"
    if answer.headers["content-type"] == "application/json":
        assert set(answer.json()) == {"code"}, route
    assert not said, route
    if answer.status_code == 404 and "{visit_id}" in route:
        nothing = ask(case, route, visit_id=str(uuid.uuid4()))
        assert (nothing.status_code, nothing.content) == (404, answer.content), route
    return str(answer.status_code)


def socket_cell(case: Case, route: str) -> str:
    path = route.split(" ")[1]
    slot = case.headers.get("X-Carebag-As", "doctor") if case.kit is None else "doctor"
    target = f"ws://localhost:8470{path}" + (f"?as={slot}" if path.endswith("console") else "")
    headers = {"Origin": HOME}
    if case.kit is not None:
        headers = {"Authorization": case.kit.proof("GET", target.removeprefix("ws://localhost:8470"))}
    client = case.kit.client if case.kit is not None else case.caller
    if not hasattr(client, "portal") or client.portal is None:
        client.portal = case.hub.client.portal
    try:
        with client.websocket_connect(target, headers=headers) as socket:
            socket.send_json({"type": "hello", "protocol": PROTOCOL, "client": path.rsplit("/", 1)[1]})
            heard = []
            if path.endswith("console"):
                socket.send_json({"type": "join", "visit_id": case.target["id"]})
            ends = {"console": {"snapshot", "problem"}, "kit": {"kit_visits"}, "guest": {"guest_room"}}
            while not heard or heard[-1]["type"] not in ends[path.rsplit("/", 1)[1]]:
                heard.append(socket.receive_json())
    except WebSocketDenialResponse as refused:
        told, status = refused.content, str(refused.status_code)
        return "told too much" if tells(case, told) else status
    told = json.dumps(heard, ensure_ascii=False).encode()
    return "✓" if tells(case, told) else "–"


@contextmanager
def case_of(template: Path, folder: Path, relation: Callable[[Case], None]) -> Iterator[Case]:
    folder.mkdir()
    shutil.copy(template, folder / "hub.db")
    hub = DemoHub(f"sqlite:///{folder / 'hub.db'}", folder / "media", Clock())
    with hub.client:
        case = Case(hub)
        relation(case)
        yield case


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Cells by route and column."""
    table: dict[str, dict[str, str]] = {}
    for name, (_, relation) in COLUMNS.items():
        with case_of(sqlite_template, tmp_path_factory.mktemp("matrix") / name, relation) as case:
            routes = policies(case.hub.app)
            sockets = [route for route in routes if route.startswith("WEBSOCKET")]
            for route in sockets:
                table.setdefault(route, {})[name] = socket_cell(case, route)
            for route in sorted(set(routes) - set(sockets), key=order):
                table.setdefault(route, {})[name] = cell(case, route)
    return table


def page(table: dict[str, dict[str, str]]) -> str:
    by_path = sorted(table, key=lambda route: (route.split(" ")[1], route))
    lines = [
        "# Who may what",
        "",
        "Every route of the hub, called for real by every kind of caller in every relation to one visit that has one",
        "of everything. `tests/server/test_access_matrix.py` makes this table and fails if it is another one.",
        "",
        "| | means |",
        "|---|---|",
        "| ✓ | the visit was read, or worked in |",
        "| – | answered, with nothing of the visit in it |",
        "| 404 | the same bytes as for a visit that does not exist |",
        "| 400, 401, 403, 410 | refused before any visit was looked at, with a code and nothing else |",
        "",
        "| column | who, and what is between them and the visit |",
        "|---|---|",
        *(f"| {name} | {words} |" for name, (words, _) in COLUMNS.items()),
        "",
        "`GET /api/visits/{visit_id}/sounds/earlier` is asked in the visit of now, about the other one.",
        "",
        f"| route | {' | '.join(COLUMNS)} |",
        f"|---|{'---|' * len(COLUMNS)}",
        *(f"| `{route}` | {' | '.join(table[route][name] for name in COLUMNS)} |" for route in by_path),
        "",
    ]
    return "\n".join(lines)


def test_the_table_is_what_happens(found: dict[str, dict[str, str]]) -> None:
    now = page(found)
    if os.environ.get("CAREBAG_WRITE_MATRIX"):
        PAGE.write_text(now, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == now


def test_every_route_of_the_description_is_in_it(found: dict[str, dict[str, str]], small_hub: Any) -> None:
    described = {
        f"{method.upper()} {path}" for path, methods in small_hub.app.openapi()["paths"].items() for method in methods
    }
    assert described <= set(found)
    assert set(policies(small_hub.app)) == set(found)


READS_THE_PAST = {
    "GET /api/visits/{visit_id}",
    "GET /api/visits/{visit_id}/fhir",
    "GET /api/visits/{visit_id}/pdf",
    "GET /api/media/{visit_id}/{sha256}",
    "GET /api/patients/{patient_id}/fhir",
    FROM_THE_VISIT_OF_NOW,
}


def test_what_the_law_asks_of_the_table(found: dict[str, dict[str, str]]) -> None:
    """Said once more by rule, so that nobody writes a leak into the table unseen."""
    seen = {name: {route for route, cells in found.items() if cells[name] == "✓"} for name in COLUMNS}
    for closed in ("D2", "D3", "E1", "E3", "E4", "E6", "E7", "B1", "B2", "R2", "N", "AD", "K2", "G2", "A"):
        assert seen[closed] == set(), closed
    for opened in ("E2", "E5"):
        assert seen[opened] == READS_THE_PAST, opened
    assert seen["G1"] == {"GET /api/guest", "WEBSOCKET /api/ws/guest"}
    assert all(route.startswith(("GET /api/review/", "POST /api/review/")) for route in seen["R1"])
    assert all("/api/kit/" in route or route.endswith("/ws/kit") for route in seen["K1"])
