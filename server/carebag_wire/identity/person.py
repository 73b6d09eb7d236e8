"""One identity of a person, read, and written for people."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from carebag_wire.identity import finnish, healthcare, swedish
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.said import Said, Sex
from carebag_wire.identity.systems import (
    HENKILOTUNNUS,
    HSA_ID,
    NATIONAL_RESERVE,
    PERSONNUMMER,
    SAMORDNINGSNUMMER,
    stored_name,
)

LONGEST_LOCAL = 64
_HIDDEN = "****"


@dataclass(frozen=True)
class Identity:
    """A system and a value in its canonical form; one that is not well formed cannot be made.

    That a number is well formed tells neither that anybody bears it nor who stands before you.

    Raises:
        BadIdentity: the value is not canonical, or the system is not named by its stored name.
    """

    system: str
    value: str = field(repr=False)
    """Not in the repr, so that a log line holds no patient's number."""

    def __post_init__(self) -> None:
        if stored_name(self.system) != self.system:
            raise BadIdentity("unknown_identity_system")
        said(self)


_RULES: dict[str, Callable[[str], Said]] = {
    PERSONNUMMER: swedish.personnummer,
    SAMORDNINGSNUMMER: swedish.samordningsnummer,
    NATIONAL_RESERVE: swedish.reserve,
    HENKILOTUNNUS: finnish.henkilotunnus,
    HSA_ID: healthcare.hsa_id,
}


def _local(value: str) -> Said:
    # Each region has its own forms and has changed them; what is in records must be found again as it is
    if not (value.isascii() and value.isprintable() and value == value.strip() and 0 < len(value) <= LONGEST_LOCAL):
        raise BadIdentity("not_plain_identity")
    return Said()


def said(identity: Identity) -> Said:
    """What the number says of its bearer; of a local one nothing."""
    return _RULES.get(identity.system, _local)(identity.value)


def read(system: str, text: str, today: date, written: date | None = None) -> Identity:
    """An identity out of what a person or another system wrote.

    Canonicalised is only how it is written: for personnummer and samordningsnummer as `swedish.written_as` says, for a
    nationellt reservnummer the hyphen. A henkilötunnus, an HSA-id and a local identity are taken exactly as they are.
    Spaces, small letters and other dashes are refused everywhere; nothing is guessed and nothing mended.

    Args:
        system: by any name that `systems.stored_name` knows.
        today: in the place where the person is; who was born after it, or after `written`, is refused.
        written: the day on which ten Swedish digits were written; None: twelve digits only.

    Raises:
        BadIdentity: the one error for any text.
    """
    name = stored_name(system)
    if name in (PERSONNUMMER, SAMORDNINGSNUMMER):
        text = swedish.written_as(text, written)
    elif name == NATIONAL_RESERVE:
        text = swedish.reserve_as(text)
    return _born_by(Identity(name, text), today, written)


def read_swedish(text: str, today: date, written: date | None = None) -> Identity:
    """A personnummer or samordningsnummer, whichever the day says; otherwise as `read`."""
    twelve = swedish.written_as(text, written)
    system = SAMORDNINGSNUMMER if swedish.is_samordningsnummer(twelve) else PERSONNUMMER
    return _born_by(Identity(system, twelve), today, written)


def _born_by(identity: Identity, today: date, written: date | None) -> Identity:
    first = said(identity).not_before
    if first is not None and first > min(today, written or today):
        raise BadIdentity("born_in_future")
    return identity


def birth_date(identity: Identity) -> date | None:
    """The day of birth that the number says, None where it says none.

    Of a samordningsnummer it may be estimated; of a personnummer it may be a near day of the month. What a register
    tells goes before it.
    """
    return said(identity).born


def sex_by_number(identity: Identity) -> Sex | None:
    """What the sex digit says, None where there is none: not who a person is, and no ground for a clinical decision."""
    return said(identity).sex


def age(identity: Identity, today: date) -> int | None:
    """Whole years by the number's day of birth (29 February: one year more on 1 March), None where it says none."""
    born = birth_date(identity)
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def for_people(identity: Identity) -> str:
    """`19121212-1212`, `22950606-FH20`; a henkilötunnus and all others exactly as they are."""
    value = identity.value
    if identity.system in (PERSONNUMMER, SAMORDNINGSNUMMER, NATIONAL_RESERVE):
        return f"{value[:8]}-{value[8:]}"
    return value


def masked(identity: Identity) -> str:
    """For lists that others may see: `19121212-****`, `010594Y****`, of a local identity nothing. Two may look alike.

    An HSA-id is a work address, not a secret, and stays.
    """
    value = identity.value
    if identity.system in (PERSONNUMMER, SAMORDNINGSNUMMER, NATIONAL_RESERVE):
        return f"{value[:8]}-{_HIDDEN}"
    if identity.system == HENKILOTUNNUS:
        return value[:7] + _HIDDEN
    return value if identity.system == HSA_ID else _HIDDEN
