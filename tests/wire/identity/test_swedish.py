"""Personnummer, samordningsnummer, nationellt reservnummer: published ones are read, slips of a digit are refused."""

import calendar
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_wire.identity.person import Identity, age, birth_date, for_people, read, read_swedish, sex_by_number
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.swedish import OLDEST, luhn
from carebag_wire.identity.systems import NATIONAL_RESERVE, PERSONNUMMER, SAMORDNINGSNUMMER

TODAY = date(2026, 11, 27)
LETTERS = "ABCDEFGHJKLMNPRSTUXYZ"
days = st.dates(date(1800, 1, 1), TODAY)
serials = st.integers(1, 999)
DOUBLED = dict(zip("0123456789", (0, 2, 4, 6, 8, 1, 3, 5, 7, 9), strict=True))


def with_check(nine: str) -> str:
    """By the table of digit sums, so that it is not our own code that says what is right."""
    total = sum(DOUBLED[one] if place % 2 == 0 else int(one) for place, one in enumerate(nine))
    return nine + str((10 - total % 10) % 10)


def personnummer_of(born: date, serial: int) -> str:
    return f"{born.year // 100}{with_check(f'{born:%y%m%d}{serial:03}')}"


def samordningsnummer_of(born: date, serial: int, month: bool = True, day: bool = True) -> str:
    ten = f"{born:%y}{born.month if month else 0:02}{60 + (born.day if day else 0)}{serial:03}"
    return f"{born.year // 100}{with_check(ten)}"


def ascii_value(sign: str) -> int:
    return int(sign) if sign.isdigit() else ord(sign)


def reserve_of(first: str, letters: str) -> str:
    eleven = first + letters
    values = [ascii_value(one) * (2 if place % 2 == 0 else 1) for place, one in enumerate(eleven)]
    return f"{eleven}{-sum(value // 100 + value // 10 % 10 + value % 10 for value in values) % 10}"


personnummer = st.builds(personnummer_of, days, serials)
samordningsnummer = st.builds(samordningsnummer_of, days, serials, st.booleans(), st.booleans())
last_three = st.builds("{}{}{}".format, *[st.sampled_from(LETTERS)] * 2, st.sampled_from(LETTERS + "0123456789"))
known_day = st.builds(
    lambda born, series: f"{born.year // 100 + 3 * series:02}{born:%y%m%d}",
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(1, 26),
)
unknown_day = st.builds("00{:02}{}{}".format, st.integers(0, 99), st.integers(20, 99), st.integers(40, 59))
reserve = st.builds(reserve_of, known_day | unknown_day, last_three)
NUMBERS = {PERSONNUMMER: personnummer, SAMORDNINGSNUMMER: samordningsnummer, NATIONAL_RESERVE: reserve}


def refused(call: Callable[[], object]) -> str | None:
    try:
        call()
    except BadIdentity as error:
        return error.code
    return None


def swedish(text: str, written: date | None = None, today: date = TODAY) -> str | None:
    return refused(lambda: read_swedish(text, today, written))


@pytest.mark.parametrize(
    ("text", "system", "born", "sex"),
    [
        ("19640823-3234", PERSONNUMMER, date(1964, 8, 23), "male"),  # SKV 704
        ("198112289874", PERSONNUMMER, date(1981, 12, 28), "male"),  # SKV 704
        ("191212121212", PERSONNUMMER, date(1912, 12, 12), "male"),  # Tolvan Tolvansson
        ("199002222397", PERSONNUMMER, date(1990, 2, 22), "male"),  # HL7 Sweden basprofiler-r4, as those below
        ("189002029800", PERSONNUMMER, date(1890, 2, 2), "female"),
        ("200302022389", PERSONNUMMER, date(2003, 2, 2), "female"),
        ("196109732393", SAMORDNINGSNUMMER, date(1961, 9, 13), "male"),
        ("19701063-2391", SAMORDNINGSNUMMER, date(1970, 10, 3), "male"),  # Skatteverket, SKV M 2010:3
        ("191500722390", SAMORDNINGSNUMMER, None, "male"),  # Skatteverket's open test numbers: no month
        ("191500882392", SAMORDNINGSNUMMER, None, "male"),
    ],
)
def test_published_numbers(text: str, system: str, born: date | None, sex: str) -> None:
    found = read_swedish(text, TODAY)
    assert (found.system, found.value) == (system, text.replace("-", ""))
    assert (birth_date(found), sex_by_number(found)) == (born, sex)
    assert for_people(found) == f"{found.value[:8]}-{found.value[8:]}"
    assert read(system, text, TODAY) == found


