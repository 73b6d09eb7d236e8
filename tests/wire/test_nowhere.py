"""The page of an address that is none: for people only, in all languages, with nothing that the policy stops."""

import pytest

from carebag_wire.nowhere import NOWHERE, is_for_a_person

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("method", "path", "accept", "said"),
    [
        ("GET", "/nope", BROWSER, True),
        ("HEAD", "/doctor/xyz", BROWSER, True),
        ("GET", "/api/nope", BROWSER, False),
        ("POST", "/nope", BROWSER, False),
        ("GET", "/nope", "*/*", False),
        ("GET", "/nope", "application/json", False),
        ("GET", "/nope", "", False),
    ],
)
def test_who_gets_the_page(method: str, path: str, accept: str, said: bool) -> None:
    assert is_for_a_person(method, path, accept) is said


def test_four_languages_and_one_way_out() -> None:
    assert [word for word in ("sv", "fi", "en", "es") if f'lang="{word}"' not in NOWHERE] == []
    assert NOWHERE.count("href=") == NOWHERE.count('href="/"') == 4


def test_nothing_that_the_content_policy_stops() -> None:
    assert not [word for word in ("<style", "style=", "<script", "src=", "http:", "https:") if word in NOWHERE]
