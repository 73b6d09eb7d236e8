"""Files that mean harm, from a kit that was broken into: refused with a code, or kept as bytes that nothing opens.

The hub decodes no picture but for paper. What is safe already stays as it was, whatever comes after it.
"""

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from carebag_fhir.recordings import only_picture
from carebag_fhir.visit_export import StoredFile
from carebag_print.small_photos import small_photo
from carebag_server import media as media_module
from carebag_server import photo_out
from carebag_wire.image_strip import NotAnImage, strip

SAFE = b"\xff\xd8\xffphoto"
GPS = b"62.4876N 17.3273E"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def picture(kind: str = "JPEG", **more: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), (120, 30, 30)).save(made, kind, **more)
    return made.getvalue()


def png_bomb(side: int = 60_000) -> bytes:
    """Some kilobytes that promise gigabytes of pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">II", side, side) + b"\x08\x02\0\0\0")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A PNG with a compressed text of 64 MB in it."""
    whole = picture("PNG")
    body = b"Comment\0\0" + zlib.compress(bytes(64 * 2**20), 9)
    text = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return whole[:33] + text + whole[33:]


def with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = GPS.decode()
    return picture("JPEG", exif=exif)


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("../../../etc/cron.d/carebag", bytes(10**6))
    return made.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "bomb of pixels": png_bomb,
    "bomb of text": text_bomb,
    "zip with a path out of its folder": archive,
    "gzip bomb": lambda: gzip.compress(bytes(10**7)),
    "truncated JPEG": lambda: picture()[:-200],
    "JPEG that is also HTML": lambda: picture() + b"<script>alert(1)</script>",
    "HTML": lambda: b"<html><script>alert(1)</script></html>",
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "JPEG and zip at once": lambda: picture() + archive(),
    "TIFF called JPEG": lambda: picture("TIFF"),
    "GIF called JPEG": lambda: picture("GIF"),
    "EPS, which Pillow would hand to Ghostscript": lambda: picture("EPS"),
    "nothing but a beginning": lambda: b"\xff\xd8\xff",
    "with the place where it was taken": with_place,
}
PRINTABLE = {
    "bomb of text",
    "truncated JPEG",
    "JPEG that is also HTML",
    "JPEG and zip at once",
    "with the place where it was taken",
}
"""Of which a picture may be on paper: made anew, so without anything else that was in the file."""


def put(hub: Any, content: bytes, name: str | None = None) -> Any:
    return hub.kit.request("PUT", f"/api/kit/media/{name or digest(content)}", content)


def fetch(hub: Any, visit: Any, content: bytes) -> Any:
    return hub.client.get(f"/api/media/{visit['id']}/{digest(content)}?as=doctor")


PICTURES = {
    "bomb of text",
    "JPEG that is also HTML",
    "JPEG and zip at once",
    "with the place where it was taken",
}
"""Of which a person gets to see the picture, and nothing else that was in the file; of the others nothing."""
HIDDEN = (GPS, b"<script", b"cron.d", b"Exif", b"Comment", b"PK")


def test_a_person_gets_the_picture_alone_or_nothing(hub: Any, doctor: Any, visit: Any) -> None:
    for kind, make in HOSTILE.items():
        content = make()
        media_type = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
        hub.kit.store("photo_taken", visit, media_sha256=digest(content), media_type=media_type)
        assert put(hub, content).status_code == 204, kind
        assert kept(hub)[digest(content)] == content, "what was signed stays, word for word"
        answer = fetch(hub, visit, content)
        if kind not in PICTURES:
            assert (answer.status_code, answer.json()) == (410, {"code": "media_damaged"}), kind
            continue
        assert answer.content == strip(content).content, kind
        assert not [hidden for hidden in HIDDEN if hidden in answer.content], kind
        Image.open(io.BytesIO(answer.content)).load()
        assert answer.headers["content-type"] == media_type
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("attachment")


def test_a_kits_own_photo_is_handed_out_as_it_was_signed(hub: Any, doctor: Any, visit: Any) -> None:
    content = strip(with_place()).content
    hub.kit.store("photo_taken", visit, media_sha256=digest(content))
    assert put(hub, content).status_code == 204
    assert fetch(hub, visit, content).content == content
    part = hub.client.get(f"/api/media/{visit['id']}/{digest(content)}?as=doctor", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, content[:4])


