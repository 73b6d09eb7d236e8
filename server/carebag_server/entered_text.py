"""Texts that an operator enters: what pages and kits will read again, or a refusal at once."""

import re
import unicodedata

from carebag_server.not_possible import NotPossible
from carebag_wire.base import PLAIN

SHORT, LONG = 500, 20_000
"""Characters, as `carebag_wire.base` takes them."""


def entered(text: str, what: str, longest: int = SHORT) -> str:
    """The text without spaces around it; it may be empty. Lines only where it may be long.

    Raises:
        NotPossible: too long, or signs that no page shows or that turn the direction of a text.
    """
    text = text.strip()
    if len(text) > longest:
        raise NotPossible(f"{what} has more than {longest} characters", "not_plain_text")
    lines = text.replace("\n", " ").replace("\t", " ") if longest > SHORT else text
    if not re.fullmatch(PLAIN, lines) or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in lines):
        raise NotPossible(f"{what} has signs that are no text", "not_plain_text")
    return text


def named(text: str, what: str, ask: str = "--name") -> str:
    """As `entered`, and not empty. Raises: NotPossible."""
    text = entered(text, f"the name of {what}")
    if not text:
        raise NotPossible(f"{what} needs a name ({ask})", "name_missing")
    return text
