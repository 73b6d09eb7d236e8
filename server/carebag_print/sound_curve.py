"""A few seconds of a recording as the lowest and highest sample of each column: what a curve on paper can show."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from sys import byteorder

from carebag_fhir.visit_export import StoredFile
from carebag_wire.records import SoundRecorded

WINDOW_S = 8
_WHOLE_S = 10
"""A recording up to this long is shown whole."""
COLUMNS = 900


@dataclass(frozen=True, kw_only=True)
class Curve:
    first: int
    """Number of its first sample in the recording; `last` is the one after its last."""
    last: int
    extremes: tuple[tuple[float, float], ...]
    """Lowest and highest of each column, in parts of the loudest sample shown (-1 to 1)."""
    marks: tuple[tuple[float, str], ...]
    """Where in the curve (0 to 1) the kit found a heart sound, and which."""
    gaps: tuple[tuple[float, float], ...]
    """From where to where (0 to 1) there is no sound."""


def curve_of(sound: SoundRecorded, file: StoredFile) -> Curve | None:
    """None where there is nothing to draw, or the file is shorter than the record says."""
    first, last = window(sound)
    samples = _read(file.pieces(), 2 * first, 2 * last)
    if last <= first or len(samples) != last - first:
        return None
    loudest = max(1, *(abs(one) for one in (min(samples), max(samples))))
    columns = min(COLUMNS, len(samples))
    edges = [place * len(samples) // columns for place in range(columns + 1)]
    parts = [samples[start:end] for start, end in pairwise(edges)]

    def place(sample: int) -> float:
        return (min(max(sample, first), last) - first) / (last - first)

    return Curve(
        first=first,
        last=last,
        extremes=tuple((min(part) / loudest, max(part) / loudest) for part in parts),
        marks=tuple((place(at), name) for at, name in sound.sound_marks if first <= at < last),
        gaps=tuple(
            (place(gap.first_sample), place(gap.first_sample + gap.samples))
            for gap in sound.gaps
            if gap.first_sample < last and gap.first_sample + gap.samples > first
        ),
    )


def window(sound: SoundRecorded) -> tuple[int, int]:
    """The whole of a short recording; of a longer one the seconds in which the kit found most heart sounds."""
    if sound.samples <= _WHOLE_S * sound.rate_hz:
        return 0, sound.samples
    length = WINDOW_S * sound.rate_hz
    marks = sorted(at for at, _ in sound.sound_marks if at < sound.samples)
    starts = sorted({0, *(min(at - at % sound.rate_hz, sound.samples - length) for at in marks)})
    best = max(starts, key=lambda start: bisect_left(marks, start + length) - bisect_left(marks, start))
    return best, best + length


def _read(pieces: Iterable[bytes], start: int, stop: int) -> "array[int]":
    """The bytes from `start` to before `stop` as PCM16 little-endian; what comes later is not read."""
    held, at = bytearray(), 0
    for piece in pieces:
        held += piece[max(0, start - at) : max(0, stop - at)]
        at += len(piece)
        if at >= stop:
            break
    samples = array("h", bytes(held[: len(held) // 2 * 2]))
    if byteorder == "big":
        samples.byteswap()
    return samples
