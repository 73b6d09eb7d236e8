"""A full disk and one that cannot force: slices of the long runs."""

from carebag.fault_bench.disk import Disk
from carebag.fault_bench.trouble import disk_full, eio


def test_a_full_disk_is_told_and_nothing_said_is_lost() -> None:
    outcome = disk_full(seed=1, cuts=40)
    assert (outcome.n, outcome.wrong) == (48, {}), outcome.examples
    assert outcome.counts["refused by the disk"] > 40


def test_a_failed_force_is_told_and_a_start_on_what_it_left_is_found() -> None:
    outcome = eio(seed=1, cuts=40)
    assert (outcome.n, outcome.wrong) == (48, {}), outcome.examples
    assert outcome.counts["refused by the disk"] > 40
    assert outcome.controls[0].found


def test_a_disk_in_trouble_is_well_again_afterwards() -> None:
    disk = Disk(trouble=("full", 2, 4))
    disk.open("a")
    assert [disk.has("full") for _ in range(4) if disk.spend() is None] == [True, True, False, False]
    assert not disk.has("eio")
