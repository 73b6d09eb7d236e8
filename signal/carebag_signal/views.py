"""Listening filters: what a stethoscope's bell and diaphragm let through, for ears only. Measurements use the raw
sound.

4th-order Butterworth band-passes as second-order sections, with the state carried from chunk to chunk. The console's
page computes the same filters; `tests/signal/golden_views.json` holds the numbers that both sides are tested against.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

View = Literal["bell", "diaphragm", "extended", "lung"]
VIEWS: tuple[View, ...] = get_args(View)

BANDS_HZ: dict[View, tuple[float, float]] = {
    "bell": (20.0, 200.0),
    "diaphragm": (100.0, 500.0),
    "extended": (20.0, 1000.0),
    "lung": (100.0, 1800.0),
}
CROSS_FADE_S = 0.05
_ORDER = 4
_HIGHEST_OF_NYQUIST = 0.95
"""An upper edge stays below this share of half the sampling rate."""
_LOWEST_RATE_HZ = 1000


def check_view_rate(rate_hz: int) -> None:
    """Raises: ValueError if a stethoscope's sound cannot be heard at this sampling rate."""
    if rate_hz < _LOWEST_RATE_HZ:
        raise ValueError(f"rate_hz must be at least {_LOWEST_RATE_HZ}")


def band_hz(view: View, rate_hz: int) -> tuple[float, float]:
    """Lower and upper -3 dB edge at a sampling rate.

    Raises: ValueError for an unknown view, or a rate that cannot carry it.
    """
    if view not in BANDS_HZ:
        raise ValueError(f"view must be one of {', '.join(VIEWS)}")
    check_view_rate(rate_hz)
    low, high = BANDS_HZ[view]
    return low, min(high, _HIGHEST_OF_NYQUIST * rate_hz / 2)


def sections(view: View, rate_hz: int) -> NDArray[np.float64]:
    """(4, 6) second-order sections b0 b1 b2 a0 a1 a2 of the view's filter, a0 = 1.

    Raises: ValueError for an unknown view, or a rate that cannot carry it.
    """
    low, high = band_hz(view, rate_hz)
    # a band-pass of order n comes from a low-pass prototype of order n and has 2n poles: four sections
    return np.asarray(scipy_signal.butter(_ORDER, (low, high), "bandpass", fs=rate_hz, output="sos"))


class ViewFilter:
    """One listening view of a stream; the output does not depend on how the stream is cut into chunks."""

    def __init__(self, view: View, rate_hz: int) -> None:
        """Raises: ValueError for an unknown view, or a rate that cannot carry it."""
        self.view: View = view
        self._sections = sections(view, rate_hz)
        self._state = np.zeros((len(self._sections), 2))

    def feed(self, samples: NDArray[np.int16] | NDArray[np.float64]) -> NDArray[np.float64]:
        """As many filtered samples as came in, in the same unit.

        Raises: ValueError unless the samples are one channel of finite numbers; the state is untouched then.
        """
        values = np.asarray(samples, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError("samples must be one channel of finite numbers")
        if not values.size:
            return values
        filtered, self._state = scipy_signal.sosfilt(self._sections, values, zi=self._state)
        return np.asarray(filtered)

    def reset(self) -> None:
        """Forgets the past: after a gap."""
        self._state = np.zeros_like(self._state)


class ViewSwitch:
    """A listening view that may be changed while one listens: the two cross-fade, so that no click is heard.

    None is the raw sound. The output does not depend on how the stream is cut into chunks.
    """

    def __init__(self, rate_hz: int, view: View | None = None) -> None:
        """Raises: ValueError for an unknown view, or a rate that cannot carry it."""
        check_view_rate(rate_hz)
        self._rate_hz = rate_hz
        self._now = self._filter(view)
        self._before: ViewFilter | None = None
        self._fade = max(2, round(CROSS_FADE_S * rate_hz))
        self._left = 0
        self.view: View | None = view

    def _filter(self, view: View | None) -> ViewFilter | None:
        return None if view is None else ViewFilter(view, self._rate_hz)

    def choose(self, view: View | None) -> None:
        """From the next sample on.

        Raises: ValueError for an unknown view, or a rate that cannot carry it.
        """
        if view != self.view:
            fresh = self._filter(view)
            self._before, self._now, self._left = self._now, fresh, self._fade
            self.view = view

    def feed(self, samples: NDArray[np.int16] | NDArray[np.float64]) -> NDArray[np.float64]:
        """As many samples as came in, in the same unit.

        Raises: ValueError unless the samples are one channel of finite numbers.
        """
        values = np.asarray(samples, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError("samples must be one channel of finite numbers")
        heard = values if self._now is None else self._now.feed(values)
        if not self._left:
            return heard
        n = min(self._left, values.size)
        old = values[:n] if self._before is None else self._before.feed(values[:n])
        share = (self._fade - self._left + 1 + np.arange(n)) / self._fade
        # half a cosine: the sum of both shares is one, and neither has a corner
        share = 0.5 - 0.5 * np.cos(np.pi * share)
        heard = heard.copy()
        heard[:n] = old * (1 - share) + heard[:n] * share
        self._left -= n
        return heard

    def reset(self) -> None:
        """Forgets the past: after a gap."""
        self._left = 0
        if self._now is not None:
            self._now.reset()
