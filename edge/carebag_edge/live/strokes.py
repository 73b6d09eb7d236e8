"""Letters as strokes, drawn smooth in numpy: what the demo camera writes into its picture."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Stroke = tuple[tuple[float, float], ...]

# each glyph in a box 4 wide and 6 high, y downwards
GLYPHS: Final[dict[str, tuple[Stroke, ...]]] = {
    " ": (),
    "0": (((1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0)),),
    "1": (((0.6, 1.2), (2, 0), (2, 6)), ((0.6, 6), (3.4, 6))),
    "2": (((0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (0, 6), (4, 6)),),
    "3": (((0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (3, 3), (1.5, 3)), ((3, 3), (4, 4), (4, 5), (3, 6), (1, 6), (0, 5))),
    "4": (((3, 6), (3, 0), (0, 4.2), (4, 4.2)),),
    "5": (((4, 0), (0.4, 0), (0.2, 2.6), (3, 2.6), (4, 3.6), (4, 5), (3, 6), (1, 6), (0, 5)),),
    "6": (
        ((3.6, 0.4), (3, 0), (1, 0), (0, 1), (0, 5), (1, 6), (3, 6), (4, 5), (4, 3.6), (3, 2.7), (1, 2.7), (0, 3.6)),
    ),
    "7": (((0, 0), (4, 0), (1.6, 6)),),
    "8": (
        ((1, 3), (0, 2), (0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (3, 3), (1, 3), (0, 4), (0, 5), (1, 6), (3, 6)),
        ((3, 6), (4, 5), (4, 4), (3, 3)),
    ),
    "9": (
        ((4, 2.4), (3, 3.3), (1, 3.3), (0, 2.4), (0, 1), (1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0.4, 5.6)),
    ),
    ":": (((2, 1.8), (2, 1.8)), ((2, 4.6), (2, 4.6))),
    ".": (((1.4, 6), (1.4, 6)),),
    "A": (((0, 6), (2, 0), (4, 6)), ((0.8, 4), (3.2, 4))),
    "D": (((0, 0), (2.4, 0), (4, 1.6), (4, 4.4), (2.4, 6), (0, 6), (0, 0)),),
    "E": (((4, 0), (0, 0), (0, 6), (4, 6)), ((0, 3), (3.2, 3))),
    "I": (((2, 0), (2, 6)),),
    "K": (((0, 0), (0, 6)), ((4, 0), (0, 3.6)), ((1.4, 2.6), (4, 6))),
    "L": (((0, 0), (0, 6), (4, 6)),),
    "M": (((0, 6), (0, 0), (2, 3.4), (4, 0), (4, 6)),),
    "R": (((0, 6), (0, 0), (3, 0), (4, 1), (4, 2.2), (3, 3.2), (0, 3.2)), ((2, 3.2), (4, 6))),
    "S": (((4, 1), (3, 0), (1, 0), (0, 1), (0, 2), (1, 3), (3, 3), (4, 4), (4, 5), (3, 6), (1, 6), (0, 5)),),
    "U": (((0, 0), (0, 5), (1, 6), (3, 6), (4, 5), (4, 0)),),
}


def draw_glyph(character: str, height: int, weight: float) -> NDArray[np.float32]:
    """One character as coverage 0-1, shape (height + 2 * weight, about 0.67 of it).

    Args:
        character: one of `GLYPHS`; another is drawn as a space.
        height: of a capital, pixels.
        weight: thickness of the stroke, pixels.
    """
    scale = (height - weight) / 6
    rows, columns = int(height + 2 * weight), int(4 * scale + 3 * weight)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    distance = np.full((rows, columns), 1e6, dtype=np.float32)
    for stroke in GLYPHS.get(character, ()):
        points = [(px * scale + 1.5 * weight, py * scale + 1.5 * weight) for px, py in stroke]
        for start, end in pairwise(points):
            distance = np.minimum(distance, _to_segment(x, y, start, end), dtype=np.float32)
    return np.asarray(np.clip(weight / 2 + 0.5 - distance, 0, 1), dtype=np.float32)


def draw_text(text: str, height: int, weight: float, gap: int) -> NDArray[np.float32]:
    """A line of text as coverage 0-1, `gap` pixels between the characters."""
    glyphs = [draw_glyph(character, height, weight) for character in text]
    space = np.zeros((glyphs[0].shape[0], gap), dtype=np.float32)
    return np.concatenate([part for glyph in glyphs for part in (glyph, space)][:-1], axis=1)


def _to_segment(
    x: NDArray[np.float32], y: NDArray[np.float32], start: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float32]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / length, 0, 1) if length else np.zeros_like(x)
    away = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
    return np.asarray(away, dtype=np.float32)
