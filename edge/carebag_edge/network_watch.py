"""Notices that the kit has another address: Wi-Fi became 4G, a cable was pulled. Old connections are then dead."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import psutil

EVERY_S = 0.5


def addresses() -> frozenset[str]:
    """The machine's addresses that lead anywhere: no loopback, no link-local (RFC 3927, RFC 4291 2.5.6)."""
    every = (one for of_interface in psutil.net_if_addrs().values() for one in of_interface)
    found = (one.address.partition("%")[0] for one in every if one.family in (socket.AF_INET, socket.AF_INET6))
    return frozenset(address for address in found if _leads_somewhere(address))


def _leads_somewhere(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local)


class AddressWatch:
    """Says when connections should be made anew. Pure: feed it what `addresses` gives.

    An address that only went away is waited for, since a short outage heals by itself; a new one is news in any case.
    """

    def __init__(self, first: frozenset[str]) -> None:
        self._known = first

    def moved(self, now: frozenset[str]) -> bool:
        """Whether there is an address that was not there before."""
        if not now - self._known:
            # what vanished may come back as it was
            return False
        self._known = now
        return True


async def watch_addresses(
    moved: Callable[[], None],
    *,
    read: Callable[[], frozenset[str]] = addresses,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Call `moved` at each change, until cancelled."""
    watch = AddressWatch(await asyncio.to_thread(read))
    while True:
        await pause(EVERY_S)
        if watch.moved(await asyncio.to_thread(read)):
            moved()
