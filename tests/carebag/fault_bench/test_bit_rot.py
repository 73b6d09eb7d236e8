"""Bits that change on the kit's disk: a slice of the long run."""

from carebag.fault_bench.bit_rot import bit_rot


def test_nothing_rotten_is_shown_or_sent_and_believing_it_is_found() -> None:
    outcome = bit_rot(seed=1, rounds=30)
    assert (outcome.n, outcome.wrong) == (30, {}), outcome.examples
    for counted in ("records shown or sent", "records set aside", "files refused as damaged"):
        assert outcome.counts[counted] > 0
    assert outcome.controls[0].found
