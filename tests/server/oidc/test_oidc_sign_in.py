"""Sign-in by a provider over real HTTP: what is asked of it, what is believed, what is refused, and in which words."""

import logging
import re
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey
from sqlalchemy import select, update

from carebag_server.oidc.claims import CARE
from carebag_server.tables import Commission, Practitioner

HOME = "http://localhost:8470"
SECRET = "a-secret-of-32-characters-or-more"
AS_DOCTOR = {"Origin": HOME, "X-Carebag-As": "doctor"}


def problem(answer: Any) -> tuple[int, str]:
    found = re.search(r"url=/enter/#problem=([a-z0-9_]+)", answer.text)
    assert found, answer.text
    return answer.status_code, found[1]


def test_a_doctor_signs_in_in_the_commission_that_the_provider_says(oidc_hub: Any) -> None:
    answer = oidc_hub.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/doctor/")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("carebag_doctor="))
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    me = oidc_hub.client.get("/api/me", headers=AS_DOCTOR).json()
    assert (me["name"], me["role"]) == ("Elena Ruiz", "doctor")
    assert oidc_hub.actions()[-1] == "signed_in"


def test_it_replaces_the_session_that_the_browser_had(oidc_hub: Any) -> None:
    """The way back comes from another site: browsers leave its strict cookie out."""
    oidc_hub.sign_in()
    old = oidc_hub.client.cookies["carebag_doctor"]
    there = oidc_hub.to_provider()
    oidc_hub.client.cookies.delete("carebag_doctor")
    oidc_hub.back(there)
    assert oidc_hub.client.get("/api/me", headers=AS_DOCTOR).status_code == 200
    browser = oidc_hub.browser()
    browser.cookies.set("carebag_doctor", old, domain="localhost.local")
    assert browser.get("/api/me", headers=AS_DOCTOR).json() == {"code": "not_signed_in"}


@pytest.mark.parametrize(
    ("site", "goes"), [("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False)]
)
def test_another_site_begins_nobodys_sign_in(oidc_hub: Any, site: str, goes: bool) -> None:
    """Who is known to the provider would be signed in without a press."""
    answer = oidc_hub.client.get("/api/oidc/start", headers={"Sec-Fetch-Site": site})
    assert (answer.status_code, answer.headers["location"] != "/") == (303, goes)


@pytest.mark.parametrize(
    ("ago", "fresh"), [(0, True), (299, True), (-30, True), (301, False), (-90, False), (None, False)]
)
def test_what_was_proved_to_the_provider_long_ago_is_no_fresh_proof(oidc_hub: Any, ago: Any, fresh: bool) -> None:
    now = int(oidc_hub.clock().timestamp())
    oidc_hub.provider.changes = {"auth_time": None if ago is None else now - ago}
    assert oidc_hub.sign_in().status_code == 303
    assert oidc_hub.client.get("/api/session", headers=AS_DOCTOR).json()["fresh"] is fresh


def test_what_is_asked_of_the_provider(oidc_hub: Any) -> None:
    there = oidc_hub.to_provider()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
    assert asked["redirect_uri"] == f"{HOME}/api/oidc/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "openid profile"
    assert asked["acr_values"] == "http://id.sambi.se/loa/loa3"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert "prompt" not in asked
    assert "max_age" not in asked


def test_the_redirect_is_ours_whatever_the_browser_says_it_asked(oidc_hub: Any) -> None:
    answer = oidc_hub.client.get("/api/oidc/start", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()) == (421, {"code": "foreign_host"})
    there = oidc_hub.client.get("/api/oidc/start", headers={"Referer": "http://evil.example"}).headers["location"]
    assert parse_qs(urlsplit(there).query)["redirect_uri"] == [f"{HOME}/api/oidc/callback"]


def test_a_replayed_callback_is_refused_in_words(oidc_hub: Any) -> None:
    back = oidc_hub.provider.authorize(oidc_hub.to_provider())
    assert oidc_hub.client.get(back).status_code == 303
    assert problem(oidc_hub.client.get(back)) == (401, "oidc_replayed")


def test_a_callback_in_another_browser_is_refused(oidc_hub: Any) -> None:
    """Nobody is signed in as somebody else by a link that was sent to them."""
    back = oidc_hub.provider.authorize(oidc_hub.to_provider())
    elsewhere = oidc_hub.browser()
    elsewhere.portal = oidc_hub.client.portal
    assert problem(elsewhere.get(back)) == (401, "oidc_replayed")


@pytest.mark.parametrize("query", ["", "?state=x", "?code=a&state=", "?state=%00", f"?state={'x' * 4000}&code=c"])
def test_an_invented_callback_is_refused(oidc_hub: Any, query: str) -> None:
    assert problem(oidc_hub.client.get(f"/api/oidc/callback{query}")) == (401, "oidc_replayed")


def test_ten_minutes_are_enough(oidc_hub: Any, clock: Any) -> None:
    there = oidc_hub.to_provider()
    clock.forward(minutes=10)
    assert problem(oidc_hub.back(there)) == (401, "oidc_replayed")


def test_who_gave_up_is_told_so(oidc_hub: Any) -> None:
    state = parse_qs(urlsplit(oidc_hub.to_provider()).query)["state"][0]
    answer = oidc_hub.client.get(f"/api/oidc/callback?error=access_denied&state={state}")
    assert problem(answer) == (401, "oidc_cancelled")


def test_an_answer_of_another_issuer_is_refused(oidc_hub: Any) -> None:
    back = oidc_hub.provider.authorize(oidc_hub.to_provider())
    assert problem(oidc_hub.client.get(f"{back}&iss=http://evil.example")) == (401, "oidc_refused")


def test_a_code_of_another_browsers_way_is_refused(oidc_hub: Any) -> None:
    """A stolen code comes with another verifier (PKCE)."""
    oidc_hub.provider.authorize(oidc_hub.to_provider())
    state = parse_qs(urlsplit(oidc_hub.to_provider()).query)["state"][0]
    assert problem(oidc_hub.client.get(f"/api/oidc/callback?code=code-0&state={state}")) == (401, "oidc_refused")


HOUR = int(timedelta(hours=1).total_seconds())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://evil.example"},
        {"aud": "another"},
        {"aud": ["carebag", "another"], "azp": "another"},
        {"nonce": "another"},
        *({name: None} for name in ("iss", "sub", "aud", "exp", "iat", "nonce")),
    ],
)
def test_a_token_of_or_for_somebody_else_is_refused(oidc_hub: Any, changes: dict[str, Any]) -> None:
    oidc_hub.provider.changes = changes
    assert problem(oidc_hub.sign_in()) == (401, "oidc_refused")


