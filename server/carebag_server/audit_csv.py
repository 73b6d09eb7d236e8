"""The access log as CSV (RFC 4180, UTF-8 with a byte order mark, so that spreadsheets read it). Pure."""

import csv
import io
from collections.abc import Iterable, Iterator

from carebag_print.words import Language
from carebag_wire.api import AuditEvent

MEDIA_TYPE = "text/csv; charset=utf-8"
HEADERS: dict[Language, tuple[str, ...]] = {
    "sv": (
        *("Nummer i loggen", "Tid (UTC)", "Händelse (kod)", "Vad det gällde", "Person", "Genom väskan", "Roll"),
        *("Enhet", "Vårdgivare", "Ändamål", "Patient (id)", "Besök (id)", "Nätadress", "Referens", "Kontrollsumma"),
    ),
    "fi": (
        *("Numero lokissa", "Aika (UTC)", "Tapahtuma (koodi)", "Kohde", "Henkilö", "Laukun kautta", "Rooli"),
        *("Yksikkö", "Palvelunantaja", "Tarkoitus", "Potilas (id)", "Käynti (id)", "Verkko-osoite", "Viite"),
        "Tarkistussumma",
    ),
    "en": (
        *(
            "Number in the log",
            "Time (UTC)",
            "Event (code)",
            "What it was about",
            "Person",
            "By way of the bag",
            "Role",
        ),
        *("Unit", "Care provider", "Purpose", "Patient (id)", "Visit (id)", "Network address", "Reference", "Checksum"),
    ),
    "es": (
        *("Número en el registro", "Hora (UTC)", "Suceso (código)", "De qué trató", "Persona", "Mediante el maletín"),
        *("Función", "Unidad", "Proveedor de asistencia", "Finalidad", "Paciente (id)", "Visita (id)"),
        *("Dirección de red", "Referencia", "Suma de control"),
    ),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for a formula at the beginning of a cell (OWASP, CSV injection)."""


def csv_of(events: Iterable[AuditEvent], language: Language = "sv") -> Iterator[bytes]:
    """A line of words, then a line for each event; times as ISO 8601 in UTC with microseconds. A nurse and the bag by
    which she acted stand in two columns."""
    yield b"\xef\xbb\xbf" + _line(HEADERS[language])
    for event in events:
        yield _line([_cell(value) for value in _values(event)])


def _values(event: AuditEvent) -> tuple[object, ...]:
    person, _, kit = event.practitioner.partition(" · ")
    return (
        *(event.seq, event.at, event.action, event.object, person, kit, event.role, event.care_unit),
        *(event.organization, event.purpose, event.patient_id, event.visit_id),
        *(event.origin, event.request_ref, event.hash),
    )


def _cell(value: object) -> str:
    text = (
        "" if value is None else value.isoformat(timespec="microseconds") if hasattr(value, "isoformat") else str(value)
    )
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
