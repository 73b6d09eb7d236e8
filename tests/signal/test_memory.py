"""What a monitor holds does not grow with what it has heard: its whole state, counted in bytes."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carebag_signal.auscultation import HeartSoundMonitor
from carebag_signal.listening_noise import ListeningNoise
from carebag_signal.lung_markers import LungMonitor
from carebag_signal.pulse import PulseMonitor
from carebag_signal.synthetic import Body, heart_sound, pulse_wave
from carebag_signal.views import ViewSwitch

RATE_HZ = 2000
PIECE_S = 6.0
"""A heart, then nobody touched, and so on: each word of quality comes and goes."""
WARM, PIECES = 24, 60


def pieces(monitor: Any) -> list[NDArray[Any]]:
    if isinstance(monitor, PulseMonitor):
        wave = pulse_wave(Body(seed=61), PIECE_S, 100).values
        return [wave, np.zeros_like(wave)]
    heart = heart_sound(Body(seed=61), PIECE_S, RATE_HZ).samples
    return [heart, np.random.default_rng(61).integers(-2, 3, heart.size).astype(np.int16)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeartSoundMonitor(RATE_HZ, extra_sounds=True),
        lambda: LungMonitor(RATE_HZ, markers=True),
        lambda: PulseMonitor(100, raw_light=True),
        lambda: ListeningNoise(RATE_HZ),
        lambda: ViewSwitch(RATE_HZ),
    ],
    ids=["heart", "lung", "pulse", "quieter", "views"],
)
def test_a_monitor_is_as_large_after_minutes_as_after_the_first(make: Callable[[], Any]) -> None:
    monitor = make()
    heard = pieces(monitor)
    sizes = []
    for count in range(PIECES):
        monitor.feed(heard[count % 2])
        sizes.append(len(pickle.dumps(monitor)))
    # lists fill up and empty, counters get a byte longer; what grew with the sound would go on
    assert max(sizes[WARM:]) <= max(sizes[:WARM]) + 64