@pytest.mark.parametrize(("name", "seconds"), [("exp", -61), ("iat", HOUR), ("nbf", HOUR)])
def test_a_token_of_another_time_is_refused(oidc_hub: Any, clock: Any, name: str, seconds: int) -> None:
    oidc_hub.provider.changes = {name: int(clock().timestamp()) + seconds}
    assert problem(oidc_hub.sign_in()) == (401, "oidc_refused")


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_token_that_no_key_of_the_provider_signed_is_refused(oidc_hub: Any, alg: str) -> None:
    oidc_hub.provider.header = {"alg": alg, "kid": "one"}
    assert problem(oidc_hub.sign_in()) == (401, "oidc_refused")


def test_a_secret_that_the_provider_publishes_signs_nobody_in(oidc_hub: Any) -> None:
    made = oidc_hub.provider
    made.header = {"alg": "HS256", "kid": "shared"}
    made.shown = [made.key, OctKey.import_key(SECRET, {"kid": "shared"})]
    assert problem(oidc_hub.sign_in()) == (401, "oidc_refused")


def test_a_token_signed_by_another_key_is_refused(oidc_hub: Any) -> None:
    oidc_hub.provider.signs_with = oidc_hub.provider.other_key
    assert problem(oidc_hub.sign_in()) == (401, "oidc_refused")


def test_a_provider_may_take_a_new_key(oidc_hub: Any) -> None:
    assert oidc_hub.sign_in().status_code == 303
    made = oidc_hub.provider
    made.shown, made.signs_with, made.header = [made.other_key], made.other_key, {"alg": "RS256", "kid": "two"}
    assert oidc_hub.sign_in().status_code == 303


