"""The link: what is lost, how long runs of losses are, order, rate, outage; and the same for the same seed."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag.link_emulator.model import Fate, LinkModel, Outage, Way
from carebag.link_emulator.profiles import PROFILES, Profile

PACKETS = st.lists(st.tuples(st.floats(0, 0.05), st.integers(20, 1500)), min_size=1, max_size=200)
"""(seconds after the one before, bytes)."""
WAYS = st.builds(
    Way,
    delay_ms=st.just(40.0),
    jitter_ms=st.floats(0, 40),
    loss=st.floats(0, 0.4),
    burst=st.none() | st.floats(1, 10),
    rate_kbit=st.none() | st.floats(50, 5000),
    queue_ms=st.floats(0, 500),
)


def fates(way: Way, packets: list[tuple[float, int]], seed: int = 1, outages: tuple[Outage, ...] = ()) -> list[Fate]:
    link, now, found = LinkModel(way, seed, outages), 0.0, []
    for later, size in packets:
        now += later
        found.append(link.offer(now, size))
    return found


def times(packets: list[tuple[float, int]]) -> list[float]:
    now, found = 0.0, []
    for later, _ in packets:
        now += later
        found.append(now)
    return found


def steady(count: int) -> list[tuple[float, int]]:
    return [(0.02, 200)] * count


@given(WAYS, PACKETS, st.integers(0, 99))
def test_the_same_seed_gives_the_same_fates(way: Way, packets: list[tuple[float, int]], seed: int) -> None:
    assert fates(way, packets, seed) == fates(way, packets, seed)


def test_another_seed_gives_others() -> None:
    assert fates(Way(loss=0.2), steady(200), 1) != fates(Way(loss=0.2), steady(200), 2)


@given(WAYS, PACKETS)
def test_nothing_overtakes_and_nothing_is_faster_than_the_link(way: Way, packets: list[tuple[float, int]]) -> None:
    arrived = [
        (now, fate.due_s)
        for now, fate in zip(times(packets), fates(way, packets), strict=True)
        if fate.due_s is not None
    ]
    dues = [due for _, due in arrived]
    assert dues == sorted(dues)
    least = (way.delay_ms - way.jitter_ms) / 1000
    assert all(due - now >= least - 1e-9 for now, due in arrived)


@given(WAYS.filter(lambda way: way.rate_kbit is None), PACKETS)
def test_without_a_rate_nothing_is_slower_than_its_jitter_allows(way: Way, packets: list[tuple[float, int]]) -> None:
    for now, fate in zip(times(packets), fates(way, packets), strict=True):
        # one that may not overtake takes the time of the one before it, which left earlier
        assert fate.due_s is None or fate.due_s - now <= (way.delay_ms + way.jitter_ms) / 1000 + 1e-9


@given(WAYS.map(lambda way: replace(way, jitter_ms=0.0)), PACKETS, st.floats(100, 1000))
def test_the_rate_is_never_exceeded(way: Way, packets: list[tuple[float, int]], rate_kbit: float) -> None:
    way = replace(way, rate_kbit=rate_kbit)
    passed = [
        (fate.due_s, size)
        for (_, size), fate in zip(packets, fates(way, packets), strict=True)
        if fate.due_s is not None
    ]
    for (before, _), (due, size) in pairwise(passed):
        assert due - before >= size * 8 / (rate_kbit * 1000) - 1e-9


@given(WAYS, PACKETS)
def test_nothing_waits_longer_in_the_queue_than_it_holds(way: Way, packets: list[tuple[float, int]]) -> None:
    way = replace(way, rate_kbit=300.0, jitter_ms=0.0)
    for now, (_, size), fate in zip(times(packets), packets, fates(way, packets), strict=True):
        assert fate.due_s is None or fate.due_s - now <= (way.queue_ms + way.delay_ms + size * 8 / 300) / 1000 + 1e-9


def test_a_full_queue_drops_what_comes_last() -> None:
    way = Way(jitter_ms=0, rate_kbit=100, queue_ms=100)
    burst = fates(way, [(0.0, 1250)] * 4)  # each takes 100 ms
    assert [fate.reason for fate in burst] == [None, None, "queue", "queue"]


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("burst", [None, 2.0, 4.0])
def test_the_share_that_is_lost(loss: float, burst: float | None) -> None:
    many = fates(Way(loss=loss, burst=burst), steady(40_000))
    share = sum(fate.reason == "loss" for fate in many) / len(many)
    assert share == pytest.approx(loss, rel=0.2)


@pytest.mark.parametrize(("burst", "expected"), [(None, 1 / 0.95), (2.0, 2.0), (4.0, 4.0)])
def test_the_mean_run_of_losses(burst: float | None, expected: float) -> None:
    lost = [fate.reason == "loss" for fate in fates(Way(loss=0.05, burst=burst), steady(40_000))]
    runs = sum(after and not before for before, after in zip([False, *lost], lost, strict=False))
    assert sum(lost) / runs == pytest.approx(expected, rel=0.1)


def test_the_delay_lies_evenly_around_its_middle() -> None:
    packets = [(0.1, 100)] * 4000  # so far apart that none is held back by the one before
    delays = [(fate.due_s or 0) - now for now, fate in zip(times(packets), fates(Way(), packets), strict=True)]
    assert sum(delays) / len(delays) == pytest.approx(0.040, abs=0.0005)
    assert min(delays) == pytest.approx(0.035, abs=0.0001)
    assert max(delays) == pytest.approx(0.045, abs=0.0001)


@given(st.floats(0, 3), st.floats(0, 3))
def test_nothing_that_comes_in_an_outage_passes_and_everything_else_does(start: float, length: float) -> None:
    found = fates(Way(), steady(200), outages=(Outage(start, length),))
    for now, fate in zip(times(steady(200)), found, strict=True):
        assert (fate.reason == "outage") == (start <= now < start + length)


def test_an_outage_changes_the_fate_of_no_packet_outside_it() -> None:
    way = Way(loss=0.1, jitter_ms=0)
    with_it = fates(way, steady(400), outages=(Outage(2, 1),))
    without = fates(way, steady(400))
    assert [a for a in with_it if a.reason != "outage"] == [
        b for a, b in zip(with_it, without, strict=True) if a.reason != "outage"
    ]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"jitter_ms": 41}, "jitter"),
        ({"jitter_ms": -1}, "jitter"),
        ({"loss": 1.0}, "loss"),
        ({"loss": -0.1}, "loss"),
        ({"burst": 0.5}, "burst"),
        ({"loss": 0.9, "burst": 2}, "burst"),
        ({"rate_kbit": 0}, "rate"),
        ({"queue_ms": -1}, "rate"),
    ],
)
def test_a_link_that_cannot_be_is_refused(wrong: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=f"{reason}_out_of_range"):
        Way(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_profile_goes_to_the_other_process_and_back(name: str) -> None:
    assert Profile.from_data(PROFILES[name].to_data()) == PROFILES[name]


def test_what_happens_in_a_run_leaves_time_to_recover() -> None:
    out = PROFILES["outage-8s"]
    assert [one.start_s for one in out.during(60).outages] == [8, 33]
    assert out.during(out.shortest_s).outages != ()
    moved = PROFILES["handover"]
    assert moved.during(30).handovers == (8, 23)
    assert moved.during(29.9).handovers == (8,)
    assert moved.during(moved.shortest_s).handovers != ()
    assert out.during(10) == replace(out, outages=())
