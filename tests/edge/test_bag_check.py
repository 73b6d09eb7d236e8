"""The morning check: cartridges of the bag and who looked, kept over restarts."""

from typing import Any

import pytest

from carebag_edge.bag_check import CARTRIDGES, CHECK, MOST_CARTRIDGES, BagCheck
from carebag_edge.errors import Refused
from carebag_edge.journal import Journal
from carebag_wire.nurse_messages import AddCartridge, FinishCheck


def lot(number: int = 1, expires: str = "2027-02-28", product: str = " Afinion CRP ") -> AddCartridge:
    return AddCartridge(product=product, lot=f"L{number}", expires=expires)


@pytest.fixture
def check(journal: Journal, hands: Any) -> BagCheck:
    return BagCheck(journal, hands.clock)


def test_lots_and_the_check_are_there_after_a_restart(
    check: BagCheck, journal: Journal, reopen: Any, hands: Any, world: Any
) -> None:
    nurse = world.nurse()
    for number in (1, 2, 1):
        check.add(lot(number), nurse)
    check.remove(check.cartridges[0].id)
    check.finish(FinishCheck(remarks=3), nurse)
    journal.close()
    again = reopen()
    restarted = BagCheck(again, hands.clock)
    (one,) = restarted.cartridges
    assert (one.product, one.lot, one.expires, one.added_by) == ("Afinion CRP", "L2", "2027-02-28", "Anna Lind")
    assert (restarted.done.at, restarted.done.by, restarted.done.remarks) == (hands.utc, "Anna Lind", 3)  # type: ignore[union-attr]
    again.close()


def test_a_lot_past_its_day_is_kept_for_the_page_to_say(check: BagCheck, world: Any) -> None:
    check.add(lot(expires="2020-01-31"), world.nurse())
    assert len(check.cartridges) == 1


def test_what_cannot_be_a_lot_is_refused(check: BagCheck, world: Any) -> None:
    nurse = world.nurse()
    for message, code in (
        (lot(expires="2027-02-30"), "no_such_date"),
        (lot(expires="0000-00-00"), "no_such_date"),
        (lot(product="  "), "text_missing"),
        (AddCartridge(product="x", lot=" ", expires="2027-02-28"), "text_missing"),
    ):
        with pytest.raises(Refused, match=code):
            check.add(message, nurse)
    with pytest.raises(Refused, match="unknown_cartridge"):
        check.remove(world.new_id())
    for number in range(MOST_CARTRIDGES):
        check.add(lot(number), nurse)
    check.add(lot(0), nurse)
    with pytest.raises(Refused, match="too_many"):
        check.add(lot(MOST_CARTRIDGES), nurse)


def test_what_another_version_wrote_is_an_empty_list(journal: Journal, hands: Any) -> None:
    journal.put_state(CARTRIDGES, '[{"lot": 1}]')
    journal.put_state(CHECK, "{}")
    check = BagCheck(journal, hands.clock)
    assert (check.cartridges, check.done) == ([], None)
