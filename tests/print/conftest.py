"""The made-up visit of the FHIR tests, on its way to paper: with files that can be drawn."""

import hashlib
import importlib.util
import math
from array import array
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from pypdf import PdfReader

from carebag_fhir.visit_export import StoredFile, VisitExport
from carebag_print.paper import visit_pdf
from carebag_print.visit_print import VisitPrint

PRINTED_AT = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
RATE = 4000


def _made_up() -> Any:
    path = Path(__file__).parents[1] / "fhir" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_visit", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE_UP = _made_up()


def a_file(content: bytes) -> StoredFile:
    return StoredFile(size=len(content), pieces=lambda: [content[at : at + 999] for at in range(0, len(content), 999)])


def a_photo(colour: tuple[int, int, int]) -> bytes:
    made = BytesIO()
    Image.new("RGB", (160, 120), colour).save(made, "JPEG")
    return made.getvalue()


def beats(seconds: int) -> tuple[bytes, list[tuple[int, str]]]:
    """A heart of 75/min from the fifth second on, before it silence."""
    samples, marks = array("h", bytes(2 * seconds * RATE)), []
    for beat in range(5 * RATE, seconds * RATE - RATE, RATE * 8 // 10):
        for after, name in ((0, "S1"), (RATE * 3 // 10, "S2")):
            marks.append((beat + after, name))
            for n in range(RATE // 20):
                samples[beat + after + n] = round(9000 * math.sin(n / 12))
    return samples.tobytes(), marks


@pytest.fixture(scope="session")
def export() -> VisitExport:
    """Of the three files the hub has two: the sound and the photo of the patient."""
    made: VisitExport = MADE_UP.a_visit()
    content, marks = beats(20)
    (view,) = made.snapshot.sounds
    told = {"samples": len(content) // 2, "sound_marks": marks, "media_sha256": hashlib.sha256(content).hexdigest()}
    sound = view.model_copy(update={"sound": view.sound.model_copy(update=told)})
    snapshot = made.snapshot.model_copy(update={"sounds": [sound]})
    photo = snapshot.photos[0].photo.media_sha256
    media = {told["media_sha256"]: a_file(content), photo: a_file(a_photo((180, 60, 60)))}
    return replace(made, snapshot=snapshot, media=media)


@pytest.fixture(scope="session")
def printing(export: VisitExport) -> Callable[..., bytes]:
    """`printing(language="fi", readings=[…])`: the PDF of the visit, with parts of it exchanged."""

    def make(language: Any = "sv", at: datetime = PRINTED_AT, **changes: Any) -> bytes:
        media = changes.pop("media", export.media)
        changed = replace(export, snapshot=export.snapshot.model_copy(update=changes), media=media)
        zone = ZoneInfo("Europe/Stockholm")
        by = MADE_UP.DOCTOR
        return visit_pdf(VisitPrint(export=changed, printed_by=by, printed_at=at, zone=zone, language=language))

    return make


def _words_of(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages]


@pytest.fixture(scope="session")
def words_of() -> Callable[[bytes], list[str]]:
    """The text of each page, with single spaces."""
    return _words_of


@pytest.fixture(scope="session")
def made_up_visit() -> Any:
    """The module that made it."""
    return MADE_UP
