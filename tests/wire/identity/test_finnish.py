"""Henkilötunnus: published ones are read as they are, every slip is refused, the separator is part of the identity."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.identity.person import Identity, birth_date, for_people, read, sex_by_number
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.systems import HENKILOTUNNUS
from carebag_wire.identity.use import is_test

TODAY = date(2026, 11, 27)
SEPARATORS = {18: "+", 19: "-YXWVU", 20: "ABCDEF"}
CHECKS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
# Digi- ja väestötietovirasto, fictitious people for the separators of 2023
FICTITIOUS = """
    010594Y9032 010594Y9021 020594X903P 020594X902N 030594W903B 030694W9024 040594V9030 040594V902Y 050594U903M
    050594U902L 010516B903X 010516B902W 020516C903K 020516C902J 030516D9037 030516D9026 010501E9032 020502E902X
    020503F9037 020504A902E 020504B904H
"""


def number_of(born: date, which: int, serial: int) -> str:
    separators = SEPARATORS[born.year // 100]
    nine = f"{born:%d%m%y}{serial:03}"
    return f"{nine[:6]}{separators[which % len(separators)]}{nine[6:]}{CHECKS[int(nine) % 31]}"


numbers = st.builds(number_of, st.dates(date(1800, 1, 1), TODAY), st.integers(0, 5), st.integers(2, 999))


def refused(text: str, today: date = TODAY) -> str | None:
    try:
        read(HENKILOTUNNUS, text, today)
    except BadIdentity as error:
        return error.code
    return None


@pytest.mark.parametrize("text", FICTITIOUS.split())
def test_fictitious_people_of_the_agency(text: str) -> None:
    found = read("1.2.246.21", text, TODAY)
    assert (found.system, found.value, for_people(found)) == (HENKILOTUNNUS, text, text)
    assert is_test(found)


@pytest.mark.parametrize(
    ("text", "born", "sex"),
    [
        ("131052-308T", date(1952, 10, 13), "female"),  # the agency's example of a number
        ("010594Y9032", date(1994, 5, 1), "male"),
        ("010516B902W", date(2016, 5, 1), "female"),
        ("131052+308T", date(1852, 10, 13), "female"),
    ],
)
def test_what_a_number_says(text: str, born: date, sex: str) -> None:
    found = read(HENKILOTUNNUS, text, TODAY)
    assert (birth_date(found), sex_by_number(found)) == (born, sex)


def test_another_separator_is_another_person() -> None:
    people = {read(HENKILOTUNNUS, f"010594{separator}9032", TODAY) for separator in "-YXWVU"}
    assert len(people) == 6
    assert Identity(HENKILOTUNNUS, "100190-999P") != Identity(HENKILOTUNNUS, "100190Y999P")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "identity_too_short"),
        ("131052308T", "identity_too_short"),
        ("131052-308", "identity_too_short"),
        ("131052-308TT", "identity_too_long"),
        (" 131052-308T", "identity_too_long"),
        ("13105O-308T", "not_a_digit"),
        ("131052-3O8T", "not_a_digit"),
        ("１31052-308T", "not_a_digit"),
        ("131052/308T", "wrong_separator"),
        ("131052G308T", "wrong_separator"),
        ("131052y308T", "wrong_separator"),
        ("131052−308T", "wrong_separator"),
        ("1310520308T", "wrong_separator"),
        ("131052-308t", "letter_not_used"),
        ("131052-308O", "letter_not_used"),
        ("321052-308T", "no_such_day"),
        ("290201-308T", "no_such_day"),
        ("131352-308T", "no_such_day"),
        ("131052-0016", "no_such_serial"),
        ("131052-000X", "no_such_serial"),
        ("131052-308U", "bad_check_digit"),
        ("281126A308K", "born_in_future"),
        ("131052A308T", "born_in_future"),
    ],
)
def test_refused_with_what_to_look_at(text: str, why: str) -> None:
    assert refused(text) == why


@given(numbers)
def test_valid_ones_are_read_as_themselves(number: str) -> None:
    found = read(HENKILOTUNNUS, number, TODAY)
    assert found == Identity(HENKILOTUNNUS, number)
    assert found.value == for_people(found) == number
    assert is_test(found) == (number[7] == "9")


@given(numbers, st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9, 10]))
def test_any_other_digit_or_check_character_is_refused(number: str, place: int) -> None:
    for sign in set(CHECKS if place == 10 else "0123456789") - {number[place]}:
        assert refused(number[:place] + sign + number[place + 1 :]) is not None


@given(numbers, st.characters(exclude_characters="+-YXWVUABCDEF"))
def test_only_the_separators_of_the_law(number: str, sign: str) -> None:
    assert refused(number[:6] + sign + number[7:]) == "wrong_separator"


@given(st.text() | st.from_regex(r"[0-9]{6}[-+A-Fa-fU-Yu-y][0-9]{3}[0-9A-Z]", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read(HENKILOTUNNUS, text, TODAY)
    except BadIdentity:
        return
    assert found.value == text
