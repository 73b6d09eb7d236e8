"""Henkilötunnus: eleven characters DDMMYY, separator, NNN, check character.

Asetus väestötietojärjestelmästä 128/2010, as changed from 2023 on; dvv.fi/hetu-uudistus. The separator tells the
century and is part of the identity: `100190-999P` and `100190Y999P` are two people. NNN is 002 to 899; 900 to 999 are
temporary or test numbers and in no population register. The check character is DDMMYYNNN modulo 31: the separator is
not in it, so a wrong one cannot be found out.
"""

import re

from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.said import Said, day, sex_of

CENTURY = {"+": 1800, **dict.fromkeys("-YXWVU", 1900), **dict.fromkeys("ABCDEF", 2000)}
CHECKS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_DIGITS = re.compile(r"[0-9]+")


def henkilotunnus(text: str) -> Said:
    """Check a henkilötunnus: exactly eleven characters in capitals, nothing else is taken.

    Since HE 132/2022 the sex digit is not to be relied on for what a person's sex is.

    Raises:
        BadIdentity
    """
    if len(text) != 11:
        raise BadIdentity("identity_too_short" if len(text) < 11 else "identity_too_long")
    if not _DIGITS.fullmatch(text[:6] + text[7:10]):
        raise BadIdentity("not_a_digit")
    if text[6] not in CENTURY:
        raise BadIdentity("wrong_separator")
    if text[10] not in CHECKS:
        raise BadIdentity("letter_not_used")
    born = day(CENTURY[text[6]] + int(text[4:6]), int(text[2:4]), int(text[:2]))
    if int(text[7:10]) < 2:
        raise BadIdentity("no_such_serial")
    if CHECKS[int(text[:6] + text[7:10]) % 31] != text[10]:
        raise BadIdentity("bad_check_digit")
    return Said(born, born, sex_of(text[9]))


def is_temporary(henkilotunnus: str) -> bool:
    """900 to 999, of a well formed one."""
    return henkilotunnus[7] == "9"
