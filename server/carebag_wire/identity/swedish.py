"""Personnummer, samordningsnummer and nationellt reservnummer: twelve characters as stored, and how they are written.

Personnummer and samordningsnummer: folkbokföringslag (1991:481) 18 and 18 a §§; Skatteverket SKV 704 (edition 8),
SKV 707 and SKV M 2010:3: YYYYMMDDNNNC; NNN 001 to 999; C by the Luhn algorithm over the nine digits from the third on,
so that no check covers the century. A samordningsnummer has the day + 60; where month or day are not known they are 00
(+ 60), as Skatteverket's own test numbers show (191500722390).

Nationellt reservnummer (NRID): Inera, "Nationellt ReservID – specifikation 1.0" as summarised on the pages of the
national personuppgiftstjänst: XXYYMMDDNNGC. XX is 00 (day of birth not known; then MM 20 to 99, DD 40 to 59) or the
century of birth + 3, 6, … 78. NN are letters of A to Z without I, O, Q, V, W; G a digit for the sex as in a
personnummer, a letter where it is not known; C by Luhn over all eleven before it, a letter counting as its ASCII value.
"""

import re
from datetime import date

from carebag_wire.identity.refusal import BadIdentity, IdentityCode
from carebag_wire.identity.said import Said, day, sex_of

OLDEST = 125
"""Years; nobody is known to have lived for 123. Only for ten digits that do not say the century at all."""
_CENTURIES = ("18", "19", "20")
_DAY_OF_SAMORDNINGSNUMMER = 60
_FORM = re.compile(
    r"(?:(?P<century>[0-9]{2})(?P<long>[0-9]{6})-?|(?P<short>[0-9]{6})(?P<sign>[-+]?))(?P<last>[0-9]{4})"
)
_RESERVE = re.compile(r"(?P<first>[0-9]{8})-?(?P<letters>[A-HJ-NPR-UX-Z]{2}[0-9A-HJ-NPR-UX-Z])(?P<check>[0-9])")


def luhn(text: str) -> int:
    """Check digit, 0 to 9: values doubled in turn from the last on, digit sums added, up to the next ten."""
    total = 0
    for place, sign in enumerate(reversed(text)):
        value = (int(sign) if sign in "0123456789" else ord(sign)) * (2 - place % 2)
        total += sum(map(int, str(value)))
    return -total % 10


