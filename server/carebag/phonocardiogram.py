"""A recording as a picture: rows of wave and spectrogram with what was found in them, and a title that says it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carebag.canvas import Canvas, PngCanvas, SvgCanvas
from carebag.spectrogram import colours, log_power
from carebag_signal.analyse import Analysis, LungAnalysis, PulseAnalysis

Values = NDArray[np.int16] | NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT, _TOP = 1200, 64, 24, 84
_COLUMNS = _WIDTH - _LEFT - _RIGHT
_WAVE, _SPECTRUM, _BAND, _AXIS, _SPACE = 84, 56, 16, 16, 14
_ROW_LENGTHS_S = (5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_ROWS = 12
_MOST_MARKS_PER_ROW = 150
"""More strokes than that hide the wave."""
_INK, _FAINT, _WAVE_INK, _GRID, _GAP = "#1b1f24", "#57606a", "#1f5f99", "#e4e8ec", "#f3d9d7"
_PLACE, _PAPER = "#b3261e", "#ffffff"
_NOTE = "Decision support; not a diagnosis. Where nothing is marked, nothing is known."
NOT_NAMED = "S1 and S2 are not named where the heart beats too fast to tell them apart surely"
LISTEN_HERE = "listen here"
_POINTER = f"{LISTEN_HERE.capitalize()}: more sound than expected between S1 and S2, a pointer and no finding"
_WORDS = {
    "good": ("good", "#2e7d32"),
    "no_contact": ("no contact", "#6d6d6d"),
    "noisy": ("too noisy", "#b26a00"),
    "movement": ("movement", "#8e4ec6"),
    "speech": ("speaking", "#00798c"),
    "clipped": ("clipped", "#c62828"),
    "weak": ("weak", "#6d6d6d"),
    "no_finger": ("no finger", "#6d6d6d"),
    "unsteady": ("unsteady", "#b26a00"),
}
WHY_NOT = {
    "assessing": "too short to tell",
    "no_contact": "no contact",
    "noisy": "too noisy",
    "weak": "signal too weak",
    "unsure": "not sure enough",
    "unsteady": "unsteady",
    "out_of_range": "out of range",
    "speech": "speaking",
    "disagree": "two ways to count disagree",
}
"""Codes in words; a code that is not here is shown as it is."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Strokes of one kind: where (samples), how far they reach from the middle (0-1), what they are called."""

    at: Sequence[float]
    reach: float
    colour: str
    name: str
    tick: bool = False
    """A short stroke at the upper edge: for marks that would hide the wave."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of samples with a word and its colour."""

    start: float
    end: float
    word: str
    colour: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a picture shows."""

    title: str
    rate_hz: int
    values: Values
    marks: tuple[Marks, ...] = ()
    band: tuple[Span, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    highest_hz: float | None = 800.0
    """Of the spectrogram; None draws none."""
    places: tuple[tuple[int, int], ...] = ()
    """(first sample, end) of what should be listened to."""
    bracket: tuple[int, int] | None = None
    """(first sample, end) of a stretch to listen to again."""
    remark: str = ""
    """What else has to be known, in a sentence."""


def heart_sheet(samples: NDArray[np.int16], found: Analysis) -> Sheet:
    """Heart sound with S1, S2 (where they can be told apart), quality, and where to listen again."""
    rate = found.heart_rate_per_min
    heart = f"{rate:.0f}/min" if rate is not None else _not_shown(found.heart_rate_why_not)
    listen = found.extra_sound.listen
    return Sheet(
        f"Heart sound · {_length(found.n_samples, found.rate_hz)} · heart rate {heart}",
        found.rate_hz,
        samples,
        _heart_marks(found),
        tuple(Span(q.start, q.end, *_word(q.word)) for q in found.quality if q.word is not None),
        found.gaps,
        600.0,
        bracket=(listen[0][0], listen[-1][1]) if listen else None,
        remark=" ".join(f"{said}." for said, so in ((NOT_NAMED, found.unnamed), (_POINTER, listen)) if so),
    )


def _heart_marks(found: Analysis) -> tuple[Marks, ...]:
    unnamed = set(found.unnamed)
    named = (
        Marks([s for s in found.s1 if s not in unnamed], 0.95, "#b3261e", "S1"),
        Marks([s for s in found.s2 if s not in unnamed], 0.6, "#0b7285", "S2"),
    )
    if not unnamed:
        return named
    return (*(marks for marks in named if marks.at), Marks(found.unnamed, 0.75, "#6d6d6d", "heart sound"))


def lung_sheet(samples: NDArray[np.int16], found: LungAnalysis) -> Sheet:
    """Lung sound with breaths in and out, the rate where it was shown, and places to listen to."""
    rate = found.breathing_rate_per_min
    breathing = f"{rate:.0f}/min" if rate is not None else _not_shown(found.breathing_rate_why_not)
    looks = [r for r in found.breathing_rates if r.why_not != "assessing"]
    before = [0, *(r.at_sample for r in looks)]
    band = [
        Span(
            start,
            r.at_sample,
            "" if r.per_min is None else f"{r.per_min:.0f}",
            "#9aa1a9" if r.per_min is None else "#2e7d32",
        )
        for start, r in zip(before, looks, strict=False)
    ]
    return Sheet(
        f"Lung sound · {_length(found.n_samples, found.rate_hz)} · breathing {breathing}",
        found.rate_hz,
        samples,
        (
            Marks(found.inspirations, 0.95, "#0b7285", "in"),
            Marks(found.expirations, 0.6, "#8a6d00", "out"),
        ),
        tuple(_joined(band)),
        found.gaps,
        1500.0,
        tuple((m.start, m.end) for m in found.marks),
    )


def pulse_sheet(values: NDArray[np.float64], found: PulseAnalysis) -> Sheet:
    """Pulse wave with its beats; the standing light is taken out, row by row."""
    shown = [r.per_min for r in found.pulse_rates if r.per_min is not None]
    pulse = (
        f"{float(np.median(shown)):.0f}/min"
        if shown
        else _not_shown(found.pulse_rates[-1].why_not if found.pulse_rates else "assessing")
    )
    breaths = [r.per_min for r in found.breathing_rates if r.per_min is not None]
    breathing = f"{float(np.median(breaths)):.0f}/min" if breaths else "not shown"
    at = [0.0, *(r.at_s * found.rate_hz for r in found.pulse_rates)]
    band = [
        Span(
            start,
            end,
            "pulse shown" if r.per_min is not None else "",
            "#2e7d32" if r.per_min is not None else "#9aa1a9",
        )
        for start, end, r in zip(at, at[1:], found.pulse_rates, strict=False)
    ]
    return Sheet(
        f"Pulse wave · {_length(found.n_samples, found.rate_hz)} · pulse {pulse} · breathing {breathing}",
        found.rate_hz,
        values,
        (Marks([b * found.rate_hz for b in found.beats_s], 0.2, "#b3261e", "beat", tick=True),),
        tuple(_joined(band)),
        highest_hz=None,
    )


def save(sheet: Sheet, file: Path) -> None:
    """Draws to `file`, as SVG or PNG by its name.

    Raises: ValueError for another name; ModuleNotFoundError if PNG is asked for without Pillow.
    """
    if file.suffix.lower() not in (".svg", ".png"):
        raise ValueError("a picture's name must end in .png or .svg")
    row_s, rows = _rows(sheet)
    height = _TOP + rows * (_row_height(sheet) + _SPACE) + 12
    canvas: Canvas = SvgCanvas(_WIDTH, height) if file.suffix.lower() == ".svg" else PngCanvas(_WIDTH, height)
    _draw(canvas, sheet, row_s, rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(canvas.finish())


def _length(n_samples: int, rate_hz: int) -> str:
    return f"{n_samples / rate_hz:.1f} s at {rate_hz} Hz"


def _not_shown(code: str | None) -> str:
    return f"not shown: {WHY_NOT.get(code or '', code)}"


def _word(code: str) -> tuple[str, str]:
    return _WORDS.get(code, (code.replace("_", " "), _FAINT))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbours that say the same are one."""
    found: list[Span] = []
    for span in spans:
        if found and (found[-1].word, found[-1].colour) == (span.word, span.colour) and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, span.end, span.word, span.colour)
        else:
            found.append(span)
    return found


