"""Passkeys against a software authenticator that makes the bytes of Web Authentication level 3 itself."""

import base64
import hashlib
import json
import struct
import uuid
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import select

from carebag_server.tables import AuditRow, Commission, SignedIn

HOME = "http://localhost:8470"
ORIGIN = {"Origin": HOME}
USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """One passkey on one device (Web Authentication, section 6.1: authenticator data)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = uuid.uuid4().bytes
        self.count = 0
        self.origin, self.rp_id, self.flags = HOME, "localhost", USER_PRESENT | USER_VERIFIED

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        self.count += 1
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response,
                "clientExtensionResults": {}, "authenticatorAttachment": "platform"}  # fmt: skip

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        data = self._data(self.flags | ATTESTED) + attested
        client = self._client_data("webauthn.create", options["challenge"])
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attestation), "transports": []})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        data, client = self._data(self.flags), self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": b64(client),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": None,
            }
        )


def post(hub: Any, path: str, body: Any = None, headers: Any = ORIGIN) -> Any:
    return hub.client.post(f"/api/passkey/{path}", headers=headers, json=body)


def answer_to(offered: Any, credential: Any, **more: Any) -> dict[str, Any]:
    return {"challenge_id": offered["challenge_id"], "credential": credential, **more}


def register(hub: Any, headers: Any, device: Authenticator) -> Any:
    offered = post(hub, "register/options", headers=headers).json()
    return post(hub, "register/verify", answer_to(offered, device.create(offered["options"])), headers)


@pytest.fixture
def device(hub: Any, doctor: Any) -> Authenticator:
    made = Authenticator()
    assert register(hub, doctor, made).status_code == 204
    hub.client.cookies.clear()
    return made


def log_in(hub: Any, device: Authenticator, **more: Any) -> Any:
    offered = post(hub, "login/options").json()
    return post(hub, "login/verify", answer_to(offered, device.get(offered["options"]), **more))


def test_register_and_sign_in(hub: Any, device: Authenticator, clock: Any) -> None:
    assert log_in(hub, device).json() == {"role": "doctor", "next": "/doctor/"}
    me = hub.client.get("/api/me", headers={"X-Carebag-As": "doctor"}).json()
    assert me["name"] == "Elena Ruiz"
    assert hub.actions()[-2:] == ["passkey_added", "signed_in"]
    assert log_in(hub, device).status_code == 200


def test_the_options_ask_for_a_verified_person(hub: Any, doctor: Any) -> None:
    offered = post(hub, "register/options", headers=doctor).json()["options"]
    assert offered["rp"]["id"] == "localhost"
    assert offered["authenticatorSelection"]["userVerification"] == "required"
    assert offered["authenticatorSelection"]["residentKey"] == "required"
    assert post(hub, "login/options").json()["options"]["userVerification"] == "required"


def test_who_is_not_signed_in_registers_nothing(hub: Any) -> None:
    assert post(hub, "register/options", headers={**ORIGIN, "X-Carebag-As": "doctor"}).status_code == 401


def test_a_replay_is_refused(hub: Any, device: Authenticator) -> None:
    offered = post(hub, "login/options").json()
    answer = answer_to(offered, device.get(offered["options"]))
    assert post(hub, "login/verify", answer).status_code == 200
    again = post(hub, "login/verify", answer)
    assert (again.status_code, again.json()) == (410, {"code": "challenge_unknown"})
    other = post(hub, "login/options").json()
    assert post(hub, "login/verify", answer_to(other, answer["credential"])).json() == {"code": "passkey_refused"}


def test_an_old_challenge_is_refused(hub: Any, device: Authenticator, clock: Any) -> None:
    offered = post(hub, "login/options").json()
    clock.forward(minutes=5)
    answer = post(hub, "login/verify", answer_to(offered, device.get(offered["options"])))
    assert (answer.status_code, answer.json()) == (410, {"code": "challenge_unknown"})


@pytest.mark.parametrize(
    ("field", "value"),
    [("origin", "http://evil.example"), ("origin", "http://localhost:9999"), ("rp_id", "evil.example"),
     ("flags", USER_PRESENT), ("flags", 0), ("key", ec.generate_private_key(ec.SECP256R1())), ("id", b"unknown")],
)  # fmt: skip
def test_wrong_origin_party_flags_key(hub: Any, device: Authenticator, field: str, value: Any) -> None:
    setattr(device, field, value)
    answer = log_in(hub, device)
    assert (answer.status_code, answer.json()) == (400, {"code": "passkey_refused"})


def test_a_counter_that_goes_back_is_a_copy(hub: Any, device: Authenticator) -> None:
    assert log_in(hub, device).status_code == 200
    device.count = 0
    assert log_in(hub, device).json() == {"code": "passkey_refused"}


def test_a_registration_challenge_is_its_persons(hub: Any, doctor: Any) -> None:
    offered = post(hub, "register/options", headers=doctor).json()
    reviewer = hub.sign_in("reviewer")
    credential = Authenticator().create(offered["options"])
    assert post(hub, "register/verify", answer_to(offered, credential), reviewer).status_code == 410
    assert post(hub, "login/verify", answer_to(offered, credential)).status_code == 410


def test_a_passkey_is_registered_once(hub: Any, doctor: Any) -> None:
    device = Authenticator()
    assert register(hub, doctor, device).status_code == 204
    assert register(hub, doctor, device).json() == {"code": "passkey_refused"}


def another_commission(hub: Any, role: str, unit: str) -> None:
    with hub.database.transaction() as session:
        doctor = session.scalars(select(Commission).where(Commission.role == "doctor")).first()
        session.add(
            Commission(
                id=uuid.uuid4(),
                practitioner_id=doctor.practitioner_id,
                organization_id=doctor.organization_id,
                unit=unit,
                role=role,
            )
        )


def chosen(hub: Any, commission_id: str) -> Any:
    return hub.client.post("/api/oidc/choose", headers=ORIGIN, json={"commission_id": commission_id})


def test_two_units_of_one_role_are_chosen_between_with_one_touch(hub: Any, device: Authenticator) -> None:
    """The unit is in the session and in the log, the proof is as fresh as the touch, and it is chosen once."""
    another_commission(hub, "doctor", "Natten")
    hub.client.cookies.clear()
    before = len(hub.actions())
    assert log_in(hub, device).json()["next"] == "/enter/#choose"
    assert "signed_in" not in hub.actions()[before:]
    offered = hub.client.get("/api/oidc/choices").json()
    assert {one["role"] for one in offered} == {"doctor"}
    night = next(one for one in offered if one["unit"] == "Natten")
    assert chosen(hub, str(uuid.uuid4())).json() == {"code": "no_commission"}
    assert chosen(hub, night["commission_id"]).json() == {"role": "doctor", "next": "/doctor/"}
    assert chosen(hub, night["commission_id"]).json() == {"code": "oidc_replayed"}
    with hub.database.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "signed_in").order_by(AuditRow.seq)).all()[-1]
        signed_in = session.scalars(select(SignedIn).order_by(SignedIn.created_at)).all()[-1]
    assert (row.care_unit, row.object) == ("Natten", "by passkey")
    assert (str(signed_in.commission_id), signed_in.proved_by) == (night["commission_id"], "passkey")
    assert signed_in.proved_at == signed_in.created_at


def test_another_browser_chooses_nothing(hub: Any, device: Authenticator) -> None:
    another_commission(hub, "reviewer", "x")
    assert log_in(hub, device, role="nurse").json() == {"code": "no_commission"}
    assert log_in(hub, device, role="reviewer").json()["role"] == "reviewer"
    assert log_in(hub, device).json()["next"] == "/enter/#choose"
    offered = hub.client.get("/api/oidc/choices").json()
    hub.client.cookies.clear()
    assert chosen(hub, offered[0]["commission_id"]).json() == {"code": "oidc_replayed"}


@pytest.mark.parametrize("credential", [{}, {"id": 1}, {"id": "a", "rawId": "a", "type": "public-key", "response": []}])
def test_odd_answers_are_refused(hub: Any, device: Authenticator, credential: Any) -> None:
    offered = post(hub, "login/options").json()
    answer = post(hub, "login/verify", answer_to(offered, credential))
    assert (answer.status_code, answer.json()) == (400, {"code": "passkey_refused"})


# Several keys, and proofs by them


def keys_of(hub: Any, headers: Any) -> Any:
    return hub.client.get("/api/passkey/keys", headers=headers).json()


def end(hub: Any, headers: Any, key_id: str) -> Any:
    return post(hub, f"keys/{key_id}/end", headers=headers)


def prove(hub: Any, headers: Any, device: Authenticator, options_from: Any = None) -> Any:
    offered = post(hub, "prove/options", headers=options_from or headers).json()
    return post(hub, "prove/verify", answer_to(offered, device.get(offered["options"])), headers)


@pytest.fixture
def signed_in(hub: Any, device: Authenticator) -> dict[str, str]:
    assert log_in(hub, device).status_code == 200
    return {**ORIGIN, "X-Carebag-As": "doctor"}


def test_keys_have_names_and_say_when_they_were_used(hub: Any, device: Any, signed_in: Any, clock: Any) -> None:
    (key,) = keys_of(hub, signed_in)
    assert (key["name"], key["used_at"]) == ("", "2026-11-23T09:30:00Z")
    named = post(hub, f"keys/{key['id']}/name", {"name": "  Jobbdatorn "}, signed_in)
    assert named.json()["name"] == "Jobbdatorn"
    other = Authenticator()
    clock.forward(seconds=30)  # keys stand in the order in which they were made
    assert register(hub, signed_in, other).status_code == 204
    clock.forward(seconds=30)
    assert log_in(hub, other).status_code == 200
    assert [(one["name"], one["used_at"]) for one in keys_of(hub, signed_in)] == [
        ("Jobbdatorn", "2026-11-23T09:30:00Z"),
        ("", "2026-11-23T09:31:00Z"),
    ]


def test_the_last_key_is_kept_where_there_is_no_other_way(hub: Any, device: Any, signed_in: Any) -> None:
    (key,) = keys_of(hub, signed_in)
    refused = end(hub, signed_in, key["id"])
    assert (refused.status_code, refused.json()) == (409, {"code": "last_way_in"})
    assert log_in(hub, device).status_code == 200


def test_an_ended_key_opens_nothing_and_is_not_taken_again(hub: Any, device: Any, signed_in: Any) -> None:
    (key,) = keys_of(hub, signed_in)
    assert register(hub, signed_in, Authenticator()).status_code == 204
    assert end(hub, signed_in, key["id"]).status_code == 204
    assert hub.actions()[-1] == "passkey_ended"
    assert [one["id"] for one in keys_of(hub, signed_in)] != [key["id"]]
    assert end(hub, signed_in, key["id"]).status_code == 404
    assert post(hub, f"keys/{key['id']}/name", {"name": "x"}, signed_in).status_code == 404
    assert prove(hub, signed_in, device).json() == {"code": "passkey_refused"}
    assert register(hub, signed_in, device).json() == {"code": "passkey_refused"}
    assert log_in(hub, device).json() == {"code": "passkey_refused"}


def test_nobody_sees_or_ends_anothers_keys(hub: Any, signed_in: Any) -> None:
    (key,) = keys_of(hub, signed_in)
    reviewer = hub.sign_in("reviewer")
    assert keys_of(hub, reviewer) == []
    assert end(hub, reviewer, key["id"]).status_code == 404
    assert post(hub, f"keys/{key['id']}/name", {"name": "x"}, reviewer).status_code == 404


def test_keys_are_made_and_ended_by_who_is_proved_lately(hub: Any, device: Any, signed_in: Any, clock: Any) -> None:
    (key,) = keys_of(hub, signed_in)
    clock.forward(minutes=6)
    for refused in (post(hub, "register/options", headers=signed_in), end(hub, signed_in, key["id"])):
        assert (refused.status_code, refused.json()) == (403, {"code": "reauthenticate"})
    assert prove(hub, signed_in, device).status_code == 204
    assert register(hub, signed_in, Authenticator()).status_code == 204


def test_who_came_by_a_link_and_has_no_key_makes_one_at_any_time(hub: Any, doctor: Any, clock: Any) -> None:
    clock.forward(minutes=10)
    assert register(hub, doctor, Authenticator()).status_code == 204
    session = hub.client.get("/api/session", headers=doctor).json()
    assert (session["fresh"], session["ways"]) == (True, ["passkey", "demo"])


def test_a_proof_opens_a_locked_session(hub: Any, device: Any, signed_in: Any, clock: Any) -> None:
    clock.forward(minutes=20)
    assert hub.client.get("/api/me", headers=signed_in).status_code == 401
    assert prove(hub, signed_in, device).status_code == 204
    assert hub.client.get("/api/me", headers=signed_in).status_code == 200
    assert hub.actions()[-1] == "identity_proved"


def test_a_proof_is_of_its_person_and_its_session(hub: Any, device: Any, signed_in: Any) -> None:
    reviewer, other = hub.sign_in("reviewer"), Authenticator()
    assert post(hub, "prove/options", headers=reviewer).json() == {"code": "no_passkey"}
    assert register(hub, reviewer, other).status_code == 204
    answer = prove(hub, signed_in, other)  # a good key of somebody else
    assert (answer.status_code, answer.json()) == (403, {"code": "other_person"})
    assert prove(hub, signed_in, device, options_from=reviewer).json() == {"code": "challenge_unknown"}
    offered = post(hub, "login/options").json()
    assert post(hub, "prove/verify", answer_to(offered, device.get(offered["options"])), signed_in).status_code == 410
    offered = post(hub, "prove/options", headers=signed_in).json()
    assert post(hub, "login/verify", answer_to(offered, device.get(offered["options"]))).status_code == 410


def test_a_challenge_is_of_one_session_and_one_use(hub: Any, device: Any, signed_in: Any) -> None:
    offered = post(hub, "prove/options", headers=signed_in).json()
    first = hub.client.cookies["carebag_doctor"]
    hub.client.cookies.delete("carebag_doctor")  # as in another browser
    assert log_in(hub, device).status_code == 200  # the same person, another session
    assert hub.client.cookies["carebag_doctor"] != first
    refused = post(hub, "prove/verify", answer_to(offered, device.get(offered["options"])), signed_in)
    assert (refused.status_code, refused.json()) == (410, {"code": "challenge_unknown"})
    offered = post(hub, "register/options", headers=signed_in).json()
    answer = answer_to(offered, device.get(offered["options"]))
    assert post(hub, "prove/verify", answer, signed_in).json() == {"code": "challenge_unknown"}


def test_a_proof_works_once_and_from_our_origin_with_a_counter_that_goes_on(
    hub: Any, device: Any, signed_in: Any
) -> None:
    offered = post(hub, "prove/options", headers=signed_in).json()
    answer = answer_to(offered, device.get(offered["options"]))
    assert post(hub, "prove/verify", answer, signed_in).status_code == 204
    assert post(hub, "prove/verify", answer, signed_in).json() == {"code": "challenge_unknown"}
    device.origin = "http://evil.example"
    assert prove(hub, signed_in, device).json() == {"code": "passkey_refused"}
    device.origin, device.count = HOME, 0
    assert prove(hub, signed_in, device).json() == {"code": "passkey_refused"}
