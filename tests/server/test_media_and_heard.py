"""Sounds and photos: checked, whole, under their digest; read only through their visit; what was heard is compared."""

import hashlib
from typing import Any

import pytest
from tests.server.conftest import A_PHOTO

from carebag_server import media as media_module

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"
PHOTO = A_PHOTO


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def upload(hub: Any, content: bytes, sha256: str | None = None) -> Any:
    return hub.kit.request("PUT", f"/api/kit/media/{sha256 or digest(content)}", content)


def fetch(hub: Any, visit: Any, content: bytes, query: str = "?as=doctor", **headers: str) -> Any:
    return hub.client.get(f"/api/media/{visit['id']}/{digest(content)}{query}", headers=headers)


def sounds(hub: Any) -> Any:
    return hub.kit.request("GET", "/api/kit/visits").json()[0]["sounds"]


def test_up_and_down_again(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    assert sounds(hub)[0]["media_stored"] is False
    assert upload(hub, SOUND).status_code == 204
    assert sounds(hub)[0]["media_stored"] is True
    answer = fetch(hub, visit, SOUND)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "private, no-store"
    assert hub.actions(visit["id"])[-2:] == ["visit_sent_to_kit", "media_read"]


def test_the_file_may_come_before_its_record(hub: Any, doctor: Any, visit: Any) -> None:
    assert upload(hub, PHOTO).status_code == 204
    assert fetch(hub, visit, PHOTO).status_code == 404
    hub.kit.store("photo_taken", visit)
    answer = fetch(hub, visit, PHOTO)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")


def test_a_range(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    upload(hub, SOUND)
    answer = fetch(hub, visit, SOUND, Range="bytes=2-3")
    assert (answer.status_code, answer.content) == (206, SOUND[2:4])


@pytest.mark.parametrize("content", [b"<!doctype html><script>alert(1)</script>", b"<svg onload='x'/>", b"MZ\x90", b""])
def test_what_is_no_picture_is_not_handed_out_as_one(hub: Any, doctor: Any, visit: Any, content: bytes) -> None:
    hub.kit.store("photo_taken", visit, media_sha256=digest(content))
    upload(hub, content)
    answer = fetch(hub, visit, content)
    assert (answer.status_code, answer.json()) == (410, {"code": "media_damaged"})


def test_twice_is_no_fault(hub: Any) -> None:
    assert [upload(hub, SOUND).status_code for _ in range(2)] == [204, 204]
    assert hub.actions().count("media_stored") == 1


def test_other_bytes_are_refused_and_leave_nothing(hub: Any) -> None:
    """The kit signed a digest that its bytes do not have."""
    target = f"/api/kit/media/{digest(SOUND)}"
    headers = {"Authorization": hub.kit.proof("PUT", target, SOUND)}
    answer = hub.client.put(target, content=b"other", headers=headers)
    assert (answer.status_code, answer.json()) == (422, {"code": "other_content"})
    assert [file for file in hub.settings.media_folder.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("name", ["..", "..%2F..%2Fhub.db", "x" * 64, "A" * 64, "0" * 63])
def test_only_a_digest_is_a_name(hub: Any, name: str) -> None:
    target = f"/api/kit/media/{name}"
    headers = {"Authorization": hub.kit.proof("PUT", target, body_sha256=name)}
    assert hub.client.put(target, content=b"x", headers=headers).status_code in {401, 404, 422}
    assert not hub.settings.media_folder.exists()


def test_too_large(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_module, "MAX_MEDIA_BYTES", 7)
    answer = upload(hub, SOUND)
    assert (answer.status_code, answer.json()) == (413, {"code": "too_large"})


def test_a_file_of_another_visit_is_not_found(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    upload(hub, SOUND)
    answer = fetch(hub, hub.visits()[1], SOUND)
    assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})


def test_who_is_not_signed_in_gets_nothing(hub: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    upload(hub, SOUND)
    assert fetch(hub, visit, SOUND).status_code == 401
    assert fetch(hub, visit, SOUND, "").status_code == 400


def test_a_lost_file_is_not_found(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    upload(hub, SOUND)
    hub.app.state.hub.media.path(digest(SOUND)).unlink()
    assert fetch(hub, visit, SOUND).status_code == 404


def hear(hub: Any, doctor: Any, visit: Any, content: bytes, stream: int = 1) -> None:
    heard = {"stream": stream, "sha256": digest(content), "samples": 4, "repaired": 0, "missing": 0}
    answer = hub.client.post(f"/api/visits/{visit['id']}/sounds/heard", headers=doctor, json=heard)
    assert answer.status_code == 204


@pytest.mark.parametrize("record_first", [True, False])
@pytest.mark.parametrize(("content", "verdict"), [(SOUND, "verified"), (b"other", "differs")])
def test_what_was_heard_is_compared_in_either_order(
    hub: Any, doctor: Any, visit: Any, record_first: bool, content: bytes, verdict: str
) -> None:
    if record_first:
        hub.kit.store("sound_recorded", visit)
        assert sounds(hub)[0]["heard"] == "unknown"
        hear(hub, doctor, visit, content)
    else:
        hear(hub, doctor, visit, content)
        hub.kit.store("sound_recorded", visit)
    assert sounds(hub)[0]["heard"] == verdict


def test_another_stream_says_nothing(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    hear(hub, doctor, visit, SOUND, stream=2)
    assert sounds(hub)[0]["heard"] == "unknown"


def test_a_later_digest_replaces_the_earlier(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    hear(hub, doctor, visit, b"first half")
    hear(hub, doctor, visit, SOUND)
    assert sounds(hub)[0]["heard"] == "verified"
    assert hub.actions(visit["id"]).count("sound_heard") == 2
