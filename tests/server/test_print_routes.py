"""A visit on paper over HTTP: the doctor's, with its row; as the hub has it now, and in the language asked for."""

import hashlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from carebag_server.tables import AuditRow
from carebag_wire.nowhere import NOT_GIVEN

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"


@pytest.fixture
def hub(small_hub: Any) -> Any:
    """SQLite is enough here: `test_audit_completeness.py` prints from both kinds of store."""
    return small_hub


@pytest.fixture
def filled(hub: Any, doctor: Any, visit: Any) -> str:
    """The address of a visit with a kept reading, a sound with its file, a signed note and a draft after it."""
    base = f"/api/visits/{visit['id']}"
    kept = hub.kit.store("reading", visit)
    hub.client.post(f"{base}/readings/{kept['id']}/decision", headers=doctor, json={"decision": "kept"})
    sound = hub.kit.store("sound_recorded", visit)
    hub.kit.request("PUT", f"/api/kit/media/{sound['media_sha256']}", SOUND)
    hub.client.put(f"{base}/note", headers=doctor, json={"assessment": "UVI", "plan": "Odla urin", "base_version": 0})
    hub.client.post(f"{base}/note/sign", headers=doctor, json={"version": 1})
    hub.client.put(f"{base}/note", headers=doctor, json={"assessment": "", "plan": "utkast", "base_version": 1})
    return f"{base}/pdf"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"].startswith("inline")
    assert "object-src" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(answer.content)).pages)


def test_the_visit_on_paper(hub: Any, doctor: Any, filled: str, visit: Any) -> None:
    told = text_of(hub.client.get(filled, headers=doctor))
    snapshot = hub.client.get(filled.removesuffix("/pdf"), headers=doctor).json()
    assert visit["patient"]["name"] in told
    (view,) = snapshot["readings"]
    for quantity in view["reading"]["quantities"]:
        assert quantity["value"].replace(".", ",") in told
    for one in ("mmHg", "Odla urin", "Signerad av Elena Ruiz", "Behållet av Elena Ruiz", "Besöket är inte avslutat"):
        assert one in told
    assert "av Elena Ruiz, Premicare distansvård" in told
    assert "utkast" not in told
    hub.kit.store("visit_closed", visit)
    assert "Besöket är inte avslutat" not in text_of(hub.client.get(filled, headers=doctor))


def test_a_refused_tab_says_so_in_words(hub: Any, filled: str) -> None:
    hub.client.cookies.clear()
    paper = f"{filled}?as=doctor"
    tab = hub.client.get(paper, headers={"sec-fetch-dest": "document"})
    assert (tab.status_code, tab.text) == (401, NOT_GIVEN)
    assert hub.client.get(paper).json() == {"code": "not_signed_in"}


def test_a_photo_is_in_it(hub: Any, doctor: Any, visit: Any) -> None:
    made = BytesIO()
    Image.new("RGB", (40, 30), (10, 200, 10)).save(made, "JPEG")
    photo = hub.kit.store("photo_taken", visit, media_sha256=hashlib.sha256(made.getvalue()).hexdigest())
    hub.kit.request("PUT", f"/api/kit/media/{photo['media_sha256']}", made.getvalue())
    answer = hub.client.get(f"/api/visits/{visit['id']}/pdf", headers=doctor)
    assert sum(len(page.images) for page in PdfReader(BytesIO(answer.content)).pages) == 1


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("sv", "Besök i hemmet med läkare på distans"),
        ("fi", "Kotikäynti, lääkäri etäyhteydellä"),
        ("en", "Visit at home with a doctor at a distance"),
        ("es", "Visita en casa con médico a distancia"),
    ],
)
def test_in_the_language_asked_for(hub: Any, doctor: Any, filled: str, language: str, title: str) -> None:
    assert title in text_of(hub.client.get(f"{filled}?lang={language}", headers=doctor))


def test_the_row_in_the_log(hub: Any, doctor: Any, filled: str, visit: Any) -> None:
    before = len(hub.actions())
    hub.client.get(f"{filled}?lang=fi", headers=doctor)
    with hub.database.reading() as session:
        (row,) = session.scalars(select(AuditRow).order_by(AuditRow.seq)).all()[before:]
    assert (row.action, row.object, str(row.visit_id)) == ("visit_printed", f"visit {visit['id']} fi", visit["id"])
    assert str(row.patient_id) == visit["patient"]["id"]


def test_the_same_bytes_at_the_same_time(hub: Any, doctor: Any, filled: str, clock: Any) -> None:
    once = hub.client.get(filled, headers=doctor).content
    assert hub.client.get(filled, headers=doctor).content == once
    clock.forward(minutes=1)
    assert hub.client.get(filled, headers=doctor).content != once


def test_a_browser_opens_it_as_a_link(hub: Any, doctor: Any, filled: str) -> None:
    assert hub.client.get(f"{filled}?as=doctor&lang=sv").status_code == 200
    assert hub.client.get(f"{filled}?as=reviewer").status_code in {401, 403}
    assert hub.client.get(f"{filled}?lang=xx", headers=doctor).status_code == 422
