"""Frequency response of the sound path: the audio thread's output against the samples that the stethoscope heard."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOW_HZ, HIGH_HZ = 20.0, 1000.0
SWEEP_S = 4.0
SEGMENT_S = 1.024
AMPLITUDE = 0.4
ALIKE = 0.99
"""Correlation above which a segment is the sweep without a gap in it; others are not judged, but counted."""

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """Gain in dB at each frequency; `used` of `segments` held the sweep without a gap."""

    hz: list[float]
    db: list[float]
    used: int
    segments: int

    @property
    def worst_db(self) -> float | None:
        return max((abs(one) for one in self.db), default=None)


def sweep(rate_hz: int) -> NDArray[np.int16]:
    """A logarithmic sweep over the whole band, up and down, so that it can be played round and round without a jump."""
    half = int(SWEEP_S / 2 * rate_hz)
    time = np.arange(half) / rate_hz
    low, high = LOW_HZ * 0.8, min(HIGH_HZ * 1.2, rate_hz * 0.45)
    grow = np.log(high / low) / (SWEEP_S / 2)
    up = np.sin(2 * np.pi * low * np.expm1(grow * time) / grow)
    whole = np.concatenate([up, -up[::-1]])
    return np.asarray(np.round(whole * AMPLITUDE * 32767), dtype=np.int16)


def response(stretches: Sequence[Sequence[float]], source: NDArray[np.int16], rate_hz: int) -> Response:
    """Gain from what the stethoscope heard to what was played.

    Args:
        stretches: samples from -1 to 1 at `rate_hz`, each without a break.
        source: PCM16 from the start of listening, longer than all stretches together.
    """
    size = int(SEGMENT_S * rate_hz)
    original = source.astype(np.float64) / 32768
    power = np.zeros(size // 2 + 1)
    cross = np.zeros(size // 2 + 1, dtype=np.complex128)
    used = segments = 0
    window = np.hanning(size)
    for stretch in stretches:
        played = np.asarray(stretch, dtype=np.float64)
        for start in range(0, len(played) - size + 1, size // 2):
            piece = played[start : start + size]
            if not piece.any():
                continue
            segments += 1
            wanted = _matching(piece, original)
            if wanted is None:
                continue
            used += 1
            spectrum = np.fft.rfft(wanted * window)
            power += np.abs(spectrum) ** 2
            cross += np.conj(spectrum) * np.fft.rfft(piece * window)
    return _curve(power, cross, size, rate_hz, used, segments)


def _matching(piece: Samples, original: Samples) -> Samples | None:
    """The part of the source that this is, by its correlation; None where it is none of it."""
    size, length = len(piece), len(original)
    whole = 1 << (length + size).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(original, whole) * np.conj(np.fft.rfft(piece, whole)), whole)
    best = int(np.argmax(likeness[: length - size + 1]))
    wanted = original[best : best + size]
    scale = float(np.linalg.norm(wanted) * np.linalg.norm(piece))
    return wanted if scale > 0 and float(wanted @ piece) / scale > ALIKE else None


def _curve(power: Samples, cross: NDArray[np.complex128], size: int, rate_hz: int, used: int, of: int) -> Response:
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    heard = (hz >= LOW_HZ) & (hz <= HIGH_HZ) & (power > power.max(initial=0.0) * 1e-6)
    if used == 0:
        return Response([], [], 0, of)
    gain = 20 * np.log10(np.abs(cross[heard]) / power[heard])
    return Response([round(float(one), 2) for one in hz[heard]], [round(float(one), 4) for one in gain], used, of)
