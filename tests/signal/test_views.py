"""Listening filters: corner frequencies, any chunking, and the numbers that the console is tested against too."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from carebag_signal.views import CROSS_FADE_S, VIEWS, View, ViewFilter, ViewSwitch, band_hz, sections

GOLDEN = json.loads((Path(__file__).parent / "golden_views.json").read_text())
RATES = (2000, 4000, 8000, 16000, 48000)


@given(
    samples=hnp.arrays(np.int16, st.integers(1, 400)),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    view=st.sampled_from(VIEWS),
    rate_hz=st.sampled_from(RATES),
)
def test_any_chunking_gives_what_one_piece_gives(
    samples: NDArray[np.int16], cuts: list[int], view: View, rate_hz: int
) -> None:
    pieces = ViewFilter(view, rate_hz)
    joined = np.concatenate([pieces.feed(chunk) for chunk in np.split(samples, sorted(cuts))])
    whole = scipy_signal.sosfilt(sections(view, rate_hz), samples.astype(float))
    np.testing.assert_allclose(joined, whole, rtol=0, atol=1e-9)


@given(hnp.arrays(np.int16, st.integers(1, 200)), st.floats(-8, 8))
def test_filters_are_linear(samples: NDArray[np.int16], gain: float) -> None:
    plain = ViewFilter("bell", 4000).feed(samples)
    np.testing.assert_allclose(ViewFilter("bell", 4000).feed(gain * samples), gain * plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_edges_are_3_db_down_and_the_middle_is_flat(view: View, rate_hz: int) -> None:
    low, high = band_hz(view, rate_hz)
    middle = np.geomspace(1.7 * low, high / 1.7, 20) if high > 3 * low else np.array([np.sqrt(low * high)])
    edges = np.abs(scipy_signal.freqz_sos(sections(view, rate_hz), [low, high], fs=rate_hz)[1])
    flat = np.abs(scipy_signal.freqz_sos(sections(view, rate_hz), middle, fs=rate_hz)[1])
    np.testing.assert_allclose(20 * np.log10(edges), -3.01, atol=0.05)
    assert np.all(np.abs(20 * np.log10(flat)) < 1.0)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_filters_are_stable_and_stop_a_standing_offset(view: View, rate_hz: int) -> None:
    poles = np.concatenate([np.roots(section[3:]) for section in sections(view, rate_hz)])
    assert np.all(np.abs(poles) < 1.0)
    filtered = ViewFilter(view, rate_hz).feed(np.full(2 * rate_hz, 20000, np.int16))
    assert np.all(np.abs(filtered[rate_hz:]) < 1.0)


@pytest.mark.parametrize("golden", GOLDEN["views"], ids=lambda g: f"{g['view']}-{g['rate_hz']}")
def test_golden_numbers(golden: dict[str, object]) -> None:
    view: View = golden["view"]  # type: ignore[assignment]
    rate_hz = int(str(golden["rate_hz"]))
    np.testing.assert_allclose(sections(view, rate_hz), golden["sections"], rtol=1e-9, atol=1e-12)
    impulse = np.zeros(GOLDEN["impulse_samples"])
    impulse[0] = 1.0
    response = ViewFilter(view, rate_hz).feed(impulse)
    np.testing.assert_allclose(response, golden["impulse_response"], rtol=0, atol=1e-9)


def test_reset_forgets() -> None:
    rng = np.random.default_rng(4)
    view = ViewFilter("diaphragm", 4000)
    first = view.feed(rng.normal(size=500))
    view.reset()
    assert not np.allclose(view.feed(rng.normal(size=500)), first)
    view.reset()
    np.testing.assert_array_equal(view.feed(np.zeros(10)), np.zeros(10))


def test_what_is_not_sound_is_refused_and_leaves_the_state_alone() -> None:
    view = ViewFilter("extended", 4000)
    view.feed(np.ones(10))
    for bad in (np.array([1.0, np.nan]), np.array([np.inf]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="finite"):
            view.feed(bad)
    expected = ViewFilter("extended", 4000).feed(np.ones(20))[10:]
    np.testing.assert_allclose(view.feed(np.ones(10)), expected, atol=1e-12)


@pytest.mark.parametrize(("view", "rate_hz"), [("bell", 999), ("bell", -1), ("trumpet", 4000)])
def test_unknown_views_and_hopeless_rates_are_refused(view: str, rate_hz: int) -> None:
    with pytest.raises(ValueError, match=r"view|rate_hz"):
        sections(view, rate_hz)  # type: ignore[arg-type]


@given(
    cuts=st.lists(st.integers(0, 900), max_size=8),
    before=st.sampled_from((None, *VIEWS)),
    after=st.sampled_from((None, *VIEWS)),
    at=st.integers(0, 900),
)
def test_a_switch_is_the_same_for_any_chunking(
    cuts: list[int], before: View | None, after: View | None, at: int
) -> None:
    sound = np.random.default_rng(1).normal(size=900) * 1000

    def switched(edges: list[int]) -> NDArray[np.float64]:
        view, found = ViewSwitch(4000, before), []
        for piece in np.split(sound[:at], [c for c in edges if c < at]):
            found.append(view.feed(piece))
        view.choose(after)
        for piece in np.split(sound[at:], [c - at for c in edges if c >= at]):
            found.append(view.feed(piece))
        return np.concatenate(found)

    np.testing.assert_allclose(switched(sorted(cuts)), switched([]), rtol=0, atol=1e-9)


def test_a_switch_does_not_click() -> None:
    tone = 8000 * np.sin(2 * np.pi * 150 * np.arange(8000) / 4000)
    view = ViewSwitch(4000, "bell")
    heard = [view.feed(tone[:4010])]
    view.choose("diaphragm")
    heard.append(view.feed(tone[4010:]))
    steps = np.abs(np.diff(np.concatenate(heard)))
    assert steps[3000:].max() <= 1.1 * np.abs(np.diff(tone)).max()
    settled = ViewFilter("diaphragm", 4000).feed(tone[4010:])
    fade = round(CROSS_FADE_S * 4000)
    np.testing.assert_allclose(heard[1][fade:], settled[fade:], atol=1e-9)
    assert view.view == "diaphragm"
    with pytest.raises(ValueError, match="view"):
        view.choose("trumpet")  # type: ignore[arg-type]
