"""Swedish personal identity numbers: twelve digits as stored, the check digit, and who is only a test person.

Personnummer and samordningsnummer (day + 60) after Skatteverket SKV 704 and 707: YYYYMMDDNNNC, C by the Luhn algorithm
over the nine digits from the second digit of the year on. A right number says nothing about who stands before you.
"""

import re
from dataclasses import dataclass
from datetime import date

PERSONNUMMER = "http://electronichealth.se/identifier/personnummer"
SAMORDNINGSNUMMER = "http://electronichealth.se/identifier/samordningsnummer"
TEST_NUMBERS = frozenset(
    {
        "191212121212",
        "195009072553",
        "196101182803",
        "189002029800",
        "200302022389",
        "199002222397",
        "200001252386",
        "189602029812",
        "196109732393",
    }
)
"""Published test identities, given to no living person: the only ones a demo takes, and none that production takes."""
_TWELVE = re.compile(r"([0-9]{8})-?([0-9]{4})", re.ASCII)


class BadIdentity(ValueError):
    """Not a personal identity number; `code` says why. The number itself is not in the message."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class PersonalId:
    digits: str
    """Twelve, with century."""
    system: str
    birth_date: date

    def __str__(self) -> str:
        return f"{self.digits[:8]}-{self.digits[8:]}"


def personal_id(text: str) -> PersonalId:
    """Read `191212121212` or `19121212-1212`. Ten digits are refused: they do not say the century.

    Raises:
        BadIdentity: `not_twelve_digits`, `no_such_day` or `bad_check_digit`.
    """
    match = _TWELVE.fullmatch(text)
    if match is None:
        raise BadIdentity("not_twelve_digits")
    digits = match[1] + match[2]
    day = int(digits[6:8])
    coordination = day > 60
    try:
        born = date(int(digits[:4]), int(digits[4:6]), day - 60 if coordination else day)
    except ValueError:
        raise BadIdentity("no_such_day") from None
    if luhn(digits[2:11]) != int(digits[11]):
        raise BadIdentity("bad_check_digit")
    return PersonalId(digits, SAMORDNINGSNUMMER if coordination else PERSONNUMMER, born)


def luhn(digits: str) -> int:
    """Check digit: every other digit doubled from the first on, digit sums added, up to the next ten."""
    total = 0
    for place, digit in enumerate(digits):
        doubled = int(digit) * (2 - place % 2)
        total += doubled // 10 + doubled % 10
    return -total % 10


def admitted(identity: PersonalId, demo: bool) -> PersonalId:
    """The identity, if this kind of installation may hold it.

    Raises:
        BadIdentity: `test_number` in production, `real_number` in a demo.
    """
    is_test = identity.digits in TEST_NUMBERS
    if is_test and not demo:
        raise BadIdentity("test_number")
    if not is_test and demo:
        raise BadIdentity("real_number")
    return identity