@pytest.mark.parametrize(
    ("text", "born", "sex"),
    [
        ("98240301AA06", date(2024, 3, 1), "female"),  # HL7 Sweden basprofiler-r4
        ("22950606-FH20", date(1995, 6, 6), "female"),  # as those below: SwedishIdentifier, after Inera's specification
        ("25780404KHD5", date(1978, 4, 4), None),
        ("00342145BZ31", None, "male"),
        ("00749852-BZK0", None, None),
    ],
)
def test_published_reserve_numbers(text: str, born: date | None, sex: str | None) -> None:
    found = read("1.2.752.74.9.1", text, TODAY)
    assert (found.system, found.value) == (NATIONAL_RESERVE, text.replace("-", ""))
    assert (birth_date(found), sex_by_number(found)) == (born, sex)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "identity_too_short"),
        ("1212121", "identity_too_short"),
        ("19121212-121", "identity_too_short"),
        ("19121212-12122", "identity_too_long"),
        ("19121212121２", "not_a_digit"),
        ("١٩١٢١٢١٢١٢١٢", "not_a_digit"),
        ("19121212-121O", "not_a_digit"),
        ("19121212121²", "not_a_digit"),
        ("19121212+1212", "wrong_separator"),
        ("19121212 1212", "wrong_separator"),
        ("19121212–1212", "wrong_separator"),
        ("1912121-21212", "wrong_separator"),
        ("19121212--1212", "wrong_separator"),
        ("191212121212\n", "wrong_separator"),
        (" 191212121212", "wrong_separator"),
        ("\x00191212121212", "wrong_separator"),
        ("121212-1212", "century_missing"),
        ("121212+1212", "century_missing"),
        ("1212121212", "century_missing"),
        ("171212121212", "no_such_century"),
        ("211212121212", "no_such_century"),
        ("191213121212", "no_such_day"),
        ("191200121212", "no_such_day"),
        ("190002291212", "no_such_day"),
        ("191212001212", "no_such_day"),
        ("191212401212", "no_such_day"),
        ("191212921212", "no_such_day"),
        ("191200921212", "no_such_day"),
        ("191202901212", "no_such_day"),
        ("191212120008", "no_such_serial"),
        ("191212720001", "no_such_serial"),
        ("191212121213", "bad_check_digit"),
        ("191212721213", "bad_check_digit"),
    ],
)
def test_refused_with_what_to_look_at(text: str, why: str) -> None:
    assert swedish(text) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("98240301AA0", "identity_too_short"),
        ("98240301AA066", "identity_too_long"),
        ("98240301aa06", "letter_not_used"),
        ("98240301IA06", "letter_not_used"),
        ("98240301A106", "letter_not_used"),
        ("98240301ÅA06", "letter_not_used"),
        ("9824O301AA06", "not_a_digit"),
        ("98240301AA0A", "not_a_digit"),
        ("98240301+AA06", "wrong_separator"),
        ("982403-01AA06", "wrong_separator"),
        ("21240301AA06", "no_such_century"),
        ("01342145BZ31", "no_such_century"),
        ("98241301AA06", "no_such_day"),
        ("00341945BZ31", "no_such_day"),
        ("00342139BZ31", "no_such_day"),
        ("00342160BZ31", "no_such_day"),
        ("98240301AA07", "bad_check_digit"),
    ],
)
def test_reserve_numbers_refused(text: str, why: str) -> None:
    assert refused(lambda: read(NATIONAL_RESERVE, text, TODAY)) == why


