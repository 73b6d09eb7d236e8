"""kill -9 of real processes at a write: a slice of the long run."""

import pytest

from carebag.fault_bench.hub_kill import hub_kill
from carebag.fault_bench.kill import kill
from carebag.fault_bench.lives import can_kill

pytestmark = pytest.mark.skipif(bool(can_kill()), reason=can_kill() or "it works")


def test_a_killed_kit_has_what_it_said_it_had_and_speaking_too_early_is_found() -> None:
    outcome = kill(seed=1, kills=20)
    assert (outcome.n, outcome.wrong) == (20, {}), outcome.examples
    assert outcome.counts["acknowledged"] > 20
    assert outcome.controls[0].found


def test_a_killed_hub_has_what_it_acknowledged_and_acknowledging_too_early_is_found() -> None:
    outcome = hub_kill(seed=2, kills=3)
    assert (outcome.n, outcome.wrong) == (3, {}), outcome.examples
    assert outcome.counts["acknowledged"] > 3
    assert outcome.controls[0].found
    assert outcome.is_good
