"""The page of an address that is none: for people only, in all languages, with nothing that the policy stops."""

import pytest

from carebag_wire.nowhere import NOT_GIVEN, NOWHERE, is_a_tab, is_for_a_person

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


def test_a_refused_tab_gets_words_and_a_script_its_code() -> None:
    assert is_a_tab("GET", "document")
    assert not is_a_tab("GET", "empty")
    assert not is_a_tab("GET", "")
    assert not is_a_tab("POST", "document")


@pytest.mark.parametrize("page", [NOWHERE, NOT_GIVEN])
def test_four_languages_and_one_way_out(page: str) -> None:
    assert [word for word in ("sv", "fi", "en", "es") if f'lang="{word}"' not in page] == []
    assert page.count("href=") == page.count('href="/"') == 4


@pytest.mark.parametrize("page", [NOWHERE, NOT_GIVEN])
def test_nothing_that_the_content_policy_stops(page: str) -> None:
    assert not [word for word in ("<style", "style=", "<script", "src=", "http:", "https:") if word in page]
