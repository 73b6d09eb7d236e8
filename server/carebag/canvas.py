"""One drawing for two kinds of picture: SVG by hand, PNG by Pillow."""

import base64
import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Protocol
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import ImageFont

Point = tuple[float, float]
PIXELS_PER_UNIT = 2
"""A PNG is drawn for screens of twice the usual density."""


class Canvas(Protocol):
    """A white sheet; units are SVG pixels, x to the right, y down. Colours are `#rrggbb`."""

    def rectangle(self, corner: Point, size: Point, colour: str) -> None:
        """A filled rectangle."""

    def strokes(self, lines: Sequence[tuple[Point, Point]], colour: str, width: float = 1.0) -> None:
        """Straight lines."""

    def polyline(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        """Points joined by straight lines."""

    def text(self, at: Point, words: str, colour: str, size: float = 13.0, *, right: bool = False) -> None:
        """One line of words; `at` is the left (or right) end of its base line."""

    def picture(self, corner: Point, size: Point, pixels: NDArray[np.uint8]) -> None:
        """(rows, columns, 3) pixels, stretched to a size."""

    def finish(self) -> bytes:
        """The file's content."""


def png(pixels: NDArray[np.uint8]) -> bytes:
    """(rows, columns, 3) as a PNG file (ISO/IEC 15948): eight bits, true colour, no filter."""
    rows, columns, _ = pixels.shape
    lines = np.zeros((rows, 1 + 3 * columns), np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class SvgCanvas:
    """Draws an SVG document."""

    def __init__(self, width: int, height: int) -> None:
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]

    def rectangle(self, corner: Point, size: Point, colour: str) -> None:
        (x, y), (width, height) = corner, size
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')

    def strokes(self, lines: Sequence[tuple[Point, Point]], colour: str, width: float = 1.0) -> None:
        if lines:
            path = "".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for (a, b), (c, d) in lines)
            self._parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="{width}" fill="none"/>')

    def polyline(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        if len(points) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            self._parts.append(f'<polyline points="{path}" stroke="{colour}" stroke-width="{width}" fill="none"/>')

    def text(self, at: Point, words: str, colour: str, size: float = 13.0, *, right: bool = False) -> None:
        anchor = ' text-anchor="end"' if right else ""
        self._parts.append(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size:g}" fill="{colour}"{anchor}>{escape(words)}</text>'
        )

    def picture(self, corner: Point, size: Point, pixels: NDArray[np.uint8]) -> None:
        content = base64.b64encode(png(pixels)).decode()
        self._parts.append(
            f'<image x="{corner[0]:.1f}" y="{corner[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" '
            f'preserveAspectRatio="none" href="data:image/png;base64,{content}"/>'
        )

    def finish(self) -> bytes:
        return ("\n".join([*self._parts, "</svg>"]) + "\n").encode()


class PngCanvas:
    """Draws a PNG. Needs Pillow: ModuleNotFoundError without it."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (width * PIXELS_PER_UNIT, height * PIXELS_PER_UNIT), "#ffffff")
        self._draw = ImageDraw.Draw(self._image)
        self._fonts: dict[float, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def rectangle(self, corner: Point, size: Point, colour: str) -> None:
        (x, y), (width, height) = corner, size
        if width > 0 and height > 0:
            self._draw.rectangle([*_scaled((x, y)), *_scaled((x + width, y + height))], fill=colour)

    def strokes(self, lines: Sequence[tuple[Point, Point]], colour: str, width: float = 1.0) -> None:
        for start, end in lines:
            self._draw.line([*_scaled(start), *_scaled(end)], fill=colour, width=max(1, round(width * PIXELS_PER_UNIT)))

    def polyline(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        if len(points) > 1:
            flat = [value for point in points for value in _scaled(point)]
            self._draw.line(flat, fill=colour, width=max(1, round(width * PIXELS_PER_UNIT)), joint="curve")

    def text(self, at: Point, words: str, colour: str, size: float = 13.0, *, right: bool = False) -> None:
        from PIL import ImageFont

        if size not in self._fonts:
            self._fonts[size] = ImageFont.load_default(size * PIXELS_PER_UNIT)
        self._draw.text(_scaled(at), words, fill=colour, font=self._fonts[size], anchor="rs" if right else "ls")

    def picture(self, corner: Point, size: Point, pixels: NDArray[np.uint8]) -> None:
        from PIL import Image

        wanted = (max(1, round(size[0] * PIXELS_PER_UNIT)), max(1, round(size[1] * PIXELS_PER_UNIT)))
        drawn = Image.fromarray(pixels).resize(wanted, Image.Resampling.BILINEAR)
        x, y = _scaled(corner)
        self._image.paste(drawn, (round(x), round(y)))

    def finish(self) -> bytes:
        content = BytesIO()
        self._image.save(content, "PNG", optimize=True)
        return content.getvalue()


def _scaled(point: Point) -> Point:
    return point[0] * PIXELS_PER_UNIT, point[1] * PIXELS_PER_UNIT
