"""Who somebody turned out to be: no rings, no two confirmed people in one, whatever the order."""

import uuid
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.identity.merges import AnyIdentity, BadMerge, Merge, Merges, TemporaryIdentity, resolve
from carebag_wire.identity.person import Identity
from carebag_wire.identity.systems import HENKILOTUNNUS, NATIONAL_RESERVE, PERSONNUMMER, SAMORDNINGSNUMMER

NURSE = uuid.UUID("018f3c5e-7b1a-7cc3-9d2e-0123456789ab")
AT = datetime(2026, 11, 27, 10, tzinfo=UTC)
TOLVAN = Identity(PERSONNUMMER, "191212121212")
SVEN = Identity(PERSONNUMMER, "195009072553")
VISITOR = Identity(SAMORDNINGSNUMMER, "196109732393")
FINN = Identity(HENKILOTUNNUS, "010594Y9032")
RESERVE = Identity(NATIONAL_RESERVE, "22950606FH20")
LOCAL = Identity("urn:oid:1.2.752.97.3.1.3", "991981000010")
UNKNOWN = [TemporaryIdentity(uuid.UUID(int=number)) for number in range(6)]
MERGEABLE: list[AnyIdentity] = [*UNKNOWN, RESERVE, LOCAL]
CONFIRMED: list[AnyIdentity] = [TOLVAN, SVEN, VISITOR, FINN]


def merge(of: AnyIdentity, into: AnyIdentity, reason: str = "körkort") -> Merge:
    return Merge(of, into, NURSE, AT, reason)


def refused(*pairs: tuple[AnyIdentity, AnyIdentity]) -> str | None:
    try:
        Merges([merge(*pair) for pair in pairs])
    except BadMerge as error:
        return error.code
    return None


def test_an_unknown_person_turns_out_to_be_somebody_over_several_steps() -> None:
    merges = [merge(RESERVE, TOLVAN), merge(UNKNOWN[0], UNKNOWN[1]), merge(UNKNOWN[1], RESERVE)]
    for identity in (UNKNOWN[0], UNKNOWN[1], RESERVE, TOLVAN):
        assert resolve(identity, merges) == TOLVAN
        assert Merges(merges).all_of(identity) == {UNKNOWN[0], UNKNOWN[1], RESERVE, TOLVAN}
    assert resolve(UNKNOWN[2], merges) == UNKNOWN[2]
    assert resolve(UNKNOWN[2], []) == UNKNOWN[2]
    assert Merges().all_of(SVEN) == {SVEN}
    two = Merges([*merges, merge(LOCAL, SVEN)])
    assert two.all_of(SVEN) == {LOCAL, SVEN}
    assert two.all_of(VISITOR) == {VISITOR}


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([(UNKNOWN[0], UNKNOWN[0])], "merge_ring"),
        ([(UNKNOWN[0], UNKNOWN[1]), (UNKNOWN[1], UNKNOWN[0])], "merge_ring"),
        ([(UNKNOWN[3], UNKNOWN[0]), (RESERVE, LOCAL), (LOCAL, UNKNOWN[1]), (UNKNOWN[1], RESERVE)], "merge_ring"),
        ([(TOLVAN, TOLVAN)], "merge_ring"),
        ([(TOLVAN, SVEN)], "two_confirmed_identities"),
        ([(VISITOR, TOLVAN)], "two_confirmed_identities"),
        ([(FINN, TOLVAN)], "two_confirmed_identities"),
        ([(TOLVAN, UNKNOWN[0])], "confirmed_identity_merged_away"),
        ([(TOLVAN, RESERVE), (RESERVE, SVEN)], "confirmed_identity_merged_away"),
        ([(UNKNOWN[0], TOLVAN), (UNKNOWN[0], SVEN)], "merged_elsewhere"),
        ([(UNKNOWN[0], RESERVE), (RESERVE, SVEN), (UNKNOWN[0], TOLVAN)], "merged_elsewhere"),
        ([(UNKNOWN[0], TOLVAN), (UNKNOWN[0], TOLVAN)], None),
        ([(UNKNOWN[0], TOLVAN), (UNKNOWN[1], SVEN), (RESERVE, VISITOR), (LOCAL, FINN)], None),
    ],
)
def test_what_cannot_stand_together(pairs: list[tuple[AnyIdentity, AnyIdentity]], why: str | None) -> None:
    assert refused(*pairs) == why


def test_a_list_with_a_ring_answers_nothing() -> None:
    with pytest.raises(BadMerge, match="merge_ring"):
        resolve(TOLVAN, [merge(UNKNOWN[0], UNKNOWN[1]), merge(UNKNOWN[1], UNKNOWN[0])])


def test_a_merge_says_why_and_when() -> None:
    with pytest.raises(BadMerge, match="merge_without_reason"):
        merge(UNKNOWN[0], TOLVAN, " ")
    with pytest.raises(BadMerge, match="merge_without_zone"):
        Merge(UNKNOWN[0], TOLVAN, NURSE, AT.replace(tzinfo=None), "körkort")
    assert "körkort" not in repr(merge(UNKNOWN[0], TOLVAN))


def test_a_temporary_identity_is_a_uri() -> None:
    assert (UNKNOWN[1].system, UNKNOWN[1].value) == (
        "urn:ietf:rfc:3986",
        "urn:uuid:00000000-0000-0000-0000-000000000001",
    )


def test_a_long_way_is_no_fault() -> None:
    people = [TemporaryIdentity(uuid.UUID(int=number)) for number in range(5000)]
    merges = [merge(one, other) for one, other in pairwise(people)]
    assert resolve(people[0], [*reversed(merges), merge(people[-1], TOLVAN)]) == TOLVAN


pairs = st.tuples(st.sampled_from(MERGEABLE), st.sampled_from(MERGEABLE + CONFIRMED)).filter(
    lambda two: two[0] != two[1]
)


@given(st.lists(pairs, max_size=8), st.randoms())
def test_any_list_stands_or_not_in_any_order(drawn: list[tuple[AnyIdentity, AnyIdentity]], random: Random) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    assert (refused(*drawn) is None) == (refused(*shuffled) is None)
    if refused(*drawn) is not None:
        return
    merges, other = (Merges([merge(*pair) for pair in some]) for some in (drawn, shuffled))
    for one in MERGEABLE + CONFIRMED:
        end = merges.resolve(one)
        assert merges.resolve(end) == end == other.resolve(one)
        together = merges.all_of(one)
        assert one in together
        assert len(together & set(CONFIRMED)) <= 1
        assert one not in CONFIRMED or end == one
    assert all(merges.resolve(of) == merges.resolve(into) for of, into in drawn)
