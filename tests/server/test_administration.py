"""The administrators' page, by its routes: its reach, its rules, a fresh proof, the log, and never a patient."""

import ast
import runpy
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from carebag_server import admin_routes, administration, passkey_links, staff, staff_lists
from carebag_server.audit import Actor
from carebag_server.callers import PersonCaller
from carebag_server.demo_data import PATIENTS, PREMICARE, TIMRA, demo_id
from carebag_server.people import person_of
from carebag_server.people_tables import CareUnit
from carebag_server.refusals import Refused
from carebag_server.staff import Change
from carebag_server.tables import AuditRow, Commission, Kit, Organization, Passkey, Practitioner

ORIGIN = {"Origin": "http://localhost:8470"}
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)
UNIT, THEIR_UNIT = demo_id("unit Timrå hemsjukvård"), demo_id("unit Premicare distansvård")
ANNA, ELENA, LARS = demo_id("Anna Lind"), demo_id("Elena Ruiz"), demo_id("Lars Åström")
NURSE = {"unit_id": str(UNIT), "role": "nurse"}
MAJA = {"name": "Maja Nordin", "title": "sjuksköterska", "hsa_id": "SE5565594230-M1", "commission": NURSE}


@pytest.fixture(scope="module")
def tools() -> Any:
    """The software authenticator, and how it is used with a link."""
    folder = Path(__file__).parent
    named = runpy.run_path(str(folder / "test_passkeys.py")), runpy.run_path(str(folder / "test_passkey_links.py"))
    return named[0]["Authenticator"], named[1]["made_by"], named[1]["sign_in"]


def operator(hub: Any, work: Any) -> Any:
    with hub.database.transaction() as session:
        return work(Change(session, OPERATOR, hub.clock()))


def give(hub: Any, person: uuid.UUID, unit: uuid.UUID, role: str, **more: Any) -> uuid.UUID:
    def work(change: Change) -> uuid.UUID:
        one = change.session.get_one
        return staff.add_commission(change, one(Practitioner, person), one(CareUnit, unit), role, **more).id

    return uuid.UUID(str(operator(hub, work)))


