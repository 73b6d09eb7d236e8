"""Drawing a sample: the same for the same seed, all emergencies, heavier ones more often, a reason for each weight."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.review_sampling import (
    MANY,
    WEIGHTS,
    Facts,
    Why,
    charts_around,
    draw,
    reasons_of,
    same_surname,
    score_of,
    suggested,
    surname,
)

AT = datetime(2026, 11, 18, 2, 14, tzinfo=UTC)
FACTS = st.builds(
    Facts,
    seq=st.integers(1, 10**6),
    emergency=st.booleans(),
    related=st.booleans(),
    same_surname=st.booleans(),
    protected=st.booleans(),
    after=st.none() | st.timedeltas(timedelta(0), timedelta(days=60)),
    local_hour=st.integers(0, 23),
    during_visit=st.booleans(),
    charts=st.integers(1, 20),
)
MANY_FACTS = st.lists(FACTS, max_size=40, unique_by=lambda facts: facts.seq)
COUNT = st.integers(0, 30)


@given(MANY_FACTS, st.text(max_size=8), COUNT, COUNT)
def test_a_sample(accesses: list[Facts], seed: str, random: int, risk: int) -> None:
    drawn = draw(accesses, seed, random, risk)
    by_how = {how: {one.seq for one in drawn if one.how == how} for how in ("emergency", "risk", "random")}
    assert len({one.seq for one in drawn}) == len(drawn)
    assert by_how["emergency"] == {facts.seq for facts in accesses if facts.emergency}
    heavy = [facts for facts in accesses if reasons_of(facts) and not facts.emergency]
    assert len(by_how["risk"]) == min(risk, len(heavy))
    assert by_how["risk"] <= {facts.seq for facts in heavy}
    others = len(accesses) - len(by_how["emergency"]) - len(by_how["risk"])
    assert len(by_how["random"]) == min(random, others)
    assert [one.score for one in drawn] == sorted((one.score for one in drawn), reverse=True)


@given(MANY_FACTS, st.text(max_size=8), COUNT, COUNT, st.randoms())
def test_the_same_for_the_same_seed_in_any_order(
    accesses: list[Facts], seed: str, random: int, risk: int, rng: object
) -> None:
    shuffled = list(accesses)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert draw(shuffled, seed, random, risk) == draw(accesses, seed, random, risk)


@given(FACTS)
def test_a_score_is_its_reasons(facts: Facts) -> None:
    reasons = reasons_of(facts)
    assert score_of(reasons) == sum(WEIGHTS[reason.code] for reason in reasons)
    assert len({reason.code for reason in reasons}) == len(reasons)


PLAIN = Facts(seq=1)


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        (PLAIN, ()),
        (Facts(seq=1, emergency=True), (Why("emergency"),)),
        (Facts(seq=1, related=False), (Why("no_relation"),)),
        (Facts(seq=1, same_surname=True), (Why("same_surname"),)),
        (Facts(seq=1, protected=True), (Why("protected"),)),
        (Facts(seq=1, after=timedelta(hours=71, minutes=59)), ()),
        (Facts(seq=1, after=timedelta(hours=72)), (Why("late", 3),)),
        (Facts(seq=1, after=timedelta(days=5, hours=7)), (Why("late", 5),)),
        (Facts(seq=1, charts=MANY - 1), ()),
        (Facts(seq=1, charts=MANY), (Why("many", MANY),)),
        (Facts(seq=1, local_hour=21), ()),
        (Facts(seq=1, local_hour=22), (Why("night"),)),
        (Facts(seq=1, local_hour=5), (Why("night"),)),
        (Facts(seq=1, local_hour=6), ()),
        (Facts(seq=1, local_hour=2, during_visit=True), ()),
    ],
)
def test_reasons(facts: Facts, reasons: tuple[Why, ...]) -> None:
    assert reasons_of(facts) == reasons


def test_the_heavier_is_drawn_more_often() -> None:
    """w = 40 against 15, one place: 40/55 of the draws."""
    two = [Facts(seq=1, related=False), Facts(seq=2, local_hour=2)]
    first = sum(draw(two, str(seed), 0, 1)[0].seq == 1 for seed in range(2000))
    assert abs(first / 2000 - 40 / 55) < 0.04


def test_a_lot_is_fair() -> None:
    ten = [Facts(seq=seq) for seq in range(1, 11)]
    times = [0] * 11
    for seed in range(2000):
        for one in draw(ten, str(seed), 2, 0):
            times[one.seq] += 1
    assert all(abs(n - 400) < 90 for n in times[1:])


def test_charts_around_counts_patients_not_rows() -> None:
    times = [
        (AT + timedelta(minutes=minutes), patient) for minutes, patient in ((0, 1), (1, 1), (14, 2), (-14, 3), (16, 4))
    ]
    assert charts_around(times, AT) == 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Jonas Testsson", "Sven Testsson", True),
        ("Jonas TESTSSON", "Sven Testsson", True),
        ("Anna Lind · Väska 1", "Per Lind", True),
        ("Anna Lind-Berg", "Per Berg", True),
        ("Anna von Berg", "Per Berg", True),
        ("Anna Lind", "Per Berg", False),
        ("Lind", "Lind", False),
        ("", "", False),
    ],
)
def test_surnames(one: str, other: str, same: bool) -> None:
    assert same_surname(one, other) is same


def test_a_kits_name_is_no_surname() -> None:
    assert surname("Anna Lind · Väska 1") == "lind"


@pytest.mark.parametrize(
    ("accesses", "weighing", "numbers"),
    [(0, 0, (0, 0)), (3, 1, (3, 1)), (40, 2, (5, 2)), (200, 30, (10, 20)), (9999, 99, (25, 20))],
)
def test_how_many_are_suggested(accesses: int, weighing: int, numbers: tuple[int, int]) -> None:
    assert suggested(accesses, weighing) == numbers
