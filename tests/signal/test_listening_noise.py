"""The quieter view: murmurs stay, diastole is quieter, silence stays silence, and no measurement knows of it."""

import ast
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import carebag_signal
from carebag_signal.disturbances import hum
from carebag_signal.listening_noise import FLOOR, ListeningNoise, repaired
from carebag_signal.synthetic import Body, HeartSound, heart_sound

RATE_HZ = 4000
GOLDEN = json.loads((Path(__file__).parent / "golden_listening.json").read_text())


def quieter(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    view = ListeningNoise(RATE_HZ)
    return view.feed(np.concatenate((sound, np.zeros(view.delay))))[view.delay :]


def level_db(sound: NDArray[np.float64], spans: list[tuple[int, int]]) -> float:
    return float(10 * np.log10(np.mean(np.concatenate([sound[a:b] for a, b in spans]) ** 2)))


def phases(heard: HeartSound) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Systoles and diastoles, without S1 and S2, after the noise is known."""
    late = [i for i, at in enumerate(heard.s1[:-1]) if at > 3.5 * RATE_HZ]
    return (
        [(int(heard.s1[i]) + 400, int(heard.s2[i]) - 40) for i in late],
        [(int(heard.s2[i]) + 480, int(heard.s1[i + 1]) - 200) for i in late],
    )


@pytest.mark.parametrize("murmur_level", [0.05, 0.1, 0.2])
def test_murmurs_stay_while_diastole_gets_quieter(murmur_level: float) -> None:
    body = Body(seed=4, murmur="systolic", murmur_level=murmur_level, noise_level=0.0)
    heard = heart_sound(body, 9.0)
    noise = np.random.default_rng(1).normal(size=heard.samples.size) * 0.01 * 0.3 * 32767
    sound = heard.samples + noise
    systoles, diastoles = phases(heard)
    calm = quieter(sound)
    assert level_db(calm, systoles) - level_db(sound, systoles) > -1.0
    assert level_db(calm, diastoles) - level_db(sound, diastoles) < -4.0


def test_nothing_is_taken_down_by_more_than_the_floor() -> None:
    noise = np.random.default_rng(2).normal(size=6 * RATE_HZ) * 300
    rest = quieter(noise)[4 * RATE_HZ :]
    lost_db = 20 * np.log10(rest.std() / noise[4 * RATE_HZ :].std())
    assert 20 * np.log10(FLOOR) - 0.3 < lost_db < -4.5


def test_silence_stays_silence() -> None:
    np.testing.assert_array_equal(ListeningNoise(RATE_HZ).feed(np.zeros(RATE_HZ, np.int16)), 0.0)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: g["name"])
def test_golden_numbers(golden: dict[str, Any]) -> None:
    view = ListeningNoise(golden["rate_hz"])
    samples = np.frombuffer(base64.b64decode(golden["samples"]), "<i2")
    assert view.delay == golden["delay"]
    np.testing.assert_allclose(view.feed(samples)[:: golden["step"]], golden["heard"], rtol=0, atol=1e-4)


def test_a_gap_teaches_no_noise() -> None:
    noise = np.random.default_rng(3).normal(size=8 * RATE_HZ) * 300
    noise[5 * RATE_HZ : 5 * RATE_HZ + 2000] = 0.0
    after = slice(6 * RATE_HZ, None)
    assert 20 * np.log10(quieter(noise)[after].std() / noise[after].std()) < -4.5


@pytest.mark.parametrize("rate_hz", [1000, 4000, 16_000, 44_100, 48_000])
def test_it_is_about_48_ms_late_at_any_rate(rate_hz: int) -> None:
    view = ListeningNoise(rate_hz)
    assert 0.034 < view.delay / rate_hz < 0.068
    click = np.zeros(rate_hz)
    click[100:110] = 500.0
    heard = view.feed(click)
    assert int(np.argmax(np.abs(heard))) - view.delay in range(98, 112)
    assert np.isfinite(heard).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 6000), max_size=8), st.integers(0, 99))
def test_any_chunking_gives_what_one_piece_gives(cuts: list[int], seed: int) -> None:
    sound = np.random.default_rng(seed).integers(-3000, 3000, 6000).astype(np.int16)
    whole = ListeningNoise(RATE_HZ).feed(sound)
    view = ListeningNoise(RATE_HZ)
    pieces = [view.feed(piece) for piece in np.split(sound, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert whole.size == sound.size


def test_mains_hum_goes_once_it_is_known() -> None:
    heard = heart_sound(Body(seed=5), 9.0)
    buzzing = heard.samples + 1500 * hum(heard.samples.size, RATE_HZ).samples
    _, diastoles = phases(heard)
    assert level_db(quieter(buzzing), diastoles) < level_db(buzzing, diastoles) - 15


def test_a_click_is_mended_and_a_heart_sound_is_not() -> None:
    calm = np.sin(np.arange(192) / 9.0) * 100
    clicked = calm.copy()
    clicked[96] += 4000
    assert np.abs(repaired(clicked, RATE_HZ) - calm).max() < 60
    np.testing.assert_array_equal(repaired(calm, RATE_HZ), calm)


def test_what_is_not_sound_is_refused_and_leaves_the_state_alone() -> None:
    view = ListeningNoise(RATE_HZ)
    for bad in (np.array([np.nan]), np.array([np.inf]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="finite"):
            view.feed(bad)
    sound = np.arange(500.0)
    np.testing.assert_array_equal(view.feed(sound), ListeningNoise(RATE_HZ).feed(sound))
    with pytest.raises(ValueError, match="rate_hz"):
        ListeningNoise(500)


def test_no_measurement_knows_of_it() -> None:
    folder = Path(carebag_signal.__file__ or "").parent
    for file in folder.rglob("*.py"):
        names = {
            name
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom | ast.Import)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        }
        assert not any("listening_noise" in name for name in names), file.name
