"""QR codes (ISO/IEC 18004, error correction M) of codes and links: as rows, for a terminal, as SVG.

Encoded by reportlab, which is here for paper.
"""

from collections.abc import Sequence

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

QUIET = 4
"""Empty modules around it, which the standard asks for."""
LONGEST = 2_000
"""Bytes of UTF-8. The standard has room for 2,331, reportlab for 2,213, and a camera reads far fewer."""
_BLACK_ON_WHITE, _AS_BEFORE = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
_HALVES = {("0", "0"): " ", ("1", "0"): "▀", ("0", "1"): "▄", ("1", "1"): "█"}


def qr_rows(text: str) -> list[str]:
    """Rows of `1` (dark) and `0`, as many as there are columns, without the quiet zone.

    Raises:
        ValueError: more than `LONGEST` bytes of UTF-8.
    """
    if len(text.encode()) > LONGEST:
        raise ValueError("too long for a QR code")
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    size = range(code.getModuleCount())
    return ["".join("1" if code.isDark(row, column) else "0" for column in size) for row in size]


def qr_terminal(rows: Sequence[str]) -> str:
    """Two rows in a line of half blocks, black on white whatever the terminal's colours are."""
    empty = "0" * (len(rows[0]) + 2 * QUIET)
    framed = [empty] * QUIET + [f"{'0' * QUIET}{row}{'0' * QUIET}" for row in rows] + [empty] * (QUIET + 1)
    pairs = zip(framed[::2], framed[1::2], strict=False)
    lines = ("".join(_HALVES[halves] for halves in zip(upper, lower, strict=True)) for upper, lower in pairs)
    return "".join(f"{_BLACK_ON_WHITE}{line}{_AS_BEFORE}\n" for line in lines)


def qr_svg(rows: Sequence[str], scale: int = 6) -> str:
    """A picture to print, `scale` pixels a module, its quiet zone white."""
    side = len(rows) + 2 * QUIET
    dark = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, module in enumerate(row)
        if module == "1"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side * scale}" height="{side * scale}"'
        f' viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{dark}"/></svg>\n'
    )
