"""Which hubs a kit may speak to without TLS."""

import pytest

from carebag_edge.settings import is_plain


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://hub.example.se", False),
        ("https://10.0.0.4:8470", False),
        ("http://127.0.0.1:8470", False),
        ("http://localhost:8470", False),
        ("http://[::1]:8470", False),
        ("http://hub.example.se", True),
        ("http://10.0.0.4:8470", True),
        ("http://localhost.evil.example", True),
        ("HTTP://HUB", True),
        ("hub.example.se", True),
        ("ftp://hub.example.se", True),
        ("http://[", True),
        ("", True),
    ],
)
def test_who_could_read_it_on_the_way(url: str, plain: bool) -> None:
    assert is_plain(url) == plain
