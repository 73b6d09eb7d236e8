"""The access log as CSV (RFC 4180, UTF-8 with a byte order mark, so that spreadsheets read it). Pure."""

import csv
import io
from collections.abc import Iterable, Iterator

from carebag_wire.api import AuditEvent

MEDIA_TYPE = "text/csv; charset=utf-8"
COLUMNS = tuple(AuditEvent.model_fields)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell (OWASP, CSV injection)."""


def csv_of(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """A line of names, then a line for each event; times as ISO 8601 in UTC with microseconds."""
    yield b"\xef\xbb\xbf" + _line(COLUMNS)
    for event in events:
        yield _line([_cell(getattr(event, name)) for name in COLUMNS])


def _cell(value: object) -> str:
    text = (
        "" if value is None else value.isoformat(timespec="microseconds") if hasattr(value, "isoformat") else str(value)
    )
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
