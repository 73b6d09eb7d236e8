"""Another address is news; one that went away is waited for."""

import asyncio

import pytest

from carebag_edge.network_watch import AddressWatch, addresses, watch_addresses

WIFI, MOBILE = frozenset({"192.0.2.7"}), frozenset({"198.51.100.4"})


def test_gone_and_back_is_no_move() -> None:
    watch = AddressWatch(WIFI)
    assert not watch.moved(frozenset())
    assert not watch.moved(WIFI)


def test_another_address_is_a_move_each_way() -> None:
    watch = AddressWatch(WIFI)
    assert not watch.moved(frozenset())
    assert watch.moved(MOBILE)
    assert not watch.moved(MOBILE)
    assert watch.moved(WIFI)


def test_one_more_address_is_a_move() -> None:
    watch = AddressWatch(WIFI)
    assert watch.moved(WIFI | MOBILE)
    assert not watch.moved(MOBILE)


def test_this_machine_has_no_loopback_among_them() -> None:
    assert not {"127.0.0.1", "::1"} & addresses()


async def test_each_move_is_told() -> None:
    seen = [WIFI, WIFI, frozenset[str](), MOBILE, MOBILE, WIFI]
    told: list[int] = []

    async def pause(_: float) -> None:
        if not seen:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await watch_addresses(lambda: told.append(len(seen)), read=lambda: seen.pop(0), pause=pause)
    assert told == [2, 0]
