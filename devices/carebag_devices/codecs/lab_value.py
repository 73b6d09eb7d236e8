"""A result as laboratory instruments print it: `12`, `<5`, `> 200`; nothing is rounded, turned or guessed."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

Comparator = Literal["<", ">"]

_VALUE = re.compile(r"\s*([<>]?)\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*")
_COMMA = re.compile(r"[<>\s]*[0-9]+,[0-9]+\s*")
_OTHER_COMPARATOR = re.compile(r"\s*(?:[<>]=|[≤≥~]).*", re.DOTALL)


@dataclass(frozen=True)
class LabValue:
    """`number` is None where there is none; then `refused` says why.

    `no_number`: the field is empty or holds words. `decimal_comma`, `other_comparator`, `comparators_contradict`,
    `not_a_number`: it may have been meant as a number, but which one would be a guess.
    """

    text: str
    """As sent."""
    number: Decimal | None
    comparator: Comparator | None = None
    refused: str = ""

    @classmethod
    def parse(cls, text: str, flag: str = "") -> Self:
        """From the value's text and its flag: `<` or `>` as a flag (outside the range) is a comparator too."""
        match = _VALUE.fullmatch(text)
        if match is None:
            return cls(text, None, refused=_why(text))
        said = {mark for mark in (match[1], flag) if mark in ("<", ">")}
        if len(said) > 1:
            return cls(text, None, refused="comparators_contradict")
        comparator: Comparator | None = "<" if "<" in said else ">" if ">" in said else None
        return cls(text, Decimal(match[2]), comparator)


def _why(text: str) -> str:
    if _COMMA.fullmatch(text):
        return "decimal_comma"
    if _OTHER_COMPARATOR.fullmatch(text):
        return "other_comparator"
    return "not_a_number" if any(character.isdigit() for character in text) else "no_number"
