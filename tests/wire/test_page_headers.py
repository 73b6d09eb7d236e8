"""The policy that hub and kit give their pages."""

import pytest

from carebag_wire.page_headers import content_policy, page_headers

CONNECT = [
    (("https://hub.example",), "'self' wss://hub.example"),
    (("http://localhost:1", "https://h:2"), "'self' ws://localhost:1 wss://h:2"),
    ((), "'self'"),
]


@pytest.mark.parametrize(("origins", "connect"), CONNECT)
def test_pages_reach_their_own_host_only(origins: tuple[str, ...], connect: str) -> None:
    policy = dict(part.split(" ", 1) for part in content_policy(origins).split("; "))
    assert policy["connect-src"] == connect
    assert policy["default-src"] == "'self'"
    assert not {"*", "ws:", "wss:", "https:", "http:", "'unsafe-inline'", "'unsafe-eval'"} & set(
        " ".join(policy.values()).split()
    )


def test_names_are_in_small_letters() -> None:
    assert all(name == name.lower() for name in page_headers(("http://localhost:8471",)))
