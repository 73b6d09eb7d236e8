"""Curves and pictures: what the record says, never more; hostile files are words."""

import struct
import zlib
from array import array
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from carebag_fhir.visit_export import StoredFile
from carebag_print import recordings, small_photos
from carebag_print.small_photos import small_photo
from carebag_print.sound_curve import COLUMNS, curve_of, window
from carebag_wire.records import Gap


def file_of(content: bytes) -> StoredFile:
    return StoredFile(size=len(content), pieces=lambda: [content[at : at + 777] for at in range(0, len(content), 777)])


def sound_of(export: Any, samples: int, rate: int, marks: Any = (), gaps: Any = ()) -> Any:
    told = {"samples": samples, "rate_hz": rate, "sound_marks": list(marks), "gaps": list(gaps)}
    return export.snapshot.sounds[0].sound.model_copy(update=told)


@given(
    samples=st.integers(1, 60_000),
    rate=st.sampled_from([1000, 4000]),
    marks=st.lists(st.integers(0, 70_000), max_size=30),
)
def test_a_window_lies_within_and_has_most_marks(export: Any, samples: int, rate: int, marks: list[int]) -> None:
    sound = sound_of(export, samples, rate, [(at, "S1") for at in marks])
    first, last = window(sound)
    assert 0 <= first < last <= samples
    assert last - first == (samples if samples <= 10 * rate else 8 * rate)
    inside = [at for at in marks if at < samples]
    most = max(
        (
            sum(start <= at < start + last - first for at in inside)
            for start in range(0, samples - (last - first) + 1, rate)
        ),
        default=0,
    )
    assert sum(first <= at < last for at in inside) >= most


def test_a_curve_shows_the_loudest_and_where_there_is_nothing(export: Any) -> None:
    samples = array("h", [0] * 9000)
    samples[4500], samples[8999] = -20_000, 10_000
    sound = sound_of(export, 9000, 1000, [(4500, "S1")], [Gap(first_sample=0, samples=900)])
    curve = curve_of(sound, file_of(samples.tobytes()))
    assert curve is not None
    assert len(curve.extremes) == COLUMNS
    assert curve.extremes[450][0] == -1.0
    assert curve.extremes[-1] == (0.0, 0.5)
    assert curve.marks == ((0.5, "S1"),)
    assert curve.gaps == ((0.0, 0.1),)


@pytest.mark.parametrize(("samples", "content"), [(100, b"\x01\x00" * 50), (0, b""), (2**50, b"\x01\x00")])
def test_a_file_that_is_not_what_the_record_says_is_no_curve(export: Any, samples: int, content: bytes) -> None:
    assert curve_of(sound_of(export, samples, 4000), file_of(content)) is None


def png_of(width: int, height: int) -> bytes:
    """A head that promises a picture; nothing of it is there."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    data = zlib.compress(b"")
    body = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    return b"\x89PNG\r\n\x1a\n" + chunk + body + b"\x00\x00\x00\x00IEND\xaeB`\x82"


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"\xff\xd8\xff\xd9", png_of(20_000, 20_000), png_of(8000, 8000), png_of(5, 5), b"%PDF-1.7"],
    ids=["empty", "gif", "no picture", "bomb", "too large", "damaged", "pdf"],
)
def test_a_hostile_photo_is_none(content: bytes) -> None:
    assert small_photo(file_of(content)) is None


def test_a_photo_is_small_and_made_anew() -> None:
    made = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret words"
    Image.effect_noise((3000, 1500), 60).convert("RGB").save(made, "JPEG", exif=exif.tobytes())
    small = small_photo(file_of(made.getvalue()))
    assert small is not None
    assert (small.width, small.height) == (900, 450)
    assert len(small.jpeg) < len(made.getvalue()) // 4
    assert b"secret" not in small.jpeg


def test_the_photo_is_in_the_file(printing: Any, export: Any) -> None:
    pages = PdfReader(BytesIO(printing())).pages
    assert sum(len(page.images) for page in pages) == 1


def test_more_photos_than_fit_are_counted(printing: Any, words_of: Any, export: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(recordings, "MOST_PHOTOS", 4)
    told = " ".join(words_of(printing(photos=export.snapshot.photos * 3)))
    assert "Foto 4, 10:40" in told
    assert "Foto 5, 10:40" not in told
    assert "2 foton till finns i Carebag" in told


def test_a_fast_heart_has_no_names(printing: Any, words_of: Any, export: Any) -> None:
    (view,) = export.snapshot.sounds
    fast = view.model_copy(update={"sound": view.sound.model_copy(update={"heart_rate_per_min": 130})})
    assert "S1" in " ".join(words_of(printing()))
    assert "S1" not in " ".join(words_of(printing(sounds=[fast])))


def test_marks_of_the_doctor_stand_by_their_sound(printing: Any, words_of: Any, made_up_visit: Any) -> None:
    told = {
        "id": made_up_visit.VISIT,
        "visit_id": made_up_visit.VISIT,
        "stream": 3,
        "rate_hz": 4000,
        "author": "Elena Ruiz",
    }
    told |= {"author_id": made_up_visit.VISIT, "at": made_up_visit.minute(12), "kind": "murmur", "text": "svagt"}
    marks = [
        recordings.ListeningMark.model_validate({**told, "sample": 26_000}),
        recordings.ListeningMark.model_validate({**told, "sample": 30_000, "taken_back_at": made_up_visit.minute(13)}),
        recordings.ListeningMark.model_validate({**told, "sample": 34_000, "stream": 4}),
    ]
    text = " ".join(words_of(printing(marks=marks)))
    assert "6,5 s: Blåsljud: svagt, Elena Ruiz 7,5 s: Blåsljud: svagt, Elena Ruiz (ångrat)" in text
    assert "8,5 s" not in text


def test_a_photo_of_too_many_pixels_is_not_decoded(monkeypatch: Any) -> None:
    made = BytesIO()
    Image.new("RGB", (40, 30)).save(made, "PNG")
    assert small_photo(file_of(made.getvalue())) is not None
    monkeypatch.setattr(small_photos, "_MOST_PIXELS", 40 * 30 - 1)
    assert small_photo(file_of(made.getvalue())) is None
