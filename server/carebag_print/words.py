"""The paper's words, numbers and times in one language.

What the pages call a thing, the paper calls it too: `shared_words.json` is taken from the pages' catalogues, and a test
holds them equal (`CAREBAG_WRITE_WORDS=1` writes it anew). `own_words.json` is what only the paper says.
"""

import json
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from carebag_fhir.elements import plain, words
from carebag_wire.identity.person import Identity, for_people
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.systems import code_of, stored_name
from carebag_wire.values import Circumstances

Language = Literal["sv", "fi", "en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
_UNITS = {"mm[Hg]": "mmHg", "Cel": "°C", "[degF]": "°F", "[lb_av]": "lb"}


@cache
def _catalogue(name: str) -> dict[str, dict[str, str]]:
    """By language, then by key."""
    text = (files(__package__) / name).read_text(encoding="utf-8")
    read: dict[str, dict[str, str]] = json.loads(text)
    return read


def person_number(system: str, stored: str) -> str:
    """`19121212-1212`, `98240301-AA06`; of a temporary identity its end; every other one exactly as it is stored.

    What is in the store but no identity (an older version let it in) is written as it is.
    """
    if code_of(system) == "temporary":
        return plain(stored)[-12:]
    try:
        return for_people(Identity(stored_name(system), stored))
    except BadIdentity:
        return plain(stored)


class Words:
    """Words of one language, and times of one zone."""

    def __init__(self, language: Language, zone: tzinfo) -> None:
        self.language = language
        self.zone = zone
        self._words = {**_catalogue("shared_words.json")[language], **_catalogue("own_words.json")[language]}

    def __call__(self, key: str, **filled: object) -> str:
        """A text of the catalogue.

        Raises:
            KeyError: there is no such text.
        """
        return self._words[key].format(**filled)

    def named(self, family: str, code: str) -> str:
        """What a code is called; a code that no catalogue knows is shown as it is."""
        return self._words.get(f"{family}.{code}") or words(code)

    def remark(self, code: str) -> str:
        """A remark of instrument or kit, without what the nurse should do about it then."""
        return self.named("code", code).split(". ")[0].rstrip(".")

    def number(self, value: Decimal) -> str:
        """With exactly the digits that were measured."""
        text = str(value).replace("-", "−")
        return text if self.language == "en" else text.replace(".", ",")

    def seconds(self, value: float) -> str:
        """With one decimal, unless they are whole."""
        return self.number(Decimal(f"{value:.1f}".removesuffix(".0")))

    def unit(self, ucum: str) -> str:
        """As people write it; one that is not known is shown as it is."""
        return self("unit.per_minute") if ucum == "/min" else _UNITS.get(ucum, plain(ucum))

    def clock(self, at: datetime, day_of: datetime | None = None) -> str:
        """Time of day; with its date (ISO 8601, which every reader understands alike) on another day than `day_of`."""
        local = at.astimezone(self.zone)
        same = day_of is not None and day_of.astimezone(self.zone).date() == local.date()
        return f"{local:%H:%M}" if same else f"{local:%Y-%m-%d %H:%M}"

    def circumstances(self, how: Circumstances) -> str:
        parts = [("point", how.point), ("site", how.site), ("posture", how.posture)]
        return ", ".join(self.named(family, code) for family, code in parts if code)