class Desk:
    """An administrator's page, with a browser of its own."""

    def __init__(self, hub: Any) -> None:
        self.hub, self.browser = hub, hub.browser()
        self.headers = hub.sign_in("administrator", self.browser)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.browser.request(method, f"/api/admin{path}", headers=self.headers, json=body)

    def get(self, path: str) -> Any:
        return self._good(self.ask("GET", path))

    def do(self, path: str, body: Any = None) -> Any:
        return self._good(self.ask("POST", path, body))

    def _good(self, answer: Any) -> Any:
        assert answer.status_code in (200, 204), (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def refused(self, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of what changed and logged nothing."""
        before = self.hub.actions()
        answer = self.ask("POST", path, body)
        assert self.hub.actions() == before
        return answer.status_code, answer.json()["code"]

    def people(self, text: str = "", **more: Any) -> list[str]:
        return [one["name"] for one in self.do("/people/search", {"text": text, **more})["people"]]

    def person(self, person_id: uuid.UUID | str) -> Any:
        return self.get(f"/people/{person_id}")


@pytest.fixture
def desk(hub: Any) -> Desk:
    return Desk(hub)


@pytest.fixture
def small_desk(small_hub: Any) -> Desk:
    return Desk(small_hub)


def whole_hub(hub: Any) -> None:
    """Lars is administrator of the whole hub from now on."""

    def work(change: Change) -> None:
        one = change.session.get_one
        staff.end_commission(change, one(Commission, demo_id("Lars Åström administrator")))
        unit = one(CareUnit, demo_id("unit Timrå kommun, IT"))
        staff.add_commission(change, one(Practitioner, LARS), unit, "administrator", whole_hub=True)

    operator(hub, work)


def rows_since(hub: Any, seq: int) -> list[AuditRow]:
    with hub.database.reading() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.seq > seq).order_by(AuditRow.seq)))


def last_seq(hub: Any) -> int:
    with hub.database.reading() as session:
        return session.scalar(select(func.max(AuditRow.seq))) or 0


def test_from_a_unit_to_a_nurse_who_signs_in_and_is_out_again(desk: Desk, tools: Any) -> None:
    device, made_by, sign_in = tools
    hub, seq = desk.hub, last_seq(desk.hub)
    desk.do("/units", {"organization_id": str(demo_id(TIMRA)), "name": "Ny hemsjukvård"})
    unit = next(one for one in desk.get("/places")["providers"][0]["units"] if one["name"] == "Ny hemsjukvård")
    maja = desk.do("/people", {**MAJA, "commission": {"unit_id": unit["id"], "role": "nurse"}})["person"]
    assert (maja["passkeys"], maja["link_until"], maja["myself"], maja["elsewhere"]) == (0, None, False, False)
    made = desk.do(f"/people/{maja['id']}/link", {"hours": 2})
    assert made["url"].startswith("http://localhost:8470/enter/#passkey=")
    assert len(made["qr"]) == len(made["qr"][0])
    assert set("".join(made["qr"])) == {"0", "1"}
    assert desk.person(maja["id"])["person"]["link_until"] == made["expires_at"]
    key = device()
    assert made_by(hub, made["url"].split("=")[1], key).status_code == 204
    assert sign_in(hub, key).json()["role"] == "nurse"
    detail = desk.person(maja["id"])
    assert (detail["person"]["passkeys"], len(detail["keys"])) == (1, 1)
    assert [one["role"] for one in detail["sessions"]] == ["nurse"]
    as_nurse = {**ORIGIN, "X-Carebag-As": "nurse"}
    assert hub.client.get("/api/me", headers=as_nurse).json()["name"] == "Maja Nordin"
    (commission,) = detail["person"]["commissions"]
    assert (commission["unit_id"], commission["signed_in"]) == (unit["id"], 1)
    desk.do(f"/commissions/{commission['id']}/end")
    assert hub.client.get("/api/me", headers=as_nurse).status_code == 401
    # each act is in the log once, by name, for the care provider who reviews it
    rows = [row for row in rows_since(hub, seq) if row.role == "administrator"]
    assert [row.action for row in rows] == [
        *("unit_added", "person_added", "commission_added", "passkey_link_made", "commission_ended")
    ]
    assert {(row.practitioner, row.organization, row.purpose) for row in rows} == {
        ("Lars Åström", TIMRA, "administration")
    }
    assert all(row.patient_id is None and row.visit_id is None for row in rows)


def test_lists_show_her_own_care_provider_alone(desk: Desk) -> None:
    places = desk.get("/places")
    assert (places["whole_hub"], [one["name"] for one in places["providers"]]) == (False, [TIMRA])
    assert desk.people() == ["Anna Lind", "Karin Berg", "Lars Åström"]
    desk.hub.enrol("Väska hos andra", PREMICARE)
    assert [one["name"] for one in desk.get("/kits")["kits"]] == ["Väska 1"]
    (counted,) = [one for one in places["providers"][0]["units"] if one["name"] == "Timrå hemsjukvård"]
    assert (counted["commissions"], counted["kits"]) == (1, 1)


def test_what_is_another_providers_is_as_if_it_were_not_there(desk: Desk) -> None:
    hub = desk.hub
    kit = hub.enrol("Väska hos andra", PREMICARE).kit_id
    now = hub.clock()
    with hub.database.transaction() as session:
        key = Passkey(
            id=uuid.uuid4(), practitioner_id=ELENA, credential_id=b"e", public_key=b"", sign_count=0, created_at=now
        )
        session.add(key)
    commission, nobody = demo_id("Elena Ruiz doctor"), uuid.uuid4()
    theirs = {"unit_id": str(THEIR_UNIT), "role": "nurse"}
    asked: list[tuple[str, uuid.UUID, Any]] = [
        *((f"/people/%s/{act}", ELENA, {}) for act in ("link", "recover", "sign-out", "end")),
        ("/people/%s/correct", ELENA, {"name": "X", "title": "x"}),
        ("/people/%s/commissions", ELENA, NURSE),
        ("/commissions/%s/end", commission, None),
        ("/keys/%s/end", key.id, None),
        ("/kits/%s/code", kit, {}),
        ("/kits/%s/revoke", kit, None),
    ]
    for path, known, body in asked:
        assert desk.refused(path % known, body) == (404, "not_found"), path
        assert desk.refused(path % nobody, body) == (404, "not_found"), path
    assert desk.ask("GET", f"/people/{ELENA}").status_code == 404
    for path, body in [
        ("/units", {"organization_id": str(demo_id(PREMICARE)), "name": "X"}),
        ("/people", {**MAJA, "commission": theirs}),
        (f"/people/{ANNA}/commissions", {**theirs, "role": "doctor"}),
        ("/kits", {"unit_id": str(THEIR_UNIT), "name": "X"}),
    ]:
        assert desk.refused(path, body) == (404, "not_found"), path
    assert desk.refused("/providers", {"name": "X"}) == (403, "reach_needed")


def test_who_administrates_the_whole_hub_reaches_all(small_hub: Any) -> None:
    whole_hub(small_hub)
    desk = Desk(small_hub)
    desk.do("/providers", {"name": "Ånge kommun", "hsa_id": "SE5565594230-V1"})
    places = desk.get("/places")
    assert places["whole_hub"]
    assert [one["name"] for one in places["providers"]] == [PREMICARE, TIMRA, "Ånge kommun"]
    assert "Elena Ruiz" in desk.people()
    desk.do(f"/people/{ELENA}/link", {})
    assert rows_since(small_hub, 0)[-1].organization == PREMICARE  # where it is reviewed


CHANGES: list[tuple[str, Any]] = [
    ("/providers", {"name": "X"}),
    ("/units", {"organization_id": str(demo_id(TIMRA)), "name": "X"}),
    ("/people", MAJA),
    (f"/people/{ANNA}/correct", {"name": "X", "title": "x"}),
    (f"/people/{ANNA}/commissions", {"unit_id": str(UNIT), "role": "doctor"}),
    *((f"/people/{ANNA}/{act}", {}) for act in ("link", "recover", "sign-out", "end")),
    (f"/commissions/{demo_id('Anna Lind nurse')}/end", None),
    (f"/keys/{uuid.UUID(int=1)}/end", None),
    ("/kits", {"unit_id": str(UNIT), "name": "X"}),
]


def test_every_change_needs_a_proof_of_the_last_five_minutes(small_desk: Desk) -> None:
    hub, desk = small_desk.hub, small_desk
    kits = [(f"/kits/{hub.kit.kit_id}/code", {}), (f"/kits/{hub.kit.kit_id}/revoke", None)]
    routes = [path for path in hub.app.openapi()["paths"] if path.startswith("/api/admin/")]
    posts = [path for path in routes if "post" in hub.app.openapi()["paths"][path] and not path.endswith("/search")]
    assert len(CHANGES) + len(kits) == len(posts)
    hub.clock.forward(minutes=5, seconds=1)
    for path, body in [*CHANGES, *kits]:
        assert desk.refused(path, body) == (403, "reauthenticate"), path
    assert desk.people("anna") == ["Anna Lind"]
    proved = desk.browser.post("/api/session/prove/demo", headers=desk.headers)
    assert proved.status_code == 204
    desk.do(*kits[1])


def test_nobody_shuts_herself_out_or_gives_herself_more(small_desk: Desk) -> None:
    desk = small_desk
    mine = demo_id("Lars Åström administrator")
    assert desk.refused(f"/commissions/{mine}/end") == (409, "own_last_commission")
    for role in ("nurse", "doctor", "reviewer"):
        body = {"unit_id": str(UNIT), "role": role}
        assert desk.refused(f"/people/{LARS}/commissions", body) == (403, "not_to_oneself")
    for act in ("link", "recover", "sign-out", "end"):
        assert desk.refused(f"/people/{LARS}/{act}", {}) == (409, "own_account")
    assert desk.refused(f"/people/{LARS}/correct", {"name": "L", "title": "x"}) == (409, "own_account")
    # a second one may go, and it may be the one in use
    other = give(desk.hub, LARS, UNIT, "administrator")
    desk.do(f"/commissions/{other}/end")
    assert desk.refused(f"/commissions/{mine}/end") == (409, "own_last_commission")


def test_administrators_are_made_on_the_hubs_machine(small_desk: Desk) -> None:
    body = {"unit_id": str(UNIT), "role": "administrator"}
    assert small_desk.refused(f"/people/{ANNA}/commissions", body) == (403, "by_operator")
    assert small_desk.refused("/people", {**MAJA, "commission": body}) == (403, "by_operator")


def test_a_colleague_may_be_ended_but_not_one_who_administrates_more(small_desk: Desk) -> None:
    desk, hub = small_desk, small_desk.hub
    wide = give(hub, ANNA, UNIT, "administrator", whole_hub=True)
    assert desk.refused(f"/commissions/{wide}/end") == (403, "reach_needed")
    for act in ("link", "recover", "sign-out", "end"):
        assert desk.refused(f"/people/{ANNA}/{act}", {}) == (403, "reach_needed")
    operator(hub, lambda c: staff.end_commission(c, c.session.get_one(Commission, wide)))
    narrow = give(hub, ANNA, UNIT, "administrator")
    desk.do(f"/commissions/{narrow}/end")


def test_one_key_does_not_open_another_providers_door(small_desk: Desk) -> None:
    """A link for somebody who also works elsewhere would let its maker in there."""
    desk = small_desk
    give(desk.hub, ANNA, THEIR_UNIT, "doctor")
    person = desk.person(ANNA)["person"]
    assert person["elsewhere"]
    assert [one["unit"] for one in person["commissions"]] == ["Timrå hemsjukvård"]
    for act in ("link", "recover", "sign-out", "end"):
        assert desk.refused(f"/people/{ANNA}/{act}", {}) == (409, "person_elsewhere")
    desk.do(f"/commissions/{demo_id('Anna Lind nurse')}/end")


def test_no_key_comes_to_anybody_unnoticed(desk: Desk, tools: Any) -> None:
    device, made_by, sign_in = tools
    hub = desk.hub
    key = device()
    made_by(hub, desk.do(f"/people/{ANNA}/link", {})["url"].split("=")[1], key)
    sign_in(hub, key)
    as_nurse = {**ORIGIN, "X-Carebag-As": "nurse"}
    assert desk.refused(f"/people/{ANNA}/link", {}) == (409, "has_key")
    assert hub.client.get("/api/me", headers=as_nurse).status_code == 200
    made = desk.do(f"/people/{ANNA}/recover", {})
    assert hub.actions()[-2:] == ["passkeys_ended", "passkey_link_made"]
    assert hub.client.get("/api/me", headers=as_nurse).status_code == 401
    assert sign_in(hub, key).status_code == 400
    assert desk.person(ANNA)["keys"] == []
    another = device()
    assert made_by(hub, made["url"].split("=")[1], another).status_code == 204
    (left,) = desk.person(ANNA)["keys"]
    desk.do(f"/keys/{left['id']}/end")
    assert desk.refused(f"/keys/{left['id']}/end") == (404, "not_found")
    assert sign_in(hub, another).status_code == 400


@pytest.mark.parametrize(("other_way", "hsa_id"), [(True, True), (True, False), (False, True)])
def test_who_comes_by_a_provider_gets_no_key_from_others(small_hub: Any, other_way: bool, hsa_id: bool) -> None:
    with small_hub.database.transaction() as session:
        person = session.get_one(Practitioner, ANNA)
        if not hsa_id:
            person.hsa_id = None
        lars = person_of(session, session.get_one(Commission, demo_id("Lars Åström administrator")))
        caller = PersonCaller(
            person=lars, organization_id=demo_id(TIMRA), session_id=uuid.uuid4(), address="", request_ref=""
        )
        desk = administration.Desk(Change(session, caller.actor(), small_hub.clock()), caller, whole_hub=False)
        for look in (desk.keyless, desk.recoverable):
            if other_way and hsa_id:
                with pytest.raises(Refused, match="comes_by_provider"):
                    look(ANNA, other_way=other_way)
            else:
                assert look(ANNA, other_way=other_way).id == ANNA


def test_a_passkey_could_not_choose_between_two_of_one_role(small_desk: Desk) -> None:
    unit = {"unit_id": str(demo_id("unit Timrå kommun, MAS")), "role": "nurse"}
    assert small_desk.refused(f"/people/{ANNA}/commissions", unit) == (409, "role_there")
    small_desk.do(f"/people/{ANNA}/commissions", {**unit, "role": "reviewer"})
    with small_desk.hub.database.reading() as session:
        theirs = select(Commission.role).where(Commission.practitioner_id == ANNA)
        assert set(session.scalars(theirs)) == {"nurse", "reviewer"}


def test_who_leaves_and_comes_back(small_desk: Desk) -> None:
    desk = small_desk
    desk.do(f"/people/{ANNA}/end")
    assert desk.refused(f"/people/{ANNA}/end") == (409, "nothing_to_end")
    assert "Anna Lind" not in desk.people()
    assert "Anna Lind" in desk.people(ended=True)
    assert desk.refused(f"/people/{ANNA}/link", {}) == (409, "person_without_commission")
    desk.do(f"/people/{ANNA}/commissions", NURSE)
    assert "Anna Lind" in desk.people()
    (now, before) = desk.person(ANNA)["person"]["commissions"]
    assert (now["ended_at"], before["ended_at"] is not None) == (None, True)


def test_names_are_corrected_and_signing_out_is_for_now(small_desk: Desk) -> None:
    desk, hub = small_desk, small_desk.hub
    nurse = hub.sign_in("nurse")
    desk.do(f"/people/{ANNA}/correct", {"name": "Anna Lindh", "title": "distriktssköterska"})
    assert hub.client.get("/api/me", headers=nurse).json()["name"] == "Anna Lindh"
    desk.do(f"/people/{ANNA}/sign-out")
    assert hub.client.get("/api/me", headers=nurse).status_code == 401
    assert hub.actions()[-2:] == ["person_corrected", "sessions_ended"]
    hub.sign_in("nurse")


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/units", {"name": "Timrå hemsjukvård"}, (409, "name_taken")),
        ("/units", {"name": " "}, (409, "name_missing")),
        ("/units", {"name": "X\u0007"}, (409, "not_plain_text")),
        ("/units", {"name": "X", "hsa_id": "SE5565594230"}, (422, "bad_hsa_id")),
        ("/units", {"name": "X", "hsa_id": "SE0000000000-A1"}, (409, "hsa_id_taken")),
        ("/units", {"name": "X\u202e"}, (422, "bad_request")),
        ("/people", {**MAJA, "name": ""}, (409, "name_missing")),
        ("/people", {**MAJA, "hsa_id": "SE0000000000-A1"}, (409, "hsa_id_taken")),
        ("/people", {**MAJA, "commission": {**NURSE, "role": "kit"}}, (422, "bad_request")),
        (f"/people/{ANNA}/link", {"hours": 169}, (422, "bad_request")),
        ("/kits", {"unit_id": str(UNIT), "name": "Väska 1"}, (409, "name_taken")),
        ("/kits", {"unit_id": str(UNIT), "name": "Väska 2", "minutes": 0}, (422, "bad_request")),
    ],
)
def test_what_cannot_be_is_refused_with_a_word(small_desk: Desk, path: str, body: Any, refusal: Any) -> None:
    sent = {"organization_id": str(demo_id(TIMRA)), **body} if path == "/units" else body
    assert small_desk.refused(path, sent) == refusal


def test_kits_are_seen_coded_and_shut_out(desk: Desk) -> None:
    hub = desk.hub
    kit = hub.kit.kit_id
    (before,) = desk.get("/kits")["kits"]
    assert (before["seen_at"], before["connected"]) == (None, False)
    hub.visits()
    assert desk.get("/kits")["kits"][0]["seen_at"] is not None
    code = desk.do("/kits", {"unit_id": str(UNIT), "name": "Väska 2", "minutes": 30})
    assert code["hub"] == "http://localhost:8470"
    again = desk.do(f"/kits/{kit}/code", {})
    waiting = desk.get("/kits")["codes"]
    assert [(one["name"], one["kit_id"]) for one in waiting] == [("Väska 2", None), ("Väska 1", str(kit))]
    assert waiting[0]["expires_at"] == code["expires_at"]
    assert code["code"] not in desk.ask("GET", "/kits").text
    desk.do(f"/kits/{kit}/revoke")
    answer = hub.kit.request("GET", "/api/kit/visits")
    assert (answer.status_code, answer.json()["code"]) == (401, "kit_revoked")
    assert desk.refused(f"/kits/{kit}/revoke") == (409, "already_revoked")
    (shut,) = desk.get("/kits")["kits"]
    assert shut["revoked_at"] is not None
    assert [one["name"] for one in desk.get("/kits")["codes"]] == ["Väska 2"]  # the code for it stopped working
    assert again["code"] != code["code"]
    assert hub.actions()[-3:] == ["kit_code_made", "kit_code_made", "kit_revoked"]


def test_a_kit_that_is_connected_says_so(small_desk: Desk) -> None:
    hub = small_desk.hub
    target = "/api/ws/kit"
    proof = hub.kit.proof("GET", target)
    with hub.client.websocket_connect(f"ws://localhost:8470{target}", headers={"Authorization": proof}) as socket:
        socket.send_json({"type": "hello", "protocol": 2, "client": "kit"})
        while socket.receive_json()["type"] != "kit_visits":
            pass
        assert small_desk.get("/kits")["kits"][0]["connected"]


def test_last_seen_is_written_now_and_then(small_desk: Desk) -> None:
    hub = small_desk.hub
    hub.visits()
    first = small_desk.get("/kits")["kits"][0]["seen_at"]
    hub.clock.forward(minutes=4)
    hub.visits()
    assert small_desk.get("/kits")["kits"][0]["seen_at"] == first
    hub.clock.forward(minutes=1)
    hub.visits()
    assert small_desk.get("/kits")["kits"][0]["seen_at"] > first


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("åst", ["Lars Åström"]),
        ("ÅSTRÖM lars", ["Lars Åström"]),
        ("hemsjuk", ["Anna Lind"]),
        ("a1", ["Anna Lind"]),
        ("%", []),
        ("lars elena", []),
    ],
)
def test_people_are_found_by_words(small_desk: Desk, text: str, names: list[str]) -> None:
    assert small_desk.people(text) == names


def test_many_people_are_told_of_and_not_all_shown(small_hub: Any) -> None:
    def work(change: Change) -> None:
        unit = change.session.get_one(CareUnit, UNIT)
        for number in range(admin_routes.SHOWN):
            person = staff.add_person(change, f"Nurse {number:03}", "ssk")
            staff.add_commission(change, person, unit, "nurse")

    operator(small_hub, work)
    found = Desk(small_hub).do("/people/search", {})
    assert (len(found["people"]), found["total"]) == (admin_routes.SHOWN, admin_routes.SHOWN + 3)


def test_no_patient_is_on_the_page_nor_within_its_reach(small_desk: Desk) -> None:
    desk, hub = small_desk, small_desk.hub
    told = "".join(desk.ask("GET", path).text for path in ("/places", "/kits", f"/people/{ANNA}"))
    told += desk.ask("POST", "/people/search", {}).text
    assert not [ill.name for ill in PATIENTS if ill.name in told or ill.personal_id in told]
    visit = hub.visits()[0]["id"]
    for path in ("/api/visits", f"/api/visits/{visit}", f"/api/review/visits/{visit}/events", "/api/review/visits"):
        answer = desk.browser.get(path, headers=desk.headers)
        assert (answer.status_code, answer.json()) == (403, {"code": "wrong_role"}), path


def test_the_code_behind_the_page_knows_no_table_of_patients() -> None:
    staffs = {"Practitioner", "Commission", "Organization", "Kit", "Passkey", "SignedIn"}
    for module in (admin_routes, administration, staff_lists):
        assert module.__file__
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "carebag_server.tables":
                assert {one.name for one in node.names} <= staffs, module.__name__


def test_a_foreign_page_changes_nothing(small_desk: Desk) -> None:
    headers = {**small_desk.headers, "Origin": "https://elsewhere.example"}
    answer = small_desk.browser.post(f"/api/admin/people/{ANNA}/end", headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"code": "foreign_origin"})


def test_a_link_made_beside_the_hub_is_shown_as_waiting(small_desk: Desk) -> None:
    hub = small_desk.hub
    valid = timedelta(hours=3)
    operator(hub, lambda c: passkey_links.issue(c, c.session.get_one(Practitioner, ANNA), valid))
    until = small_desk.person(ANNA)["person"]["link_until"]
    assert until.startswith((hub.clock() + valid).strftime("%Y-%m-%dT%H:%M"))
    with hub.database.reading() as session:
        assert session.get(Organization, demo_id(TIMRA)) is not None
        assert session.scalar(select(func.count()).select_from(Kit)) == 1
