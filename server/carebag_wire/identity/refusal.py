"""Why a text is no identity, as a code that tells a person what to look at."""

from typing import Literal

IdentityCode = Literal[
    "identity_too_short",
    "identity_too_long",
    "not_a_digit",
    "letter_not_used",
    "wrong_separator",
    "century_missing",
    "no_such_century",
    "no_such_day",
    "born_in_future",
    "no_such_serial",
    "bad_check_digit",
    "unknown_identity_system",
    "not_plain_identity",
    "test_identity_in_production",
    "real_identity_in_demo",
]
"""What is wrong:

    identity_too_short, identity_too_long   characters are missing, or there are too many
    not_a_digit                 a letter, or a digit of another script, where 0 to 9 belongs
    letter_not_used             a small letter, or one that this kind of number does not have at this place
    wrong_separator             a sign between the parts that does not belong there, or at the wrong place
    century_missing             ten digits, and nothing that tells in which century
    no_such_century             the first two digits are none that this kind of number has
    no_such_day                 the calendar has no such day
    born_in_future              the day of birth is after today
    no_such_serial              a number of that day that is never given (000)
    bad_check_digit             everything has its form, and something is mistyped
    unknown_identity_system     the system is no OID and no address
    not_plain_identity          empty, too long, or characters that no identity has
    test_identity_in_production, real_identity_in_demo    see `use.check_use`
"""


class BadIdentity(ValueError):
    """Not an identity, or not one for this place. The text itself is never in the message: it may be a patient's."""

    def __init__(self, code: IdentityCode) -> None:
        super().__init__(code)
        self.code: IdentityCode = code
