"""A disk that takes no byte more, and one that cannot force: kit and hub say no, go on after it, and lose nothing said.

In each life the disk is in trouble for a while, then well again, then the power goes. A failed force is played as Linux
does it: what was not written stays in sight, is held for written, and is not tried again.
"""

from collections.abc import Callable

from carebag.fault_bench.disk import Trouble
from carebag.fault_bench.hub_power import hub_trouble
from carebag.fault_bench.outcome import Control, Outcome
from carebag.fault_bench.power import cut_often

CONTROLS = 300
HUB_SHARE = 5
"""A cut of the hub costs as much as so many of the kit."""


def disk_full(seed: int, cuts: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many cuts of the kit, and a fifth of the hub."""
    what = "the disk is full for a while, then has room, then the power goes; kit and hub"
    return _trouble(Outcome("disk-full", what, "cuts"), "full", seed, cuts, said)


def eio(seed: int, cuts: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many cuts of the kit, and a fifth of the hub."""
    what = "forcing fails for a while and the pages are dropped, then works, then the power goes; kit and hub"
    outcome = _trouble(Outcome("eio", what, "cuts"), "eio", seed, cuts, said)
    control = Outcome("control", "", "cuts")
    bad = cut_often(control, seed, max(CONTROLS, cuts // 2), "FULL", "eio", force_again=False)
    outcome.controls.append(Control("starts on the WAL as the last process left it", control.n, bad))
    return outcome


def _trouble(outcome: Outcome, trouble: Trouble, seed: int, cuts: int, said: Callable[[int], None]) -> Outcome:
    cut_often(outcome, seed, cuts, "FULL", trouble, said)
    hub_trouble(outcome, seed, cuts + max(5, cuts // HUB_SHARE), trouble, said)
    return outcome
