"""The bucket that paces uploads and limits what a page may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.token_bucket import TokenBucket


def test_a_full_bucket_lets_a_burst_go_and_then_the_rate() -> None:
    bucket = TokenBucket(1000.0, 2000.0)
    assert bucket.wait_s(2000, 0.0) == 0.0
    assert bucket.wait_s(500, 0.0) == pytest.approx(0.5)
    # what waits is owed already
    assert bucket.wait_s(500, 0.5) == pytest.approx(0.5)


def test_it_never_holds_more_than_its_size() -> None:
    bucket = TokenBucket(10.0, 5.0)
    assert bucket.allows(5, 1000.0)
    assert not bucket.allows(1, 1000.0)
    assert bucket.allows(1, 1000.1)


def test_another_rate_counts_from_when_it_is_told() -> None:
    bucket = TokenBucket(10.0, 1.0)
    bucket.allows(1, 0.0)
    bucket.turn(100.0, 0.05)
    assert bucket.wait_s(1, 0.05) == pytest.approx(0.005)


def test_a_clock_that_steps_back_gives_nothing() -> None:
    bucket = TokenBucket(1.0, 1.0)
    assert bucket.allows(1, 10.0)
    assert not bucket.allows(1, 5.0)
    assert not bucket.allows(1, 10.5)
    assert bucket.allows(1, 11.0)


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_a_bucket_without_rate_or_size_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(rate, burst)


@given(
    st.floats(1.0, 1e6),
    st.floats(1.0, 1e6),
    st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 1e5)), max_size=100),
)
def test_no_more_goes_than_burst_and_rate_allow(rate: float, burst: float, sends: list[tuple[float, float]]) -> None:
    bucket, now, sent = TokenBucket(rate, burst), 0.0, 0.0
    for pause, amount in sends:
        now += pause + bucket.wait_s(amount, now + pause)
        sent += amount
        assert sent <= burst + rate * now * (1 + 1e-9) + 1e-3


@given(st.floats(1.0, 1e3), st.floats(1.0, 100.0), st.lists(st.floats(0.0, 2.0), max_size=200))
def test_a_flood_gets_no_more_through(rate: float, burst: float, pauses: list[float]) -> None:
    bucket, now, passed = TokenBucket(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.allows(1.0, now)
    assert passed <= burst + rate * now + 1