def test_a_weaker_level_than_asked_for_is_refused(oidc_hub: Any) -> None:
    oidc_hub.provider.claims["acr"] = "http://id.sambi.se/loa/loa2"
    assert problem(oidc_hub.sign_in()) == (401, "oidc_weak")
    del oidc_hub.provider.claims["acr"]
    assert problem(oidc_hub.sign_in()) == (401, "oidc_weak")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"employeeHsaId": None}, "oidc_no_employee"),
        ({"employeeHsaId": "SE0000000000-Z9"}, "oidc_unknown_person"),
        ({"employeeHsaId": ["a", "b"]}, "oidc_bad_claims"),
        ({"employeeHsaId": {"a": 1}}, "oidc_bad_claims"),
        ({"commissionHsaId": "SE0000000000-Z9"}, "oidc_unknown_commission"),
        ({"commissionHsaId": "SE0000000000-U3"}, "oidc_unknown_commission"),  # another person's
        (dict.fromkeys(["commissionHsaId", "commissionPurpose", "healthCareProviderHsaId"]), "oidc_no_commission"),
        ({"commissionPurpose": None}, "oidc_bad_claims"),
        ({"healthCareProviderHsaId": None}, "oidc_bad_claims"),
        ({"commissionPurpose": "Administration"}, "oidc_wrong_purpose"),
        ({"commissionPurpose": CARE.lower()}, "oidc_wrong_purpose"),
    ],
)
def test_who_does_not_fit_is_refused_in_words_and_never_made(oidc_hub: Any, changes: Any, code: str) -> None:
    with oidc_hub.database.reading() as session:
        before = (len(session.scalars(select(Practitioner)).all()), len(session.scalars(select(Commission)).all()))
    oidc_hub.provider.changes = changes
    assert problem(oidc_hub.sign_in()) == (403, code)
    assert oidc_hub.client.get("/api/me", headers=AS_DOCTOR).status_code == 401
    with oidc_hub.database.reading() as session:
        after = (len(session.scalars(select(Practitioner)).all()), len(session.scalars(select(Commission)).all()))
    assert after == before


def test_a_commission_of_another_care_provider_is_another(oidc_hub: Any) -> None:
    with oidc_hub.database.transaction() as session:
        session.execute(update(Commission).values(provider_hsa_id="SE0000000000-V9"))
    assert problem(oidc_hub.sign_in()) == (403, "oidc_unknown_commission")
    oidc_hub.provider.claims["healthCareProviderHsaId"] = "SE0000000000-V9"
    assert oidc_hub.sign_in().status_code == 303


def test_an_ended_commission_opens_nothing(oidc_hub: Any, clock: Any) -> None:
    with oidc_hub.database.transaction() as session:
        session.execute(update(Commission).values(ended_at=clock()))
    assert problem(oidc_hub.sign_in()) == (403, "oidc_unknown_commission")


def test_claims_may_come_by_userinfo_of_the_same_subject(oidc_hub: Any) -> None:
    made = oidc_hub.provider
    made.userinfo = {"sub": "s1", **{name: made.claims.pop(name) for name in list(made.claims) if name != "acr"}}
    assert oidc_hub.sign_in().status_code == 303
    made.userinfo["sub"] = "s2"
    assert problem(oidc_hub.sign_in()) == (401, "oidc_refused")


def with_two_commissions(hub: Any) -> str:
    other = uuid.uuid4()
    with hub.database.transaction() as session:
        doctor = session.scalars(select(Commission).where(Commission.role == "doctor")).one()
        session.add(
            Commission(
                id=other, practitioner_id=doctor.practitioner_id, organization_id=doctor.organization_id,
                unit="Kvalitet", role="reviewer", hsa_id="SE0000000000-U9", purpose="Kvalitetssäkring",
            )
        )  # fmt: skip
    hub.provider.claims |= {
        "commissionHsaId": ["SE0000000000-U2", "SE0000000000-U9", "SE0000000000-Z9"],
        "commissionPurpose": [CARE, "Kvalitetssäkring", CARE],
        "healthCareProviderHsaId": ["V2", "V2", "V3"],
    }
    return str(other)


def test_who_has_several_commissions_chooses_once(oidc_hub: Any) -> None:
    other = with_two_commissions(oidc_hub)
    assert oidc_hub.sign_in().headers["location"] == "/enter/#choose"
    offered = oidc_hub.client.get("/api/oidc/choices").json()
    assert {one["role"] for one in offered} == {"doctor", "reviewer"}
    assert oidc_hub.client.get("/api/me", headers=AS_DOCTOR).status_code == 401

    def choose(commission_id: str) -> Any:
        said = {"commission_id": commission_id}
        return oidc_hub.client.post("/api/oidc/choose", json=said, headers={"Origin": HOME})

    assert choose(str(uuid.UUID(int=1))).json() == {"code": "no_commission"}
    assert choose(other).json() == {"role": "reviewer", "next": "/review/"}
    assert choose(other).json() == {"code": "oidc_replayed"}