@pytest.mark.parametrize(
    ("text", "written", "stored"),
    [
        ("640823-3234", TODAY, "196408233234"),
        ("640823+3234", TODAY, "186408233234"),
        ("121212+1212", TODAY, "191212121212"),
        ("121212-1212", TODAY, "201212121212"),
        ("121212-1212", date(2011, 12, 31), "191212121212"),  # turned 100 in 2012, and the sign with it
        ("121212+1212", date(2011, 12, 31), "181212121212"),
        ("121212+1212", date(2012, 1, 1), "191212121212"),
        ("701063-2391", TODAY, "197010632391"),
        ("6408233234", TODAY, "196408233234"),  # 62; nobody is 162
        ("7010632391", TODAY, "197010632391"),
        ("1500722390", date(2014, 1, 1), "191500722390"),
    ],
)
def test_ten_digits_with_the_day_on_which_they_were_written(text: str, written: date, stored: str) -> None:
    assert read_swedish(text, TODAY, written).value == stored


@pytest.mark.parametrize(
    ("text", "written", "why"),
    [
        ("1212121212", TODAY, "century_missing"),  # 13 or 113
        ("121212-1212", date(2012, 12, 11), "born_in_future"),
        ("121212-1212", date(2012, 12, 12), None),
        ("1212121212", date(2012, 12, 11), None),  # 99; not born yet otherwise
        ("1212121212", date(2012, 12, 12), "century_missing"),
        ("1500722390", date(2015, 1, 1), "century_missing"),
        ("8112289874", date(2006, 1, 1), "century_missing"),  # 25 or 125
        ("8112289874", date(2007, 1, 1), None),  # 26; nobody is 126
    ],
)
def test_ten_digits_at_the_edges(text: str, written: date, why: str | None) -> None:
    assert swedish(text, written) == why


@given(st.sampled_from(sorted(NUMBERS)).flatmap(lambda system: st.tuples(st.just(system), NUMBERS[system])))
def test_valid_ones_are_read_as_themselves(drawn: tuple[str, str]) -> None:
    system, number = drawn
    identity = Identity(system, number)
    assert read(system, number, TODAY) == read(system, for_people(identity), TODAY) == identity
    assert len(for_people(identity)) == 13
    if system != NATIONAL_RESERVE:
        assert read_swedish(number, TODAY) == identity


@given(personnummer | samordningsnummer, st.integers(2, 11))
def test_any_other_digit_is_refused(number: str, place: int) -> None:
    """All but the century: Luhn does not cover it, which is why it is never guessed."""
    for digit in set("0123456789") - {number[place]}:
        assert swedish(number[:place] + digit + number[place + 1 :]) is not None


@given(reserve, st.integers(0, 11))
def test_any_other_digit_of_a_reserve_number_is_refused(number: str, place: int) -> None:
    for digit in set("0123456789") - {number[place]} if number[place].isdigit() else ():
        wrong = number[:place] + digit + number[place + 1 :]
        assert refused(lambda wrong=wrong: read(NATIONAL_RESERVE, wrong, TODAY)) is not None  # type: ignore[misc]


@given(personnummer | samordningsnummer, st.integers(0, 12), st.characters(exclude_characters="0123456789"))
def test_any_other_sign_is_refused(number: str, place: int, sign: str) -> None:
    assert swedish(number[:place] + sign + number[place + 1 :]) is not None
    if (place, sign) != (8, "-"):
        assert swedish(number[:place] + sign + number[place:]) is not None


