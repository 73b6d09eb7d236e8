"""Pulse beats by Carebag, NeuroKit2 and BioSPPy in one run: the same recordings, the same scorer.

    python signal/train/evaluate_pulse_peers.py --bidmc DIR

Runs in an environment of its own (`make evaluate-peers`; signal/train/peers.txt). The peers see each recording as a
whole and so know what comes; Carebag hears it as it comes. Their pulse rate is that of the beats of ten seconds, as in
the reference; they have no gate, so that all is shown. Breathing: NeuroKit2 from the rhythm, in each window of 32 s.
"""

import argparse
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import neurokit2
import numpy as np
from biosppy.signals import ppg, tools
from evaluate_pulse import ours
from numpy.typing import NDArray
from pulse_scoring import BREATHING_WINDOW_S, PULSE_WINDOW_S, Found, Recording, line, rate_in, read_bidmc, score

Floats = NDArray[np.float64]


def neurokit_beats(wave: Floats, rate_hz: int) -> Floats:
    cleaned = neurokit2.ppg_clean(wave, rate_hz, method="elgendi")
    return np.asarray(neurokit2.ppg_findpeaks(cleaned, rate_hz, method="elgendi")["PPG_Peaks"]) / rate_hz


def biosppy_beats(wave: Floats, rate_hz: int) -> Floats:
    filtered, _, _ = tools.filter_signal(
        signal=wave, ftype="butter", band="bandpass", order=4, frequency=[1, 8], sampling_rate=rate_hz
    )
    return np.asarray(ppg.find_onsets_elgendi2013(signal=filtered, sampling_rate=rate_hz)["onsets"]) / rate_hz


def neurokit_breathing(recording: Recording, beats_s: Floats) -> list[tuple[float, float | None]]:
    """Its breathing from the rhythm of the heart, here of the pulse: it has none from the height of a pulse wave."""
    rate_hz, found = recording.rate_hz, []
    peaks = np.rint(beats_s * rate_hz).astype(int)
    rate = neurokit2.signal_rate(peaks, sampling_rate=rate_hz, desired_length=recording.wave.size)
    breathing = neurokit2.ecg_rsp(rate, sampling_rate=rate_hz)
    for end in range(BREATHING_WINDOW_S, int(recording.wave.size / rate_hz) + 1, 4):
        window = breathing[(end - BREATHING_WINDOW_S) * rate_hz : end * rate_hz]
        try:
            told = float(np.mean(neurokit2.rsp_rate(window, sampling_rate=rate_hz)))
        except (ValueError, IndexError, ZeroDivisionError):
            told = float("nan")
        found.append((float(end), told if np.isfinite(told) else None))
    return found


def offline(
    recording: Recording,
    beats: Callable[[Floats, int], Floats],
    breathing: Callable[[Recording, Floats], list[tuple[float, float | None]]] | None = None,
) -> Found:
    """A peer's findings on the windows on which Carebag is asked."""
    beats_s = beats(recording.wave, recording.rate_hz)
    ends = range(3, int(recording.wave.size / recording.rate_hz) + 1)
    pulse = [(float(end), rate_in(beats_s, end, PULSE_WINDOW_S, 4)) for end in ends]
    return Found(beats_s, pulse, breathing(recording, beats_s) if breathing else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bidmc", type=Path, required=True)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    recordings = read_bidmc(asked.bidmc)
    methods: dict[str, Callable[[Recording], Found]] = {
        "Carebag, streamed": ours,
        f"NeuroKit2 {version('neurokit2')}, Elgendi": lambda r: offline(r, neurokit_beats, neurokit_breathing),
        f"BioSPPy {version('biosppy')}, Elgendi": lambda r: offline(r, biosppy_beats),
    }
    for name, method in methods.items():
        results = [(r.doubtful, score(r, method(r))) for r in recordings]
        sys.stdout.write(line(f"{name}, all", [result for _, result in results]))
        sys.stdout.write(
            line(f"{name}, reference not in doubt", [result for doubtful, result in results if not doubtful])
        )


if __name__ == "__main__":
    main()