def test_another_browser_chooses_nothing(oidc_hub: Any) -> None:
    other = with_two_commissions(oidc_hub)
    oidc_hub.sign_in()
    elsewhere = oidc_hub.browser()
    elsewhere.portal = oidc_hub.client.portal
    assert elsewhere.get("/api/oidc/choices").status_code == 401
    said = elsewhere.post("/api/oidc/choose", json={"commission_id": other}, headers={"Origin": HOME})
    assert said.status_code == 401


@pytest.mark.parametrize(
    "changes",
    [{"issuer": "http://evil.example"}, {"token_endpoint": "http://evil.example/t"}, {"jwks_uri": 1}, {"jwks_uri": ""}],
)
def test_a_provider_that_says_odd_things_of_itself_is_not_used(oidc_hub: Any, changes: Any) -> None:
    oidc_hub.provider.metadata_changes = changes
    assert problem(oidc_hub.client.get("/api/oidc/start")) == (503, "oidc_away")


def test_a_provider_that_is_away_is_said_to_be(oidc_hub: Any) -> None:
    oidc_hub.provider.status = 502
    assert problem(oidc_hub.client.get("/api/oidc/start")) == (503, "oidc_away")


def test_without_a_provider_there_is_no_way_to_it(small_hub: Any) -> None:
    assert small_hub.client.get("/api/oidc/provider").json() == {"name": ""}
    assert small_hub.client.get("/api/oidc/start").status_code == 404


def test_no_claim_and_no_secret_in_a_log(oidc_hub: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        oidc_hub.sign_in()
        oidc_hub.provider.changes = {"employeeHsaId": "SE0000000000-CANARY", "nonce": "x"}
        oidc_hub.sign_in()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("carebag"))
    assert "refused" in ours
    for secret in ("CANARY", "A2", "code-", "state=", "a-secret"):
        assert secret not in ours


# A renewed proof


@pytest.fixture
def doctor(oidc_hub: Any) -> dict[str, str]:
    assert oidc_hub.sign_in().status_code == 303
    return AS_DOCTOR


def prove(hub: Any) -> str:
    return str(hub.to_provider("/api/oidc/prove?as=doctor"))


def test_a_proof_is_renewed_by_legitimating_anew(oidc_hub: Any, doctor: Any, clock: Any) -> None:
    clock.forward(minutes=6)
    there = prove(oidc_hub)
    asked = parse_qs(urlsplit(there).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    session = "/api/session"
    assert oidc_hub.client.get(session, headers=doctor).json()["fresh"] is False
    assert oidc_hub.back(there).headers["location"] == "/enter/#proved"
    assert oidc_hub.client.get(session, headers=doctor).json()["fresh"] is True
    assert oidc_hub.actions()[-1] == "identity_proved"


def test_a_locked_session_is_opened_by_it(oidc_hub: Any, doctor: Any, clock: Any) -> None:
    clock.forward(minutes=20)
    assert oidc_hub.client.get("/api/me", headers=doctor).status_code == 401
    assert oidc_hub.back(prove(oidc_hub)).status_code == 303
    assert oidc_hub.client.get("/api/me", headers=doctor).status_code == 200


def test_a_provider_that_did_not_ask_anew_proves_nothing(oidc_hub: Any, doctor: Any, clock: Any) -> None:
    before = int(clock().timestamp())
    clock.forward(minutes=6)
    for auth_time in (before, None, "now"):
        oidc_hub.provider.changes = {"auth_time": auth_time}
        status, code = problem(oidc_hub.back(prove(oidc_hub)))
        assert (status, code) in {(401, "oidc_not_renewed"), (401, "oidc_refused")}
        assert oidc_hub.client.get("/api/session", headers=doctor).json()["fresh"] is False


def test_another_person_opens_nothing(oidc_hub: Any, doctor: Any, clock: Any) -> None:
    clock.forward(minutes=20)
    oidc_hub.provider.claims["employeeHsaId"] = "SE0000000000-A3"
    assert problem(oidc_hub.back(prove(oidc_hub))) == (403, "other_person")
    assert oidc_hub.client.get("/api/me", headers=doctor).json() == {"code": "session_locked"}


def test_a_proof_for_one_session_signs_nobody_in(oidc_hub: Any, doctor: Any) -> None:
    there = prove(oidc_hub)
    oidc_hub.client.post("/api/session/end", headers=doctor)
    assert problem(oidc_hub.back(there)) == (401, "session_ended")
