"""A file in pieces: goes on where it was, whole only with its digest, bounded for each kit."""

import hashlib
import os
import random
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_server import uploads as uploads_module
from carebag_server.media import MediaFolder
from carebag_server.refusals import Refused
from carebag_server.uploads import KEPT_S, MAX_UNFINISHED, Uploads

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"
NAME = hashlib.sha256(SOUND).hexdigest()
TARGET = f"/api/kit/uploads/{NAME}"


def state(hub: Any) -> Any:
    return hub.kit.request("GET", TARGET).json()


def send(hub: Any, offset: int, piece: bytes, complete: bool = False, target: str = TARGET) -> Any:
    return hub.kit.request("PATCH", f"{target}?offset={offset}&complete={str(complete).lower()}", piece)


def test_piece_by_piece_to_a_medium(hub: Any, doctor: Any, visit: Any) -> None:
    hub.kit.store("sound_recorded", visit)
    assert state(hub) == {"offset": 0, "complete": False}
    assert send(hub, 0, SOUND[:3]).json() == {"offset": 3, "complete": False}
    assert state(hub) == {"offset": 3, "complete": False}
    assert send(hub, 3, SOUND[3:], complete=True).json() == {"offset": 8, "complete": True}
    answer = hub.client.get(f"/api/media/{visit['id']}/{NAME}?as=doctor")
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert hub.actions().count("media_stored") == 1
    unfinished = hub.settings.media_folder / "unfinished"
    assert list(unfinished.iterdir()) == []


def test_the_same_again_is_no_fault(hub: Any) -> None:
    send(hub, 0, SOUND, complete=True)
    assert send(hub, 0, SOUND, complete=True).json() == {"offset": 8, "complete": True}
    assert state(hub) == {"offset": 8, "complete": True}
    assert hub.actions().count("media_stored") == 1


def test_a_piece_from_elsewhere_is_refused_and_the_offset_stays(hub: Any) -> None:
    send(hub, 0, SOUND[:3])
    for offset in (1, 4, 8):
        answer = send(hub, offset, SOUND[offset:])
        assert (answer.status_code, answer.json()) == (409, {"code": "other_offset"})
        assert state(hub)["offset"] == 3


def test_other_bytes_are_refused_and_leave_nothing(hub: Any) -> None:
    send(hub, 0, b"x" + SOUND[1:4])
    answer = send(hub, 4, SOUND[4:], complete=True)
    assert (answer.status_code, answer.json()) == (422, {"code": "other_content"})
    assert state(hub) == {"offset": 0, "complete": False}
    assert [file for file in hub.settings.media_folder.rglob("*") if file.is_file()] == []


def test_a_piece_that_the_kit_did_not_sign_is_refused(hub: Any) -> None:
    target = f"{TARGET}?offset=0&complete=true"
    headers = {"Authorization": hub.kit.proof("PATCH", target, b"other")}
    assert hub.client.patch(target, content=SOUND, headers=headers).status_code == 401
    # the offset is signed too
    headers = {"Authorization": hub.kit.proof("PATCH", f"{TARGET}?offset=3&complete=true", SOUND)}
    assert hub.client.patch(target, content=SOUND, headers=headers).status_code == 401
    assert state(hub)["offset"] == 0


def test_a_piece_without_its_place_is_refused(hub: Any) -> None:
    for query in ("", "?offset=0", "?complete=true", "?offset=-1&complete=true", "?offset=x&complete=1"):
        assert hub.kit.request("PATCH", TARGET + query, SOUND).status_code == 422


def test_only_a_digest_is_a_name(hub: Any) -> None:
    for name in ("..", "x" * 64, "A" * 64, "0" * 63):
        answer = send(hub, 0, SOUND, target=f"/api/kit/uploads/{name}")
        assert answer.status_code in (404, 422)
    assert not hub.settings.media_folder.exists()


def test_sizes_are_bounded(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_module, "MAX_PIECE_BYTES", 4)
    assert send(hub, 0, SOUND).status_code == 413
    monkeypatch.setattr(uploads_module, "MAX_MEDIA_BYTES", 6)
    assert send(hub, 0, SOUND[:4]).status_code == 200
    assert send(hub, 4, SOUND[4:]).status_code == 413


def test_unfinished_files_of_a_kit_are_bounded_and_given_up_in_the_end(tmp_path: Any) -> None:
    uploads, kit, other = Uploads(MediaFolder(tmp_path)), uuid.uuid4(), uuid.uuid4()
    names = [hashlib.sha256(bytes([number])).hexdigest() for number in range(MAX_UNFINISHED + 1)]
    for name in names[:-1]:
        uploads.add(kit, name, 0, b"x", last=False)
    with pytest.raises(Refused) as refused:
        uploads.add(kit, names[-1], 0, b"x", last=False)
    assert (refused.value.status, refused.value.code) == (429, "too_many_uploads")
    uploads.add(other, names[-1], 0, b"x", last=False)
    # one kit's pieces are not another's
    assert uploads.offset(other, names[0]) == 0
    for path in (tmp_path / "unfinished").iterdir():
        os.utime(path, (0, path.stat().st_mtime - KEPT_S - 1))
    uploads.add(kit, names[-1], 0, b"x", last=False)
    assert len(list((tmp_path / "unfinished").iterdir())) == 1


@settings(max_examples=30, deadline=None)
@given(content=st.binary(min_size=1, max_size=5000), seed=st.integers(0, 2**32))
def test_any_cutting_with_any_repeats_gives_the_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, seed: int
) -> None:
    """Answers are lost: the kit asks for the offset, or sends a piece that is there already and is told so."""
    folder, chance, kit = tmp_path_factory.mktemp("hub"), random.Random(seed), uuid.uuid4()
    uploads, name = Uploads(MediaFolder(folder)), hashlib.sha256(content).hexdigest()
    while not uploads.is_whole(name):
        offset = uploads.offset(kit, name)
        end = min(len(content), offset + chance.randint(1, 1500))
        uploads.add(kit, name, offset, content[offset:end], last=end == len(content))
        if chance.random() < 0.3 and not uploads.is_whole(name):
            with pytest.raises(Refused):
                uploads.add(kit, name, offset, content[offset:end], last=end == len(content))
    assert MediaFolder(folder).path(name).read_bytes() == content
