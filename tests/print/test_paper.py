"""The paper of a made-up visit: everything on it, nothing more, for whoever finds a loose sheet."""

import subprocess
import sys
from datetime import UTC, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from carebag_print.words import LANGUAGES, Words
from carebag_wire.values import Quantity

SWEDISH = [
    "Tolvan Tolvansson",
    "19121212-1212",
    "Anna Lind, sjuksköterska, Timrå hemsjukvård",
    "Elena Ruiz, specialist i allmänmedicin, Premicare distansvård",
    "Timrå kommun",
    "Karin Tolvansson (anhörig)",
    "Trötthet, feber",
    "Bor ensam. KAD sedan i våras.",
    "2026-11-23 10:31–11:00",
    "128,50/81 mmHg",
    "Medeltryck 97 mmHg",
    "Puls 72 slag/min",
    "vänster arm, sittande",
    "Ojämn puls",
    "Inget värde: Manschetten satt för löst",
    "Förkastat av Elena Ruiz 10:35",
    "Skäl: Manschetten satt löst & <fel>",
    "97 %",
    "Puls 71 slag/min",
    "Perfusion 4,2 %",
    "<5 mg/L",
    "83,4 °C",
    "Felskrivet, struket av Anna Lind 10:44",
    "Avläst på displayen och inskrivet för hand; displayen finns på foto 2",
    "2026-11-22 08:01 70,05 kg",
    "Instrumentets klocka visade 2026-11-22 07:00:00. Tiden här är rättad.",
    "Lagt i besöket av Anna Lind 10:46",
    "Okänd tid 7,1 mmol/L",
    "Kapillärt helblod",
    "A&D UA-651BLE, nr 123, SIMULERAD",
    "Utkast: ingen läkare har tagit ställning",
    "10:39 Mitralis, 20 s",
    "Puls 74 slag/min, räknad av väskan i ljudet",
    "Luckor: 1",
    "exakt det inspelade (samma SHA-256)",
    "Ofiltrerat, 5–13 s av 20 s",
    "Foto 1, 10:40 Vänster underben",
    "Filen har inte kommit till navet.",
    "Misstänkt UVI. Allmänpåverkad <inte> svårt & vaken.",
    "Odla urin. Åter i morgon. Signerad av Elena Ruiz 2026-11-23 10:55. Version 5.",
    "Ersatt av en senare version",
    "Odla urin. Ring vid försämring.",
    "Blodtryck, vänster arm, sittande Vila fem minuter",
    "Skäl: Patienten vill inte",
    "Foto, omtagning",
    "ställer ingen diagnos",
    "Mätvärden: 7. Ljud: 1. Foton: 2.",
    "De kommer inte från någon kropp.",
]


def test_everything_is_on_the_paper(printing: Any, words_of: Any) -> None:
    told = " ".join(words_of(printing()))
    assert [one for one in SWEDISH if one not in told] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_has_its_unit_in_every_language(printing: Any, words_of: Any, export: Any, language: Any) -> None:
    told = " ".join(words_of(printing(language=language)))
    separator = "." if language == "en" else ","
    per_minute = Words(language, UTC)("unit.per_minute")
    units = {"mm[Hg]": "mmHg", "Cel": "°C", "/min": per_minute}
    for view in export.snapshot.readings:
        for quantity in view.reading.quantities:
            number = f"{quantity.comparator or ''}{str(quantity.value).replace('.', separator)}"
            unit = units.get(quantity.unit, quantity.unit)
            wanted = f"{number}/81 mmHg" if quantity.name == "systolic" else f"{number} {unit}"
            assert wanted in told, wanted
    assert "{" not in told


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.decimals(min_value=-999, max_value=9999, places=2),
    unit=st.sampled_from(["kPa", "mg/dL", "[degF]", "[lb_av]", "unknown unit"]),
    comparator=st.sampled_from([None, "<", ">"]),
    flags=st.lists(st.sampled_from(["irregular_pulse", "body_moved", "never_heard_of"]), max_size=4),
)
def test_whatever_was_measured_is_printed_as_it_was(
    printing: Any, words_of: Any, export: Any, value: Decimal, unit: str, comparator: Any, flags: list[str]
) -> None:
    view = export.snapshot.readings[3]
    quantity = Quantity(name="crp", value=value, unit=unit, comparator=comparator)
    reading = view.reading.model_copy(update={"quantities": [quantity], "flags": flags})
    told = " ".join(words_of(printing(readings=[view.model_copy(update={"reading": reading})], photos=[], sounds=[])))
    number = f"{comparator or ''}{value}".replace(".", ",").replace("-", "−")
    written = {"[degF]": "°F", "[lb_av]": "lb"}.get(unit, unit)
    assert f"{number} {written}" in told
    assert ("never heard of" in told) == ("never_heard_of" in flags)


