"""Saturation: accepted when steady, with light enough and at rest; else why not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.vitals.oxygen_saturation import Acceptance, Oximetry, SpO2Acceptance

GOOD = Oximetry(0.0, 97.0, 70.0, 2.0)


def fed(values: list[Oximetry], each_s: float = 1.0) -> list[Acceptance]:
    acceptance = SpO2Acceptance()
    return [acceptance.feed(replace(v, at_s=i * each_s)) for i, v in enumerate(values)]


def test_is_accepted_after_ten_steady_seconds() -> None:
    found = fed([GOOD] * 13)
    assert [f.state for f in found] == ["wait"] * 10 + ["accepted"] * 3
    assert {f.reason for f in found[:10]} == {"assessing"}
    assert (found[-1].spo2_percent, found[-1].pulse_per_min, found[-1].below_verified) == (97, 70, False)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"spo2_percent": None}, "no_value"),
        ({"spo2_percent": float("nan")}, "no_value"),
        ({"pulse_per_min": None}, "no_value"),
        ({"spo2_percent": 101.0}, "implausible"),
        ({"spo2_percent": 49.0}, "implausible"),
        ({"spo2_percent": 127.0}, "implausible"),
        ({"pulse_per_min": 251.0}, "implausible"),
        ({"pulse_per_min": 0.0}, "implausible"),
        ({"perfusion_percent": 0.29}, "weak"),
        ({"perfusion_percent": float("nan")}, "weak"),
        ({"movement": True}, "movement"),
        ({"device_doubts": True}, "device"),
    ],
)
def test_one_wrong_value_is_refused_and_starts_anew(wrong: dict[str, float], reason: str) -> None:
    found = fed([*[GOOD] * 11, replace(GOOD, **wrong), *[GOOD] * 11])  # type: ignore[arg-type]
    assert found[10].state == "accepted"
    assert (found[11].state, found[11].reason) == ("refuse", reason)
    assert [f.state for f in found[12:]] == ["wait"] * 10 + ["accepted"]


def test_bounds_that_are_still_good() -> None:
    for value in ({"perfusion_percent": 0.3}, {"perfusion_percent": None}, {"spo2_percent": 100.0}):
        assert fed([replace(GOOD, **value)] * 11)[-1].state == "accepted"  # type: ignore[arg-type]


def test_a_jump_waits_and_starts_anew() -> None:
    found = fed([GOOD] * 11 + [replace(GOOD, spo2_percent=92.0)] * 11)
    assert (found[11].state, found[11].reason) == ("wait", "jumped")
    assert [f.reason for f in found[12:21]] == ["assessing"] * 9
    assert (found[21].state, found[21].spo2_percent) == ("accepted", 92)


def test_a_slow_fall_is_changing_until_it_stops() -> None:
    falling = [replace(GOOD, spo2_percent=97.0 - min(i, 8)) for i in range(25)]
    found = fed(falling)
    assert found[8].reason == "changing"
    assert found[15].reason == "changing"
    assert (found[-1].state, found[-1].spo2_percent) == ("accepted", 89)


def test_what_was_more_than_ten_seconds_ago_does_not_count() -> None:
    found = fed([replace(GOOD, spo2_percent=94.0), *[GOOD] * 11])
    assert [f.reason for f in found[9:]] == ["changing", "changing", "steady"]


def test_a_pulse_that_leaps_is_changing() -> None:
    assert fed([replace(GOOD, pulse_per_min=70.0 + 13 * (i % 2)) for i in range(20)])[-1].reason == "changing"


def test_a_silence_starts_anew() -> None:
    acceptance = SpO2Acceptance()
    for second in range(11):
        last = acceptance.feed(replace(GOOD, at_s=float(second)))
    assert last.state == "accepted"
    assert acceptance.feed(replace(GOOD, at_s=13.0)).state == "accepted"
    assert acceptance.feed(replace(GOOD, at_s=16.1)).reason == "assessing"


def test_below_seventy_is_marked_as_unverified() -> None:
    found = fed([replace(GOOD, spo2_percent=69.0)] * 11)[-1]
    assert (found.state, found.below_verified) == ("accepted", True)


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 5.0),
            st.none() | st.floats(40, 110),
            st.none() | st.floats(0, 300),
            st.none() | st.floats(0, 20),
        ),
        max_size=60,
    )
)
def test_what_is_accepted_was_steady(stream: list[tuple[float, float | None, float | None, float | None]]) -> None:
    acceptance, now, heard = SpO2Acceptance(), 0.0, []
    for pause, spo2, pulse, perfusion in stream:
        now += pause
        heard.append((now, spo2))
        found = acceptance.feed(Oximetry(now, spo2, pulse, perfusion))
        assert (found.spo2_percent is None) == (found.state != "accepted")
        if found.state == "accepted":
            recent = [s for t, s in heard if t >= now - 10.0]
            assert all(s is not None and 50 <= s <= 100 for s in recent)
            assert max(s for s in recent if s) - min(s for s in recent if s) <= 2.0


def test_refusals() -> None:
    acceptance = SpO2Acceptance()
    acceptance.feed(replace(GOOD, at_s=5.0))
    with pytest.raises(ValueError, match="back"):
        acceptance.feed(GOOD)
    with pytest.raises(ValueError, match="finite"):
        replace(GOOD, at_s=float("nan"))
    for steady_s in (0.5, 121.0, float("nan")):
        with pytest.raises(ValueError, match="steady_s"):
            SpO2Acceptance(steady_s)
