"""The page of a run: figures with their targets and verdicts, plots that hold, nothing fetched from anywhere."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag.link_emulator.profiles import PROFILES
from carebag.live_bench.page import page, spikes
from carebag.live_bench.plots import Axis, Line, cumulative, nice_step, per_second, plot
from carebag.live_bench.raw import Frame, Heard, Played, Raw, Rendered
from carebag.live_bench.response import Response
from carebag.live_bench.targets import rows

BEGAN = 1_800_000_000.0


def run(profile: str = "loss-5") -> Raw:
    frames = [(number * 118, BEGAN + number * 0.0295) for number in range(300)]
    rendered = [
        Rendered(7, number * 128, BEGAN + number * 0.032 + 0.15, 60.0, 60.0, {"waited": 40, "skipped": 0, "late": 8})
        for number in range(280)
    ]
    return Raw(
        PROFILES[profile],
        1,
        BEGAN,
        BEGAN + 10,
        bare=[(BEGAN + number * 0.02, BEGAN + number * 0.02 + 0.04) for number in range(500)],
        heard=Heard(frames, [], rendered, "verified", 0, 3),
        pictures=[Frame(BEGAN + number / 15, BEGAN + number / 15 - 0.15, 640) for number in range(150)],
        vitals=[(BEGAN + number + 0.1, "channel", number, BEGAN + number) for number in range(10)],
        talk=[(BEGAN + number * 0.05, 1, number * 2400, 0, 0, 0) for number in range(200)],
        setups_s=[0.8, 0.9],
        load=[(BEGAN + number, 20.0, 150.0) for number in range(10)],
        played=Played(4000, []),
        load_average="1.0 1.0 1.0",
    )


RESPONSE = Response([20.0, 100.0, 1000.0], [0.0, 0.01, -0.02], 6, 6)


def test_each_figure_has_a_verdict_where_something_is_wanted() -> None:
    found = {row.name: row for row in rows(run(), RESPONSE)}
    heard = found["stethoscope to rendered, over the one-way delay, p50"]
    assert (heard.target, heard.verdict) == ("<= 110 ms", "reached")
    assert heard.value == pytest.approx(150 - 40, abs=33)
    assert found["picture, drawn to presented, p50"].measured == "150 ms"
    assert found["response kit to audio thread, 20-1000 Hz, worst"].value == 0.02
    assert found["sound in the page within 150 ms"].verdict == "not measured"
    assert found["digest"].verdict == "reached"
    assert found["silence in the ear because sound was late"].measured == "10 ms"


def test_what_was_not_measured_is_never_reached() -> None:
    empty = Raw(PROFILES["clean"], 1, BEGAN, BEGAN + 10)
    assert not [row for row in rows(empty, None) if row.verdict == "reached"]


@pytest.mark.parametrize("profile", list(PROFILES))
def test_a_run_of_every_link_has_a_page_that_fetches_nothing(profile: str) -> None:
    raw = run(profile)
    raw.problems.append("picture: <b>gone</b>")
    text = page(raw, rows(raw, RESPONSE), RESPONSE, "carebag bench live")
    assert not re.search(r"(src|href)=|url\(|@import|https?:|<script|<link", text)
    assert "<b>gone</b>" not in text
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)
    assert text.count("<svg") >= 8


def test_a_run_in_which_nothing_came_has_a_page_too() -> None:
    empty = Raw(PROFILES["outage-8s"], 1, BEGAN, BEGAN + 10)
    assert "not measured" in page(empty, rows(empty, None), None, "carebag bench live")


NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3))
def test_a_curve_never_leaves_its_picture(points: list[tuple[float, float]], bands: list[tuple[float, float]]) -> None:
    ordered = [(min(pair), max(pair)) for pair in bands]
    svg = plot("a < b", [Line("one & two", points)], Axis("s", 0, 10), Axis("ms", 0, 400), ordered)
    ElementTree.fromstring(svg)
    places = [
        float(number)
        for path in re.findall(r'class="curve one" d="([^"]*)"', svg)
        for number in re.findall(r"-?[\d.]+", path)
    ]
    assert all(0 <= place <= 640 for place in places)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=3000))
def test_a_cumulative_curve_rises_to_one(durations: list[float]) -> None:
    points = cumulative(durations)
    assert points == sorted(points)
    assert points[-1] == (max(durations) * 1000, 1.0)
    assert len(points) <= 400 + 400 + 50


@given(st.floats(1e-6, 1e6))
def test_steps_between_ticks_are_round_and_not_too_small(rough: float) -> None:
    step = nice_step(rough)
    assert rough * (1 - 1e-6) <= step <= rough * 2.6
    assert f"{step:e}"[0] in "125"


def test_counts_per_second_and_needles() -> None:
    assert per_second([0.1, 0.9, 1.0, 5.0], 0, 3) == [(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]
    assert spikes([(1.0, 9.0)]) == [(1.0, 0.0), (1.0, 9.0), (1.0, 0.0)]


def test_logarithmic_ticks_lie_on_the_axis() -> None:
    assert Axis("Hz", 20, 1000, log=True).ticks() == [20, 50, 100, 200, 500, 1000]
