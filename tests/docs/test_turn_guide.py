"""The coturn configuration of the guide lets nobody reach an address kept for special purposes (ASVS 5.0 V17.1.1)."""

import ipaddress
import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "run-turn.md"
SPECIAL = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
]
"""IANA's registries of special-purpose addresses, IPv4 and IPv6, and multicast."""


def denied() -> list[tuple[int, int, int]]:
    """Version, first and last address of each range."""
    found = re.findall(r"^ {4}denied-peer-ip=(\S+)-(\S+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    pairs = [(ipaddress.ip_address(first), ipaddress.ip_address(last)) for first, last in found]
    assert all(first.version == last.version for first, last in pairs)
    return [(first.version, int(first), int(last)) for first, last in pairs]


@pytest.mark.parametrize("network", SPECIAL)
def test_every_special_network_is_denied(network: str) -> None:
    whole = ipaddress.ip_network(network)
    first, last = int(whole.network_address), int(whole.broadcast_address)
    assert any(version == whole.version and low <= first and last <= high for version, low, high in denied())


@pytest.mark.parametrize("address", ["8.8.8.8", "193.10.0.1", "2a00:1450::1", "223.255.255.255"])
def test_the_open_internet_is_not(address: str) -> None:
    there = ipaddress.ip_address(address)
    assert not any(version == there.version and low <= int(there) <= high for version, low, high in denied())