def _rows(sheet: Sheet) -> tuple[float, int]:
    """Seconds in a row, and rows: as many rows as a page holds."""
    seconds = max(sheet.values.size / sheet.rate_hz, 1e-3)
    shortest = 10 if sheet.highest_hz else 20
    fitting = (float(s) for s in _ROW_LENGTHS_S if s >= min(seconds, shortest) and s * _MOST_ROWS >= seconds)
    row_s = next(fitting, float(-(-seconds // _MOST_ROWS)))
    # a rest too short to be seen gets no row of its own
    return row_s, max(1, int(-(-(seconds - 0.005 * row_s) // row_s)))


def _row_height(sheet: Sheet) -> int:
    return _WAVE + (_SPECTRUM if sheet.highest_hz else 0) + _BAND + _AXIS


def _draw(canvas: Canvas, sheet: Sheet, row_s: float, rows: int) -> None:
    canvas.text((_LEFT, 32), sheet.title, _INK, 19)
    canvas.text((_LEFT, 54), f"{_NOTE} {sheet.remark}".rstrip(), _FAINT)
    at = float(_LEFT)
    for marks in sheet.marks:
        canvas.strokes([((at, 62), (at, 74))], marks.colour, 2)
        canvas.text((at + 6, 73), f"{marks.name} ({len(marks.at)})", marks.colour, 12)
        at += 44 + 7 * (len(marks.name) + 5)
    if sheet.places:
        canvas.rectangle((at, 66), (18, 4), _PLACE)
        canvas.text((at + 24, 73), f"{LISTEN_HERE} ({len(sheet.places)})", _PLACE, 12)
    per_row = row_s * sheet.rate_hz
    middle, scale = _scale(sheet)
    for number in range(rows):
        top = _TOP + number * (_row_height(sheet) + _SPACE)
        start = round(number * per_row)
        end = min(round((number + 1) * per_row), sheet.values.size)

        def x(sample: float, start: int = start) -> float:
            return _LEFT + (sample - start) / per_row * _COLUMNS

        _row(canvas, sheet, top, start, end, x, middle, scale)
        _axis(canvas, top + _row_height(sheet), start / sheet.rate_hz, row_s)


def _scale(sheet: Sheet) -> tuple[float, float]:
    """Middle of the wave, and what fills half a row: a knock may stick out."""
    if not sheet.values.size:
        return 0.0, 1.0
    middle = float(np.median(sheet.values))
    return middle, max(float(np.percentile(np.abs(sheet.values - middle), 99.7)), 1e-9)


def _row(
    canvas: Canvas,
    sheet: Sheet,
    top: int,
    start: int,
    end: int,
    x: Callable[[float], float],
    middle: float,
    scale: float,
) -> None:
    for first, count in sheet.gaps:
        low, high = max(first, start), min(first + count, end)
        if low < high:
            canvas.rectangle((x(low), top), (x(high) - x(low), _WAVE), _GAP)
    centre = top + _WAVE / 2
    canvas.strokes([((_LEFT, centre), (_LEFT + _COLUMNS, centre))], _GRID)
    for marks in sheet.marks:
        inside = [m for m in marks.at if start <= m < end]
        if len(inside) <= _MOST_MARKS_PER_ROW:
            reach = marks.reach * _WAVE / 2
            upper, lower = (top - 2, top - 2 + reach) if marks.tick else (centre - reach, centre + reach)
            canvas.strokes([((x(m), upper), (x(m), lower)) for m in inside], marks.colour, 1.3)
    _wave(canvas, sheet.values[start:end], centre, middle, scale, x(end) - x(start))
    for first, last in sheet.places:
        if start <= first < end:
            canvas.rectangle((x(first), top - 5), (max(x(min(last, end)) - x(first), 2), 4), _PLACE)
    if sheet.bracket is not None:
        _bracket(canvas, sheet.bracket, top, start, end, x)
    below = top + _WAVE
    if sheet.highest_hz:
        _spectrum(canvas, sheet, below, start, end, x)
        below += _SPECTRUM
    _band(canvas, sheet.band, below, start, end, x)


def _bracket(
    canvas: Canvas, bracket: tuple[int, int], top: int, start: int, end: int, x: Callable[[float], float]
) -> None:
    """Over the wave, open where it goes on in another row; its words where it begins."""
    first, last = max(bracket[0], start), min(bracket[1], end)
    if first >= last:
        return
    lines = [((x(first), top - 4), (x(last), top - 4))]
    lines += [((x(edge), top - 4), (x(edge), top + 4)) for edge in bracket if start <= edge <= end]
    canvas.strokes(lines, _INK, 1.2)
    if first == bracket[0]:
        canvas.rectangle((x(first) + 3, top - 2), (6 * len(LISTEN_HERE), 12), _PAPER)
        canvas.text((x(first) + 4, top + 8), LISTEN_HERE, _INK, 11)


def _wave(canvas: Canvas, values: Values, centre: float, middle: float, scale: float, width: float) -> None:
    """Lowest and highest value of every half pixel, or the values themselves where there are few."""

    def y(value: float) -> float:
        return centre - (_WAVE / 2 - 2) * min(max((value - middle) / scale, -1.0), 1.0)

    if values.size < 2:
        return
    columns = round(2 * width)
    if values.size <= 2 * columns:
        step = width / values.size
        canvas.polyline([(_LEFT + i * step, y(v)) for i, v in enumerate(values.tolist())], _WAVE_INK)
        return
    edges = np.unique(np.linspace(0, values.size, columns, endpoint=False).astype(int))
    low, high = np.minimum.reduceat(values, edges), np.maximum.reduceat(values, edges)
    # a column begins where the one before it ended: no holes in a steep wave
    low[1:], high[1:] = np.minimum(low[1:], values[edges[1:] - 1]), np.maximum(high[1:], values[edges[1:] - 1])
    lines = []
    for column, (least, most) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        at = _LEFT + column / 2
        lines.append(((at, y(most)), (at, y(least) + 0.5)))
    canvas.strokes(lines, _WAVE_INK, 0.5)


def _spectrum(canvas: Canvas, sheet: Sheet, top: int, start: int, end: int, x: Callable[[float], float]) -> None:
    highest = min(sheet.highest_hz or 0.0, sheet.rate_hz / 2)
    power = log_power(sheet.values[start:end], sheet.rate_hz, highest, columns=max(1, round(x(end) - x(start))))
    if power.size:
        canvas.picture((_LEFT, top + 2), (x(end) - x(start), _SPECTRUM - 4), colours(power))
    canvas.text((_LEFT - 6, top + 12), f"{highest:.0f} Hz", _FAINT, 10, right=True)
    canvas.text((_LEFT - 6, top + _SPECTRUM - 4), "0", _FAINT, 10, right=True)


def _band(canvas: Canvas, band: tuple[Span, ...], top: int, start: int, end: int, x: Callable[[float], float]) -> None:
    free = 0.0
    for span in band:
        low, high = max(span.start, start), min(span.end, end)
        if low < high:
            canvas.rectangle((x(low), top + 1), (max(x(high) - x(low) - 1, 1), 3), span.colour)
            if span.word and x(low) >= free and x(high) - x(low) > 6 * len(span.word):
                canvas.text((x(low), top + 14), span.word, span.colour, 10)
                free = x(low) + 6.5 * len(span.word)


def _axis(canvas: Canvas, bottom: int, first_s: float, row_s: float) -> None:
    """Ten ticks a row; whole seconds, or minutes in long recordings."""
    lines = []
    for tick in range(11):
        at = _LEFT + tick / 10 * _COLUMNS
        lines.append(((at, bottom - _AXIS + 2), (at, bottom - _AXIS + 5)))
        if tick % 2 == 0:
            canvas.text((at, bottom - 1), _clock(first_s + tick / 10 * row_s), _FAINT, 10, right=tick == 10)
    canvas.strokes(lines, "#9aa1a9")


def _clock(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d} min"
