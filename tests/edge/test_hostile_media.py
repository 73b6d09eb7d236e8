"""The files that mean harm, given to the nurse's page: its picture alone is kept, or the nurse is told why not.

The same fourteen kinds that the hub is tried with.
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.edge.test_local import Page, opened, page  # noqa: F401 - the fixture
from tests.server.test_hostile_media import HIDDEN, HOSTILE, PICTURES

REFUSED = {
    "bomb of pixels": (413, "too_large"),
    "zip with a path out of its folder": (422, "not_an_image"),
    "gzip bomb": (422, "not_an_image"),
    "truncated JPEG": (422, "image_damaged"),
    "HTML": (422, "not_an_image"),
    "SVG": (422, "not_an_image"),
    "TIFF called JPEG": (422, "not_an_image"),
    "GIF called JPEG": (422, "not_an_image"),
    "EPS, which Pillow would hand to Ghostscript": (422, "not_an_image"),
    "nothing but a beginning": (422, "image_damaged"),
}


def test_every_kind_is_tried() -> None:
    assert {*REFUSED, *PICTURES} == set(HOSTILE)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_file_of_the_nurses(page: Page, world: Any, kind: str) -> None:  # noqa: F811
    socket, visit = await opened(page, world)
    await socket.close()
    content = HOSTILE[kind]()
    before = page.agent.journal.unsent().count
    status, answer = await page.status("POST", f"/api/visits/{visit.visit.id}/photo", data=content)
    if kind in REFUSED:
        assert (status, answer["code"]) == REFUSED[kind]
        assert page.agent.journal.unsent().count == before
        assert not files_of(page)
        return
    assert status == 201
    sha256 = answer["photo"]["media_sha256"]
    stored = page.agent.media.read(sha256)
    assert hashlib.sha256(stored).hexdigest() == sha256
    assert not [hidden for hidden in HIDDEN if hidden in stored]
    assert Image.open(io.BytesIO(stored)).size == (answer["photo"]["width"], answer["photo"]["height"])


def files_of(page: Page) -> list[Path]:  # noqa: F811
    return [file for file in (page.agent.settings.data / "media").rglob("*") if file.is_file()]


async def test_more_than_a_photo_is_refused_before_it_is_read(page: Page, world: Any) -> None:  # noqa: F811
    socket, visit = await opened(page, world)
    await socket.close()
    status, answer = await page.status(
        "POST", f"/api/visits/{visit.visit.id}/photo", data=io.BytesIO(bytes(20 * 2**20 + 1))
    )
    assert (status, answer["code"]) == (413, "too_large")
