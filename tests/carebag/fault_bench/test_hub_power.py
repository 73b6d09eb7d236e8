"""Power cuts of the hub: a slice of the long run, and the faults that it must find."""

from carebag.fault_bench.hub_power import hub_power


def test_no_cut_loses_what_a_receipt_named_and_weaker_forcing_is_found() -> None:
    outcome = hub_power(seed=7, cuts=15)
    assert outcome.n == 15
    assert outcome.wrong == {}, outcome.examples
    assert [bool(control.found) for control in outcome.controls] == [True, True]
    assert outcome.counts["acknowledged"] > 30