def written_as(text: str, written: date | None) -> str:
    """Twelve digits out of what was written, checked for nothing but its form.

    Taken are exactly: twelve digits, alone or as `YYYYMMDD-NNNC`; and, if `written` is given, ten digits:

    - `YYMMDD-NNNC`: younger than 100 in the year of `written`; `YYMMDD+NNNC`: 100 or older (18 § second paragraph).
      The number alone does not tell that somebody wrote `-` for a person over 100: show the age that comes out of it.
    - `YYMMDDNNNC`: only if exactly one century gives a person who was born by then and is not older than `OLDEST`.

    Args:
        written: the day on which the ten digits were written; None: only twelve are taken.

    Raises:
        BadIdentity: `not_a_digit`, `identity_too_short`, `identity_too_long`, `wrong_separator`, `century_missing`.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise BadIdentity(_wrong_form(text))
    if match["century"]:
        return f"{match['century']}{match['long']}{match['last']}"
    ten = match["short"] + match["last"]
    if written is None:
        raise BadIdentity("century_missing")
    return f"{_year(ten, match['sign'], written) // 100}{ten}"


def _wrong_form(text: str) -> IdentityCode:
    if any(sign.isalnum() and sign not in "0123456789" for sign in text):
        return "not_a_digit"
    digits = sum(sign.isalnum() for sign in text)
    if digits < 10 or digits == 11:
        return "identity_too_short"
    return "identity_too_long" if digits > 12 else "wrong_separator"


def _year(ten: str, sign: str, written: date) -> int:
    if sign:
        newest = written.year - (100 if sign == "+" else 0)
        return newest - (newest - int(ten[:2])) % 100
    year = written.year - (written.year - int(ten[:2])) % 100
    month, of_month = int(ten[2:4]), int(ten[4:6]) % _DAY_OF_SAMORDNINGSNUMMER
    born_by_then = (year, month, of_month) <= (written.year, written.month, written.day)
    possible = [
        one for one in (year, year - 100, year - 200) if written.year - one <= OLDEST and (one < year or born_by_then)
    ]
    if len(possible) != 1:
        raise BadIdentity("century_missing")
    return possible[0]


def is_samordningsnummer(twelve: str) -> bool:
    """Which of the two kinds twelve digits are: by the day, 61 to 91 or 60 where it is not known."""
    return int(twelve[6:8]) >= _DAY_OF_SAMORDNINGSNUMMER


def personnummer(twelve: str) -> Said:
    """Check a personnummer as stored.

    The day of birth may be a near one of the same month, where the true one had no numbers left (18 § third paragraph).

    Raises:
        BadIdentity
    """
    _twelve_digits(twelve)
    born = day(int(twelve[:4]), int(twelve[4:6]), int(twelve[6:8]))
    _serial_and_check(twelve)
    return Said(born, born, sex_of(twelve[10]))


def samordningsnummer(twelve: str) -> Said:
    """Check a samordningsnummer as stored.

    Its date may be estimated: it is what the authority that asked for the number stated. With a month or day of 00
    there is no day of birth.

    Raises:
        BadIdentity
    """
    _twelve_digits(twelve)
    year, month, of_month = int(twelve[:4]), int(twelve[4:6]), int(twelve[6:8]) - _DAY_OF_SAMORDNINGSNUMMER
    first = day(year, month or 1, of_month or 1)  # where the month is not known, any day that a month may have
    _serial_and_check(twelve)
    sex = sex_of(twelve[10])
    if month and of_month:
        return Said(first, first, sex)
    return Said(None, first.replace(day=1), sex)


def _twelve_digits(twelve: str) -> None:
    if not re.fullmatch(r"[0-9]{12}", twelve):
        match = _FORM.fullmatch(twelve)
        raise BadIdentity("century_missing" if match and match["short"] else _wrong_form(twelve))
    if twelve[:2] not in _CENTURIES:
        raise BadIdentity("no_such_century")


def _serial_and_check(twelve: str) -> None:
    if twelve[8:11] == "000":
        raise BadIdentity("no_such_serial")
    if luhn(twelve[2:11]) != int(twelve[11]):
        raise BadIdentity("bad_check_digit")


def reserve_as(text: str) -> str:
    """Twelve characters out of `XXYYMMDDNNGC` or `XXYYMMDD-NNGC`.

    Raises:
        BadIdentity: `letter_not_used` (small ones too), `not_a_digit`, `identity_too_short`, `identity_too_long`,
            `wrong_separator`.
    """
    match = _RESERVE.fullmatch(text)
    if match is None:
        raise BadIdentity(_wrong_reserve(text))
    return match["first"] + match["letters"] + match["check"]


def _wrong_reserve(text: str) -> IdentityCode:
    signs = [sign for sign in text if sign.isalnum()]
    if len(signs) != 12:
        return "identity_too_short" if len(signs) < 12 else "identity_too_long"
    if any(sign not in "0123456789" for sign in (*signs[:8], signs[11])):
        return "not_a_digit"
    letters = re.fullmatch(r"[A-HJ-NPR-UX-Z]{2}[0-9A-HJ-NPR-UX-Z]", "".join(signs[8:11]))
    return "wrong_separator" if letters else "letter_not_used"


def reserve(twelve: str) -> Said:
    """Check a nationellt reservnummer as stored; it says a day of birth and a sex only where they were known.

    Raises:
        BadIdentity
    """
    if reserve_as(twelve) != twelve:
        raise BadIdentity("wrong_separator")
    series, year, month, of_month = (int(twelve[place : place + 2]) for place in (0, 2, 4, 6))
    born = None
    if series == 0:
        if not (20 <= month <= 99 and 40 <= of_month <= 59):
            raise BadIdentity("no_such_day")
    elif series < 22:
        raise BadIdentity("no_such_century")
    else:
        born = day((19 + (series - 19) % 3) * 100 + year, month, of_month)
    if luhn(twelve[:11]) != int(twelve[11]):
        raise BadIdentity("bad_check_digit")
    return Said(born, born, sex_of(twelve[10]) if twelve[10] in "0123456789" else None)
