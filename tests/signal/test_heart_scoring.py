"""The scores of `make evaluate-heart`: paired losses, and a set without its fastest hearts."""

from pathlib import Path

import numpy as np
import pytest

TRAIN = Path(__file__).parents[2] / "signal" / "train"


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TRAIN))


def test_a_loss_is_of_the_same_recordings_and_its_interval_of_patients() -> None:
    from heart_scoring import Result, loss

    better = [Result(p, np.array([90, 5, 5]), False, 70.0, 70.0) for p in "aabbc"]
    worse = [
        Result(p, np.array([90 - d, 5 + d, 5 + d]), False, 70.0, 70.0) for p, d in zip("aabbc", (9,) * 5, strict=True)
    ]
    lost, low, high = loss(better, worse)
    assert lost == pytest.approx(100 * 9 / 95)
    assert low == pytest.approx(lost) == high  # every patient loses the same, however they are drawn


def test_the_fastest_go_by_patient_and_a_rate_that_is_not_shown_is_not_right() -> None:
    from heart_scoring import Result, within, without_fastest

    rates = [("slow", 60.0), ("mixed", 80.0), ("mixed", 100.0), ("mixed", 170.0), ("fast", 150.0), ("fast", None)]
    results = [Result(p, np.array([1, 0, 0]), False, rate, rate) for p, rate in rates]
    assert {r.patient for r in without_fastest(results, 1)} == {"slow", "mixed"}
    assert {r.patient for r in without_fastest(results, 2)} == {"slow"}
    asked = [Result("a", np.array([1, 0, 0]), False, rate, 100.0) for rate in (105.0, 94.9, None)]
    assert within(asked) == pytest.approx(1 / 3)
