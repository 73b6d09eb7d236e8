"""Type, measures and the few kinds of things that stand on the paper. What is written is text, never markup."""

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import as_file, files
from io import BytesIO
from typing import Any

from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Image, Paragraph, Table, TableStyle

from carebag_fhir.elements import plain
from carebag_print.small_photos import SmallPhoto
from carebag_print.sound_curve import Curve

WIDTH, HEIGHT = A4
SIDE, TOP, BOTTOM = 18 * mm, 24 * mm, 20 * mm
LINE_WIDTH = WIDTH - 2 * SIDE
INK, FAINT, RULE, TINT = HexColor("#1b1f24"), HexColor("#4d555e"), HexColor("#b6bdc5"), HexColor("#eef1f4")
REGULAR, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
_CURVE_HEIGHT = 22 * mm
_ROOM_FOR_LINES = 16 * mm

Flow = Any
"""A thing that reportlab, which has no types, places on a page."""


@cache
def fonts() -> None:
    """Both faces are in every print as far as they are used, so that it looks the same everywhere."""
    for name in (REGULAR, BOLD):
        with as_file(files(__package__) / "fonts" / f"{name}.ttf") as path:
            registerFont(TTFont(name, str(path)))
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def _style(name: str, size: float, leading: float, **more: Any) -> ParagraphStyle:
    told = {"fontName": REGULAR, "textColor": INK, "alignment": TA_LEFT, **more}
    return ParagraphStyle(name, fontSize=size, leading=leading, **told)


STYLES = {
    "title": _style("title", 16, 20, fontName=BOLD, spaceAfter=4),
    "heading": _style("heading", 12, 15, fontName=BOLD, spaceBefore=12, spaceAfter=4),
    "kind": _style("kind", 9.5, 12, fontName=BOLD),
    "text": _style("text", 10, 13.5, spaceAfter=4),
    "cell": _style("cell", 8.5, 11),
    "value": _style("value", 10, 12.5, fontName=BOLD),
    "head": _style("head", 8, 10, textColor=FAINT),
    "small": _style("small", 8, 10.5, textColor=FAINT, spaceAfter=2),
    "notice": _style(
        "notice",
        10,
        13,
        fontName=BOLD,
        borderColor=INK,
        borderWidth=1,
        borderPadding=5,
        leftIndent=6,
        rightIndent=6,
        spaceBefore=8,
        spaceAfter=10,
    ),
}


def text(words: str, style: str = "text", *, bold: bool = False, struck: bool = False) -> Flow:
    """A paragraph of what somebody wrote or a device said, line by line as it is."""
    lines = escape(plain(words), quote=False).replace("\r\n", "\n").replace("\n", "<br/>")
    lines = f"<strike>{lines}</strike>" if struck else lines
    return Paragraph(f"<b>{lines}</b>" if bold else lines, STYLES[style])


def heading(words: str, room_below: float = 40) -> list[Flow]:
    """Never alone at the end of a page.

    Args:
        room_below: mm that there must be for it and what follows.
    """
    return [CondPageBreak(room_below * mm), text(words, "heading")]


def small_heading(words: str, *, bold: bool = False) -> list[Flow]:
    return [CondPageBreak(_ROOM_FOR_LINES), text(words, "small", bold=bold)]


def labelled(label: str, words: str, style: str = "cell") -> Flow:
    """What something is, small above it."""
    above = f'<font name="{REGULAR}" size="8" color="#4d555e">{escape(label)}</font>'
    return Paragraph(f"{above}<br/>{escape(plain(words))}", STYLES[style])


def pairs(cells: Sequence[Sequence[Flow]]) -> Flow:
    """Facts in columns of equal width."""
    columns = max(len(row) for row in cells)
    filled = [[*row, *[""] * (columns - len(row))] for row in cells]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
    ]
    return Table(filled, colWidths=[LINE_WIDTH / columns] * columns, style=TableStyle(style), splitInRow=1)


def lines_table(head: Sequence[Flow], rows: Sequence[Sequence[Flow]], widths: Sequence[float], split: bool) -> Flow:
    """A table whose head is repeated on each page.

    Args:
        head: an empty text joins the cell before it.
        widths: in mm, together as wide as the line.
        split: a row may end on the next page; only where one is higher than a page.
    """
    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("BACKGROUND", (0, 0), (-1, 0), TINT),
        ("VALIGN", (0, 0), (-1, 0), "MIDDLE"),
        *([] if split else [("NOSPLIT", (0, 0), (-1, 1))]),
        *(("SPAN", (place - 1, 0), (place, 0)) for place, cell in enumerate(head) if cell == ""),
    ]
    widths = [width * mm for width in widths]
    return Table([head, *rows], colWidths=widths, repeatRows=1, style=TableStyle(style), splitInRow=int(split))


def picture(photo: SmallPhoto, width: float, height: float) -> Flow:
    """A photo within a box, in its own shape."""
    scale = min(width / photo.width, height / photo.height)
    return Image(BytesIO(photo.jpeg), photo.width * scale, photo.height * scale, hAlign="LEFT")


def curve_drawing(curve: Curve, names: bool) -> Flow:
    """The curve with its gaps as grey fields, and the kit's heart sounds as strokes below it.

    Args:
        names: S1 and S2 are written at their strokes.
    """
    drawing = Drawing(LINE_WIDTH, _CURVE_HEIGHT + 12)
    middle, reach = 12 + _CURVE_HEIGHT / 2, _CURVE_HEIGHT / 2 - 1
    drawing.add(Rect(0, 12, LINE_WIDTH, _CURVE_HEIGHT, strokeColor=RULE, strokeWidth=0.5, fillColor=None))
    for start, end in curve.gaps:
        width = max(1.0, (end - start) * LINE_WIDTH)
        drawing.add(Rect(start * LINE_WIDTH, 12, width, _CURVE_HEIGHT, strokeColor=None, fillColor=RULE))
    step = LINE_WIDTH / len(curve.extremes)
    points: list[float] = []
    for place, (low, high) in enumerate(curve.extremes):
        x = (place + 0.5) * step
        points += [x, middle + low * reach, x, middle + high * reach]
    drawing.add(PolyLine(points, strokeColor=INK, strokeWidth=0.4))
    for place_of, name in curve.marks:
        x = place_of * LINE_WIDTH
        drawing.add(Line(x, 12, x, 8, strokeColor=INK, strokeWidth=0.8))
        if names:
            drawing.add(String(x, 1, name, fontName=REGULAR, fontSize=6, textAnchor="middle", fillColor=INK))
    return drawing
