"""Pages that rot while the kit runs: a slice of the long run."""

from carebag.fault_bench.live_rot import live_rot


def test_measuring_goes_on_and_a_kit_without_memory_is_found() -> None:
    outcome = live_rot(seed=1, rounds=4)
    assert (outcome.n, outcome.wrong) == (4, {}), outcome.examples
    for counted in ("records kept", "journals made anew"):
        assert outcome.counts[counted] > 0
    assert outcome.controls[0].found
