"""One conformance for every media store: a folder, and a bucket over real HTTP of an S3 that is not ours (moto)."""

import hashlib
import shutil
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from tests.server.conftest import A_PHOTO

from carebag.cli import main
from carebag_server import media_bucket
from carebag_server.app import create_app
from carebag_server.media import MAX_MEDIA_BYTES, MediaAway, MediaFolder, MediaStore, take_in
from carebag_server.media_answer import Unsatisfiable, part_asked
from carebag_server.media_stores import bucket_of, media_fault, open_media
from carebag_server.refusals import Refused
from carebag_server.settings import Settings, UnsafeSettings, settings_from
from carebag_server.uploads import Uploads

CONTENT = A_PHOTO[:-2] + bytes(range(255)) * 1000 + A_PHOTO[-2:]
NAME = hashlib.sha256(CONTENT).hexdigest()
KEY = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MediaStore:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    name = f"bag-{uuid.uuid4().hex}"
    urllib.request.urlopen(urllib.request.Request(f"{s3}/{name}", method="PUT")).close()
    return open_media(tmp_path / "scratch", f"s3://{name}/media?endpoint={s3}")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    return MediaFolder(tmp_path / "scratch") if request.param == "folder" else request.getfixturevalue("bucket")


def break_off(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is not what it was; nobody listens at the bucket's address."""
    if isinstance(store, MediaFolder):
        shutil.rmtree(store.folder, ignore_errors=True)
        store.folder.write_bytes(b"")
        return
    gone = media_bucket.MediaBucket(store.folder, bucket_of("s3://bag?endpoint=http://127.0.0.1:1&region=x"))
    monkeypatch.setattr(store, "_store", gone._store)


async def chunks(content: bytes = CONTENT, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def left_over(store: MediaStore) -> list[Path]:
    return [path for path in store.folder.glob("[iu]n*/*") if path.is_file()]


async def test_kept_whole_and_read_in_parts(store: MediaStore) -> None:
    store.check()
    assert store.size(NAME) is None
    assert await take_in(store, NAME, chunks()) == len(CONTENT)
    assert store.size(NAME) == len(CONTENT)
    assert b"".join(store.read(NAME)) == CONTENT
    for start, stop in [(0, 1), (1, 4), (70_000, 200_001), (len(CONTENT) - 1, None), (100_000, None), (7, 7)]:
        assert b"".join(store.read(NAME, start, stop)) == CONTENT[start:stop]
    assert left_over(store) == []


async def test_the_same_twice_is_no_fault(store: MediaStore) -> None:
    for _ in range(2):
        await take_in(store, NAME, chunks())
    assert b"".join(store.read(NAME)) == CONTENT


async def test_other_content_is_refused_and_nothing_is_left(store: MediaStore) -> None:
    with pytest.raises(Refused, match="other_content"):
        await take_in(store, NAME, chunks(CONTENT[:-1]))
    assert store.size(NAME) is None
    assert left_over(store) == []


async def test_what_is_damaged_does_not_take_the_place_of_what_is_whole(store: MediaStore) -> None:
    await take_in(store, NAME, chunks())
    with pytest.raises(Refused, match="other_content"):
        await take_in(store, NAME, chunks(b"x" + CONTENT))
    assert b"".join(store.read(NAME)) == CONTENT


async def test_what_is_not_there(store: MediaStore) -> None:
    with pytest.raises(FileNotFoundError):
        list(store.read(NAME))


async def test_what_is_removed_is_gone_and_the_rest_is_there(store: MediaStore) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    for name, content in ((NAME, CONTENT), (other, b"other")):
        await take_in(store, name, chunks(content))
    store.remove(NAME)
    assert (store.size(NAME), store.size(other)) == (None, 5)
    store.remove(NAME)  # twice is no fault
    await take_in(store, NAME, chunks(CONTENT))
    assert b"".join(store.read(NAME)) == CONTENT


@pytest.mark.parametrize("name", ["", "..", "../../x", "A" * 64, "0" * 63, "0" * 64 + "\n"])
async def test_only_a_digest_is_a_name(store: MediaStore, name: str) -> None:
    for act in (store.size, lambda asked: list(store.read(asked)), lambda asked: store.keep(Path("x"), asked)):
        with pytest.raises(ValueError):
            act(name)


async def test_a_store_that_is_gone_says_so_and_keeps_nothing(store: MediaStore, monkeypatch: Any) -> None:
    await take_in(store, NAME, chunks())
    break_off(store, monkeypatch)
    other = hashlib.sha256(b"other").hexdigest()
    acts: list[Callable[[], Any]] = [lambda: store.size(NAME), lambda: list(store.read(NAME))]
    if isinstance(store, MediaFolder):
        acts.append(store.check)
    for act in acts:
        with pytest.raises(MediaAway) as caught:
            act()
        assert "127.0.0.1" not in str(caught.value)
        assert str(store.folder) not in str(caught.value)
    with pytest.raises(MediaAway):
        await take_in(store, other, chunks(b"other"))
    assert left_over(store) == []


async def test_pieces_wait_for_a_store_that_is_gone(bucket: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last piece is on this machine, the bucket away: the kit offers the piece again, and the file gets in."""
    uploads, kit = Uploads(bucket), uuid.uuid4()
    assert uploads.add(kit, NAME, 0, CONTENT[:1000], last=False) == 1000
    with monkeypatch.context() as broken:
        break_off(bucket, broken)
        with pytest.raises(MediaAway):
            uploads.add(kit, NAME, 1000, CONTENT[1000:], last=True)
    assert bucket.size(NAME) is None
    offset = uploads.offset(kit, NAME)
    assert uploads.add(kit, NAME, offset, CONTENT[offset:], last=True) == len(CONTENT)
    assert b"".join(bucket.read(NAME)) == CONTENT
    assert left_over(bucket) == []


def test_a_bucket_that_is_not_there(s3: str, bucket: MediaStore, tmp_path: Path) -> None:
    bucket.check()
    none = open_media(tmp_path / "other", f"s3://no-such-bag?endpoint={s3}")
    with pytest.raises(MediaAway):
        none.check()
    part = tmp_path / "part"
    part.write_bytes(CONTENT)
    with pytest.raises(MediaAway):
        none.keep(part, NAME)
    assert part.exists()


def test_a_hub_on_a_bucket(small_hub: Any, bucket: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same routes, and 503 `media_away` while the bucket does not answer: the kit comes again by itself."""
    hub = small_hub
    hub.app.state.hub.media = bucket
    doctor, visit = hub.sign_in("doctor"), hub.visits()[0]
    hub.kit.store("visit_opened", visit)
    record = {"media_sha256": NAME, "media_type": "image/jpeg", "width": 4, "height": 3}
    hub.kit.store("photo_taken", visit, **record)
    assert hub.kit.request("PUT", f"/api/kit/media/{NAME}", CONTENT).status_code == 204
    address = f"/api/media/{visit['id']}/{NAME}?as=doctor"
    assert hub.client.get(address, headers=doctor).content == CONTENT
    part = hub.client.get(address, headers={**doctor, "Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, CONTENT[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(CONTENT)}"
    past = hub.client.get(address, headers={**doctor, "Range": f"bytes={len(CONTENT)}-"})
    assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    break_off(bucket, monkeypatch)
    read = hub.actions().count("media_read")
    other = hashlib.sha256(b"other").hexdigest()
    for answer in (
        hub.client.get(address, headers=doctor),
        hub.kit.request("PUT", f"/api/kit/media/{other}", b"other"),
        hub.kit.request("PATCH", f"/api/kit/uploads/{other}?offset=0&complete=true", b"other"),
    ):
        assert (answer.status_code, answer.json()) == (503, {"code": "media_away"})
    assert hub.actions().count("media_read") == read
    assert hub.kit.store("reading", visit)


@given(
    size=st.integers(1, 10**6),
    start=st.integers(0, 2 * 10**6),
    length=st.integers(1, 10**6),
    kind=st.sampled_from("abc"),
)
@settings(max_examples=200)
def test_every_range_is_what_slicing_says(size: int, start: int, length: int, kind: str) -> None:
    text, wanted = {
        "a": (f"bytes={start}-{start + length - 1}", range(size)[start : start + length]),
        "b": (f"bytes={start}-", range(size)[start:]),
        "c": (f"bytes=-{length}", range(size)[-length:]),
    }[kind]
    if not wanted:
        with pytest.raises(Unsatisfiable):
            part_asked(text, size)
    else:
        assert part_asked(text, size) == (wanted.start, wanted.stop)


@pytest.mark.parametrize(
    "text", [None, "", "bytes=", "bytes=-", "bytes=3-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=0-1x", "0-1"]
)
def test_what_is_no_single_range_gives_the_whole(text: str | None) -> None:
    assert part_asked(text, 10) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", None),
        ("s3://bag", None),
        ("s3://bag/in/here?endpoint=https://s3.example.se&region=eu-north-1", None),
        ("s3://bag?endpoint=http://localhost:9000", None),
        ("s3://bag?endpoint=http://s3.example.se", "media_plain_http"),
        ("s3://bag?endpoint=s3.example.se", "bad_media_url"),
        ("s3://bag?endpont=https://s3.example.se", "bad_media_url"),
        ("s3://key:secret@bag", "bad_media_url"),
        ("s3://bag?endpoint=https://key:secret@s3.example.se", "bad_media_url"),
        ("s3:///media", "bad_media_url"),
        ("gs://bag", "bad_media_url"),
    ],
)
def test_addresses_of_buckets(url: str, fault: str | None) -> None:
    assert media_fault(url) == fault
    if fault:
        with pytest.raises(UnsafeSettings, match=fault):
            create_app(Settings(database_url="sqlite://", media_url=url))


def test_a_secret_from_a_file_and_never_in_a_listing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "secret").chmod(0o600)
    environ = {"CAREBAG_MEDIA": "s3://bag", "CAREBAG_S3_SECRET_FILE": str(tmp_path / "secret")}
    made = settings_from(type("Args", (), {})(), {**environ, "CAREBAG_MEDIA_SCRATCH": str(tmp_path / "in")})  # type: ignore[arg-type]
    assert (made.media_url, made.media_folder, made.media_secret) == ("s3://bag", tmp_path / "in", "hush")
    assert "hush" not in repr(made)
    plain = settings_from(type("Args", (), {})(), {"CAREBAG_MEDIA": "/srv/media"})  # type: ignore[arg-type]
    assert (plain.media_url, plain.media_folder) == ("", Path("/srv/media"))


@pytest.mark.parametrize(
    ("media", "words"),
    [("s3://bag?endpoint=http://127.0.0.1:1&region=x", "the bucket does not answer"), ("file", "the folder")],
)
def test_a_hub_does_not_start_without_its_media(
    media: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CAREBAG_MEDIA_SCRATCH", str(tmp_path / "scratch"))
    (tmp_path / "file").write_bytes(b"")
    asked = media if "://" in media else str(tmp_path / media)
    assert main(["hub", "--database", f"sqlite:///{tmp_path}/hub.sqlite", "--media", asked]) == 2
    assert words in capsys.readouterr().err


def test_the_largest_file_fits_into_one_request() -> None:
    """S3 takes 5 GiB in one PUT; ours are there whole or not at all because they are one."""
    assert MAX_MEDIA_BYTES < 5 * 2**30