def test_drafts_are_nobodys_decision(printing: Any, words_of: Any, export: Any) -> None:
    draft = export.snapshot.notes[0].model_copy(update={"state": "draft", "signed_at": None, "plan": "hemligt utkast"})
    told = " ".join(words_of(printing(notes=[draft])))
    assert "Ingen signerad bedömning eller plan vid utskriften." in told
    assert "hemligt" not in told
    assert "Signerad av" not in told


def test_an_error_has_no_number_and_is_not_struck(printing: Any, export: Any, words_of: Any) -> None:
    failed = [view for view in export.snapshot.readings if view.reading.problem]
    told = " ".join(words_of(printing(readings=failed, sounds=[], photos=[])))
    assert "Inget värde" in told
    assert "mmHg" not in told


def test_every_page_says_whose_it_is_and_who_printed_it(printing: Any, words_of: Any, export: Any) -> None:
    pages = words_of(printing(readings=export.snapshot.readings * 5))
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert "19121212-1212 Tolvan Tolvansson" in page
        assert "Utskrivet 2026-11-27 07:30 av Elena Ruiz, Premicare distansvård" in page
        assert f"Sida {number} av {len(pages)}" in page
        assert "Beslutsstöd, ställer ingen diagnos." in page


def test_an_open_visit_says_so(printing: Any, words_of: Any, made_up_visit: Any) -> None:
    assert "Besöket är inte avslutat" not in " ".join(words_of(printing()))
    told = " ".join(words_of(printing(visit=made_up_visit.a_head(state="open", closed_at=None))))
    assert "Besöket är inte avslutat. Utskriften visar vad som fanns 2026-11-27 07:30" in told
    assert "2026-11-23 10:31, pågår" in told


def test_an_empty_visit_is_a_page(printing: Any, words_of: Any, made_up_visit: Any) -> None:
    head = made_up_visit.a_head(state="planned", opened_at=None, closed_at=None, nurse=None, background="", reason="")
    empty = {name: [] for name in ("requests", "readings", "sounds", "photos", "notes", "guests")}
    told = " ".join(words_of(printing(visit=head, **empty)))
    for one in ("Inte öppnat", "Inga mätvärden.", "Ingen signerad bedömning", "Ingen antecknad"):
        assert one in told


def test_what_people_write_is_never_markup(printing: Any, words_of: Any, export: Any) -> None:
    written = "<b>fet</b> &amp; <img src='http://x/y.png'/> </para> {name} \x00 å"
    note = export.snapshot.notes[1].model_copy(update={"assessment": written, "plan": "x" * 3000})
    told = " ".join(words_of(printing(notes=[note])))
    assert "<b>fet</b> &amp; <img src='http://x/y.png'/> </para> {name} å" in told


def test_a_row_that_is_higher_than_a_page(printing: Any, words_of: Any, export: Any) -> None:
    view = export.snapshot.readings[1]
    reading = view.reading.model_copy(update={"flags": [f"remark_{n}" for n in range(200)]})
    told = " ".join(words_of(printing(readings=[view.model_copy(update={"reading": reading})])))
    assert all(f"remark {n}" in told for n in range(200))


def test_the_same_bytes_and_another_time_other_ones(printing: Any) -> None:
    assert printing() == printing()
    assert printing() != printing(at=printing.__globals__["PRINTED_AT"] + timedelta(minutes=1))


def test_what_the_file_says_of_itself(printing: Any) -> None:
    """Not the patient's name: a file's title is shown where others see it."""
    read = PdfReader(BytesIO(printing(language="fi")))
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author) == ("Kotikäynti, lääkäri etäyhteydellä", "Carebag")
    assert str(read.metadata.creation_date)[:19] == "2026-11-27 06:30:00"
    assert read.trailer["/Root"]["/Lang"] == "fi"
    assert [round(float(side)) for side in read.pages[0].mediabox[2:]] == [595, 842]


def test_its_letters_are_in_it(printing: Any) -> None:
    fonts = PdfReader(BytesIO(printing())).pages[0]["/Resources"]["/Font"].values()
    embedded = [font.get_object() for font in fonts if "DejaVu" in font.get_object()["/BaseFont"]]
    assert len(embedded) >= 2
    assert all("/FontFile2" in font["/FontDescriptor"] for font in embedded)


def test_it_needs_neither_hub_nor_samples() -> None:
    code = "import sys, carebag_print.paper; print(sorted({n.split('.')[0] for n in sys.modules}))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [name for name in ("numpy", "sqlalchemy", "fastapi", "carebag_server") if f"'{name}'" in made]


def test_the_note_that_holds_comes_first(printing: Any, words_of: Any) -> None:
    told = " ".join(words_of(printing()))
    assert told.index("Åter i morgon.") < told.index("Ersatt av en senare version") < told.index("Ring vid försämring.")