def test_a_png_called_jpeg_is_not_handed_out(hub: Any, doctor: Any, visit: Any) -> None:
    content = picture("PNG")
    hub.kit.store("photo_taken", visit, media_sha256=digest(content), media_type="image/jpeg")
    assert put(hub, content).status_code == 204
    assert fetch(hub, visit, content).status_code == 410


def test_a_photo_larger_than_any_kits_is_not_handed_out(
    hub: Any, doctor: Any, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture()
    monkeypatch.setattr(photo_out, "MAX_PHOTO_BYTES", len(content) - 1)
    hub.kit.store("photo_taken", visit, media_sha256=digest(content))
    assert put(hub, content).status_code == 204
    assert fetch(hub, visit, content).status_code == 410


@pytest.mark.parametrize("kind", HOSTILE)
def test_in_an_export_is_the_picture_alone_or_nothing(kind: str) -> None:
    content = HOSTILE[kind]()
    media_type = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    file = StoredFile(size=len(content), pieces=lambda: [content[:50], content[50:]])
    made = only_picture(file, media_type)
    assert (made is not None) == (kind in PICTURES)
    if made is not None:
        shown = b"".join(made.pieces())
        assert (shown, made.size) == (strip(content).content, len(shown))
        again = StoredFile(size=len(shown), pieces=lambda: [shown])
        assert only_picture(again, media_type) is again
        assert only_picture(file, "image/gif") is None


def test_a_picture_of_millions_of_parts_is_refused_in_no_time() -> None:
    jpeg = picture()
    segments = jpeg[:2] + b"\xff\xe5\0\2" * 4_000_000 + jpeg[2:]
    with pytest.raises(NotAnImage, match="image_damaged"):
        strip(segments)
    stuffed = jpeg[:-2] + b"\xff\0" * 9_000_000 + jpeg[-2:]
    assert strip(stuffed).width == 64
    png = picture("PNG")
    chunk = struct.pack(">I", 0) + b"tEXt" + struct.pack(">I", zlib.crc32(b"tEXt"))
    with pytest.raises(NotAnImage, match="image_damaged"):
        strip(png[:33] + chunk * 200_000 + png[33:])


@pytest.mark.parametrize("kind", HOSTILE)
def test_on_paper_is_its_picture_made_anew_or_none(kind: str) -> None:
    content = HOSTILE[kind]()
    made = small_photo(StoredFile(size=len(content), pieces=lambda: [content]))
    assert made is None or kind in PRINTABLE
    if made is not None:
        for hidden in (GPS, b"<script", b"cron.d", b"Exif"):
            assert hidden not in made.jpeg


def test_a_record_cannot_say_that_it_is_anything_but_a_photo(hub: Any, visit: Any) -> None:
    for media_type in ("text/html", "image/svg+xml", "application/zip", "image/tiff", "x"):
        record = hub.kit.record("photo_taken", visit, media_type=media_type)
        receipt = hub.kit.send(record)
        assert record["id"] not in receipt["stored"]
        assert receipt["refused"]


def kept(hub: Any) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(hub.settings.media_folder).rglob("*") if file.is_file()}


PATHS = ["../../hub.db", "..%2f..%2fhub.db", "%2e%2e/hub.db", "/etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "%00"]


def test_a_path_is_no_name_and_what_is_safe_is_not_touched(hub: Any) -> None:
    assert put(hub, SAFE).status_code == 204
    before = kept(hub)
    for name in PATHS:
        assert put(hub, b"x", name).status_code in {401, 404, 405, 422}, name
        assert kept(hub) == before == {digest(SAFE): SAFE}


def test_other_content_and_too_much_leave_what_is_safe(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert put(hub, SAFE).status_code == 204
    wrong = put(hub, b"other", digest(SAFE))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_proof")  # signed for another file
    monkeypatch.setattr(media_module, "MAX_MEDIA_BYTES", 1000)
    large = put(hub, bytes(1001))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    assert kept(hub) == {digest(SAFE): SAFE}
