"""PostgreSQL killed under the hub, its standby promoted: a slice of the bench."""

import pytest

from carebag.fault_bench.failover import failover
from carebag.fault_bench.postgres_pair import cannot_pair


@pytest.mark.skipif(bool(cannot_pair()), reason=cannot_pair())
def test_what_was_acknowledged_is_in_the_standby_and_the_hub_goes_on() -> None:
    outcome = failover(seed=1, number=2)
    assert not outcome.wrong, outcome.examples
    assert outcome.n == 2
    assert outcome.counts["acknowledged"] > 20
    assert all(control.found for control in outcome.controls)
