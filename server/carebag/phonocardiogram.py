"""A recording as a picture: the wave, its S1 and S2, its quality. SVG, drawn by hand: no plotting library needed."""

import numpy as np
from numpy.typing import NDArray

from carebag_signal.analyse import Analysis

_ROW_S = 10.0
_WIDTH, _ROW_HEIGHT, _LEFT, _TOP = 1200, 150, 60, 60
_COLUMNS = _WIDTH - _LEFT - 20
_NOTE = "Decision support; not a diagnosis. Tall stroke S1, short stroke S2."
_COLOUR = {
    "good": "#2e7d32",
    "no_contact": "#6d6d6d",
    "noisy": "#b26a00",
    "movement": "#8e4ec6",
    "speaking": "#0b7285",
    "clipped": "#c62828",
    None: "#cfd4da",
}


def draw(samples: NDArray[np.int16], analysis: Analysis) -> str:
    """An SVG document: rows of ten seconds, tall strokes for S1, short ones for S2, quality as a band with its word."""
    row = round(_ROW_S * analysis.rate_hz)
    rows = max(1, -(-samples.size // row))
    scale = max(1.0, float(np.percentile(np.abs(samples.astype(np.float64)), 99.8))) if samples.size else 1.0
    height = _TOP + rows * _ROW_HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="system-ui, sans-serif"',
        f'width="{_WIDTH}" height="{height}" font-size="13" fill="#1b1f24">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="28" font-size="18">{_title(analysis)}</text>',
        f'<text x="{_LEFT}" y="48" fill="#57606a">{_NOTE}</text>',
    ]
    for number in range(rows):
        parts += _row(samples, analysis, number * row, min((number + 1) * row, samples.size), number, scale)
    return "\n".join([*parts, "</svg>\n"])


def _title(analysis: Analysis) -> str:
    rate = analysis.heart_rate_per_min
    heart = f"{rate:.0f}/min" if rate is not None else f"not shown ({analysis.heart_rate_why_not})"
    return f"{analysis.n_samples / analysis.rate_hz:.1f} s at {analysis.rate_hz} Hz · heart rate {heart}"


def _row(samples: NDArray[np.int16], analysis: Analysis, start: int, end: int, number: int, scale: float) -> list[str]:
    per_pixel = _ROW_S * analysis.rate_hz / _COLUMNS
    top = _TOP + number * _ROW_HEIGHT
    middle = top + 65

    def x(sample: float) -> float:
        return _LEFT + (sample - start) / per_pixel

    parts = [f'<text x="8" y="{middle + 4}" fill="#57606a">{start / analysis.rate_hz:.0f} s</text>']
    parts.append(f'<path d="{_outline(samples[start:end], per_pixel, middle, scale)}" stroke="#1f5f99" fill="none"/>')
    for marks, reach, colour in ((analysis.s1, 55, "#b3261e"), (analysis.s2, 35, "#0b7285")):
        strokes = " ".join(f"M{x(m):.1f} {middle - reach}V{middle + reach}" for m in marks if start <= m < end)
        parts.append(f'<path d="{strokes}" stroke="{colour}" stroke-opacity="0.7" fill="none"/>')
    for span in analysis.quality:
        low, high = max(span.start, start), min(span.end, end)
        if low < high:
            parts.append(_band(x(low), x(high), top + 126, span.word))
    for first, count in analysis.gaps:
        low, high = max(first, start), min(first + count, end)
        if low < high:
            width = x(high) - x(low)
            parts.append(f'<rect x="{x(low):.1f}" y="{top + 5}" width="{width:.1f}" height="118" fill="#f3d9d7"/>')
    return parts


def _band(left: float, right: float, y: int, word: str | None) -> str:
    colour = _COLOUR[word]
    band = f'<rect x="{left:.1f}" y="{y}" width="{right - left:.1f}" height="5" fill="{colour}"/>'
    return band + (f'<text x="{left:.1f}" y="{y + 17}" fill="{colour}" font-size="11">{word}</text>' if word else "")


def _outline(samples: NDArray[np.int16], per_pixel: float, middle: int, scale: float) -> str:
    """Lowest and highest sample of every column of pixels."""
    edges = np.unique(np.floor(np.arange(0, samples.size, per_pixel)).astype(int))
    if not edges.size:
        return "M0 0"
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    strokes = []
    for column, (least, most) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        top = middle - 60 * min(max(most / scale, -1.0), 1.0)
        bottom = middle - 60 * min(max(least / scale, -1.0), 1.0)
        strokes.append(f"M{_LEFT + column} {top:.1f}V{bottom + 0.5:.1f}")
    return "".join(strokes)
