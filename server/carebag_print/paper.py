"""The visit on A4. `docs/decisions/0027-a-visit-on-paper.md` says why it looks as it does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from reportlab.lib.utils import TimeStamp
from reportlab.pdfbase.pdfdoc import PDFString
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import SimpleDocTemplate
from reportlab.platypus.doctemplate import LayoutError

from carebag_fhir.elements import plain
from carebag_print.parts import the_parts
from carebag_print.sheet import (
    BOLD,
    BOTTOM,
    FAINT,
    HEIGHT,
    INK,
    LINE_WIDTH,
    REGULAR,
    RULE,
    SIDE,
    TOP,
    WIDTH,
    Flow,
    fonts,
)
from carebag_print.visit_print import VisitPrint
from carebag_print.words import Words, person_number

_PADDING = 6
"""Points that reportlab leaves free within a frame."""
MEDIA_TYPE = "application/pdf"


def visit_pdf(made: VisitPrint) -> bytes:
    """The same bytes for the same visit, person, time and language."""
    fonts()
    words = Words(made.language, made.zone)
    for split_rows in (False, True):
        try:
            pages = _Pages(made, words)
            _build(pages, the_parts(made, words, split_rows))
            pages.total = pages.last
            return _build(pages, the_parts(made, words, split_rows))
        except LayoutError:
            if split_rows:
                raise
    raise AssertionError


def _build(pages: "_Pages", parts: Sequence[Flow]) -> bytes:
    file = BytesIO()
    inner = SIDE - _PADDING
    frame = {"leftMargin": inner, "rightMargin": inner, "topMargin": TOP, "bottomMargin": BOTTOM}
    document = SimpleDocTemplate(file, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, **frame)
    document.build(list(parts), onFirstPage=pages.draw, onLaterPages=pages.draw)
    return file.getvalue()


class _Pages:
    """What stands on every page: whose it is, by whom printed, which page of how many. A loose sheet is nobody's."""

    def __init__(self, made: VisitPrint, words: Words) -> None:
        self._made, self._words = made, words
        self.total = self.last = 0

    def draw(self, canvas: Any, document: Any) -> None:
        self.last = canvas.getPageNumber()
        if self.last == 1:
            self._describe(canvas)
        words, visit = self._words, self._made.export.snapshot.visit
        right = f"{words('visit')} {words.clock(visit.opened_at or visit.scheduled_at)}"
        room = LINE_WIDTH - stringWidth(right, REGULAR, 9) - 20
        patient = visit.patient
        identity = f"{person_number(patient.personal_id_system, patient.personal_id)}  {plain(patient.name)}"
        top = HEIGHT - TOP + 18
        self._write(canvas, SIDE, top, _fitting(identity, BOLD, 9, room), BOLD, 9)
        self._write(canvas, WIDTH - SIDE, top, right, REGULAR, 9, right=True)
        by = self._made.printed_by
        printed = words(
            "printed",
            time=words.clock(self._made.printed_at),
            name=plain(by.name),
            unit=plain(by.unit or by.organization),
        )
        page = words("page", n=self.last, total=self.total or self.last)
        self._write(canvas, SIDE, BOTTOM - 20, _fitting(printed, REGULAR, 7.5, LINE_WIDTH - 80), REGULAR, 7.5)
        self._write(canvas, WIDTH - SIDE, BOTTOM - 20, page, REGULAR, 7.5, right=True)
        self._write(canvas, SIDE, BOTTOM - 30, words("foot"), REGULAR, 7.5)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(SIDE, top - 6, WIDTH - SIDE, top - 6)
        canvas.line(SIDE, BOTTOM - 10, WIDTH - SIDE, BOTTOM - 10)

    def _write(
        self, canvas: Any, x: float, y: float, line: str, font: str, size: float, *, right: bool = False
    ) -> None:
        canvas.setFont(font, size)
        canvas.setFillColor(INK if font == BOLD else FAINT)
        (canvas.drawRightString if right else canvas.drawString)(x, y, line)

    def _describe(self, canvas: Any) -> None:
        """Title without the patient's name: it shows where a file's name does, on screens that others see."""
        canvas.setTitle(self._words("title"))
        canvas.setAuthor("Carebag")
        canvas.setSubject(self._words("visit_id", id=self._made.export.snapshot.visit.id))
        canvas.setCreator("Carebag")
        canvas.setCatalogEntry("Lang", PDFString(self._made.language))
        canvas._doc._timeStamp = _stamp(self._made.printed_at)


def _stamp(at: datetime) -> Any:
    """When the file was made, by the clock that was given."""
    stamp, there = TimeStamp(invariant=1), at.astimezone(UTC)
    stamp.t, stamp.lt = there.timestamp(), there.timetuple()
    stamp.YMDhms = tuple(stamp.lt)[:6]
    return stamp


def _fitting(line: str, font: str, size: float, room: float) -> str:
    """As much of a line as there is room for."""
    if stringWidth(line, font, size) <= room:
        return line
    while line and stringWidth(line + "…", font, size) > room:
        line = line[:-1]
    return line + "…"
