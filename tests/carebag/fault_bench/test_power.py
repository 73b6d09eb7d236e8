"""Power cuts of the kit: a slice of the long run, and the faults that it must find."""

from carebag.fault_bench.power import power


def test_no_cut_loses_what_the_journal_said_it_had_and_weaker_forcing_is_found() -> None:
    outcome = power(seed=7, cuts=100)
    assert outcome.n == 100
    assert outcome.wrong == {}, outcome.examples
    assert [bool(control.found) for control in outcome.controls] == [True, True]
    assert outcome.counts["acknowledged"] > 300


def test_a_seed_gives_the_same_lives_again() -> None:
    one, again, other = (power(seed, 20).as_json() for seed in (3, 3, 4))
    del one["seconds"], again["seconds"]
    assert one == again
    assert one["counts"] != other["counts"]
