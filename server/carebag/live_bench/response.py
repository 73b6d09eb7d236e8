"""Frequency response of the sound path: the audio thread's output against the samples that the stethoscope heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW_HZ, HIGH_HZ = 20.0, 1000.0
HALVES_S = (1.5, 1.7, 1.9, 2.1, 2.3, 2.5)
"""Of each way up and down, all different, so that every part of it is found again without doubt."""
SEGMENT_S = 1.024
AMPLITUDE = 0.4
STRONG = 0.3
"""Of a frequency's largest amplitude in any segment."""
SHIFT_S = 0.001
"""A filter shifts a segment by up to this; neighbours further apart have a gap between them."""
SILENT = 1e-7
HOLE_SAMPLES = 2
"""Half a millisecond already takes tenths of a decibel from a tone that the sweep passes in a twentieth of a second."""
HEARD = 0.02
"""Where the source is louder, silence is a hole."""

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """Gain in dB at each frequency; `used` of `segments` lay at no gap."""

    hz: list[float]
    db: list[float]
    used: int
    segments: int

    @property
    def worst_db(self) -> float | None:
        return max((abs(one) for one in self.db), default=None)


def sweep(rate_hz: int) -> NDArray[np.int16]:
    """Logarithmic sweeps over the whole band, up and down, none as long as another."""
    return np.concatenate([_up_and_down(half_s, rate_hz) for half_s in HALVES_S])


def _up_and_down(half_s: float, rate_hz: int) -> NDArray[np.int16]:
    time = np.arange(int(half_s * rate_hz)) / rate_hz
    low, high = LOW_HZ * 0.8, min(HIGH_HZ * 1.2, rate_hz * 0.45)
    grow = np.log(high / low) / half_s
    up = np.sin(2 * np.pi * low * np.expm1(grow * time) / grow)
    return np.asarray(np.round(np.concatenate([up, up[::-1]]) * AMPLITUDE * 32767), dtype=np.int16)


def response(stretches: Sequence[Sequence[float]], source: NDArray[np.int16], rate_hz: int) -> Response:
    """Gain from what the stethoscope heard to what was played.

    A segment is judged where its neighbours lie beside it in the source as well; next to a gap it is left out.

    Args:
        stretches: samples from -1 to 1 at `rate_hz`, each without a break.
        source: PCM16 from the start of listening; no part of it is like another.
    """
    size = int(SEGMENT_S * rate_hz)
    original = source.astype(np.float64) / 32768
    window = np.hanning(size)
    given, came = [], []
    segments = 0
    for stretch in stretches:
        played = _audible(np.asarray(stretch, dtype=np.float64))
        starts = range(0, len(played) - size + 1, size // 2)
        segments += len(starts)
        offsets = [_place(played[at : at + size], original) - at for at in starts]
        for offset, indices in runs(offsets, round(SHIFT_S * rate_hz)):
            for begin in (starts[index] for index in indices):
                wanted = original[begin + offset : begin + offset + size]
                if begin + offset < 0 or len(wanted) < size or _has_hole(played[begin : begin + size], wanted):
                    continue
                given.append(np.abs(np.fft.rfft(wanted * window)))
                came.append(np.abs(np.fft.rfft(played[begin : begin + size] * window)))
    return _curve(np.array(given), np.array(came), np.fft.rfftfreq(size, 1 / rate_hz), segments)


def runs(offsets: Sequence[int], within: int) -> list[tuple[int, range]]:
    """(common offset, segments) of each run of like offsets, without those at its inner ends: they lie at a gap."""
    found: list[tuple[int, range]] = []
    begin = 0
    for end in range(1, len(offsets) + 1):
        if end < len(offsets) and abs(offsets[end] - offsets[end - 1]) <= within:
            continue
        first = begin if begin == 0 else begin + 1
        last = end if end == len(offsets) else end - 1
        if end - begin >= 3:
            found.append((int(np.median(offsets[begin:end])), range(first, last)))
        begin = end
    return found


def _audible(played: Samples) -> Samples:
    """From the first to the last sample that is more than the tail of a filter."""
    return np.trim_zeros(np.where(np.abs(played) < SILENT, 0.0, played))


def _has_hole(piece: Samples, wanted: Samples) -> bool:
    """Whether there is silence in it where the source has none."""
    silent = (piece == 0.0) & (np.abs(wanted) > HEARD)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent, [0]])))
    return bool(len(edges) and (edges[1::2] - edges[::2]).max() >= HOLE_SAMPLES)


def _place(piece: Samples, original: Samples) -> int:
    """Where in the source this is most likely from."""
    size, length = len(piece), len(original)
    whole = 1 << (length + size).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(original, whole) * np.conj(np.fft.rfft(piece, whole)), whole)
    return int(np.argmax(likeness[: length - size + 1]))


def _curve(given: Samples, came: Samples, hz: NDArray[np.floating[Any]], segments: int) -> Response:
    """The median over the segments in which a frequency was strong: a gap spoils a few of them, a filter all."""
    if not len(given):
        return Response([], [], 0, segments)
    strong = given > STRONG * given.max(axis=0, keepdims=True)
    band = (hz >= LOW_HZ) & (hz <= HIGH_HZ) & (given.max(axis=0) > given.max() * 1e-3)
    decibels = [
        20 * float(np.log10(max(1e-6, np.median(came[strong[:, at], at] / given[strong[:, at], at]))))
        for at in np.flatnonzero(band)
    ]
    return Response(
        [round(float(one), 2) for one in hz[band]], [round(one, 4) for one in decibels], len(given), segments
    )