@given(personnummer | samordningsnummer, st.dates(date(1925, 1, 1), TODAY))
def test_ten_digits_never_give_somebody_else(number: str, written: date) -> None:
    """Written as the law says, they give back the number; without a sign they give it back, or say that they cannot."""
    years = written.year - int(number[:4])
    if 0 <= years < 200:
        signed = f"{number[2:8]}{'+' if years >= 100 else '-'}{number[8:]}"
        assert swedish(signed, written) in (None, "born_in_future")
        if swedish(signed, written) is None:
            assert read_swedish(signed, TODAY, written).value == number
    if 0 <= years <= OLDEST and swedish(number, written) is None and swedish(number[2:], written) is None:
        assert read_swedish(number[2:], TODAY, written).value == number


@given(days, serials, st.dates(date(1800, 1, 1), TODAY))
def test_who_is_born_after_today_is_refused(born: date, serial: int, today: date) -> None:
    why = "born_in_future" if born > today else None
    assert swedish(personnummer_of(born, serial), today=today) == why
    assert swedish(samordningsnummer_of(born, serial), today=today) == why
    if born.year > 1900:
        assert (
            refused(lambda: read(NATIONAL_RESERVE, reserve_of(f"{born.year // 100 + 3}{born:%y%m%d}", "AAA"), today))
            == why
        )


def test_a_day_that_is_not_known_may_be_any_that_is_left() -> None:
    no_day, no_month = (
        samordningsnummer_of(date(2026, 11, 1), 1, day=False),
        samordningsnummer_of(date(2026, 1, 31), 1, False),
    )
    assert swedish(no_day, today=date(2026, 11, 1)) is None
    assert swedish(no_day, today=date(2026, 10, 31)) == "born_in_future"
    assert swedish(no_month, today=date(2026, 1, 1)) is None
    assert swedish(no_month, today=date(2025, 12, 31)) == "born_in_future"
    assert age(read_swedish(no_day, TODAY), TODAY) is None


def test_a_day_of_writing_in_the_future_lets_nobody_be_born() -> None:
    assert swedish(personnummer_of(date(2026, 11, 28), 1), written=date(2027, 1, 1)) == "born_in_future"


def test_a_series_of_the_next_century_is_not_born_yet() -> None:
    assert refused(lambda: read(NATIONAL_RESERVE, reserve_of("24000101", "AAA"), TODAY)) == "born_in_future"


@given(days, serials, st.integers(0, 200))
def test_ages(born: date, serial: int, years: int) -> None:
    identity = Identity(PERSONNUMMER, personnummer_of(born, serial))
    leap = (born.month, born.day) == (2, 29)
    year = born.year + years
    birthday = date(year, 3, 1) if leap and not calendar.isleap(year) else born.replace(year=year)
    assert age(identity, birthday) == years
    assert age(identity, birthday - timedelta(days=1)) == years - 1


@given(st.text() | st.from_regex(r"[0-9+-]{9,14}", fullmatch=True), st.none() | st.dates())
def test_any_text_is_read_or_refused(text: str, written: date | None) -> None:
    for system in NUMBERS:
        try:
            identity = read(system, text, TODAY, written)
        except BadIdentity:
            continue
        assert read(system, for_people(identity), TODAY) == identity


def test_luhn_of_the_standards_example() -> None:
    assert luhn("811228987") == 4  # SKV 704: 811228-9874
    assert luhn("640823323") == 4


@pytest.mark.parametrize("text", ["19121212-1212", "1212121212", "121212-1212", "19121272121", "191212721219"])
def test_what_is_stored_is_canonical(text: str) -> None:
    assert refused(lambda: Identity(PERSONNUMMER, text)) is not None


def test_a_number_is_of_its_own_kind_only() -> None:
    assert refused(lambda: Identity(SAMORDNINGSNUMMER, "191212121212")) == "no_such_day"
    assert refused(lambda: Identity(PERSONNUMMER, "196109732393")) == "no_such_day"
    assert refused(lambda: Identity(NATIONAL_RESERVE, "22950606-FH20")) == "wrong_separator"
