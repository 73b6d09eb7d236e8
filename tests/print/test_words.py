"""All words in all languages, and the same ones that the pages use."""

import json
import os
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from carebag_print import words as module
from carebag_print.words import LANGUAGES, Words
from carebag_wire.values import Circumstances, InstrumentKind, Point, QuantityName, ReadingKind
from carebag_wire.visit import MarkKind, RequestKind, RequestState

SHARED = Path(module.__file__).with_name("shared_words.json")
OWN_WORDS = json.loads(SHARED.with_name("own_words.json").read_text(encoding="utf-8"))
PAGES = Path(__file__).parents[2] / "web" / "src" / "shared" / "i18n"
FAMILIES = "kind|quantity|site|posture|point|quality|code|mark.kind|guest.role|request|unit|device|role|id_system|band"
FAMILIES += r"|consciousness|breathes|oxygen_device|news2|value\.observed"
TEXT = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
LINE = re.compile(rf"^  '((?:{FAMILIES})(?:\.[A-Za-z0-9_-]+)*)': {TEXT},$", re.MULTILINE)
STOCKHOLM = ZoneInfo("Europe/Stockholm")


def of_the_pages(language: str) -> dict[str, str]:
    text = (PAGES / f"{language}.ts").read_text(encoding="utf-8")
    return {key: value[1:-1].replace("\\'", "'") for key, value in LINE.findall(text)}


def test_the_paper_calls_things_as_the_pages_do() -> None:
    """CAREBAG_WRITE_WORDS=1 takes the pages' words anew."""
    wanted = {language: of_the_pages(language) for language in LANGUAGES}
    if os.environ.get("CAREBAG_WRITE_WORDS"):
        text = json.dumps(wanted, ensure_ascii=False, indent=0, sort_keys=True)
        SHARED.write_text(text + "\n", encoding="utf-8")
    assert json.loads(SHARED.read_text(encoding="utf-8")) == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_word(language: str) -> None:
    catalogue = json.loads(SHARED.read_text(encoding="utf-8"))[language]
    families: dict[str, tuple[str, ...]] = {
        "kind": (*get_args(ReadingKind), *get_args(RequestKind)),
        "quantity": get_args(QuantityName),
        "point": get_args(Point),
        "quality": ("good", "questionable", "invalid"),
        "mark.kind": get_args(MarkKind),
        "request": get_args(RequestState),
        "device": get_args(InstrumentKind),
        "unit": ("per_minute",),
    }
    for name in ("site", "posture"):
        families[name] = get_args(get_args(Circumstances.model_fields[name].annotation)[0])
    assert [f"{f}.{c}" for f, codes in families.items() for c in codes if not catalogue.get(f"{f}.{c}")] == []


def test_the_own_words_are_complete_and_take_the_same_fillings() -> None:
    def shape(words: dict[str, str]) -> dict[str, set[str]]:
        return {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in words.items()}

    assert set(OWN_WORDS) == set(LANGUAGES)
    for language in LANGUAGES:
        assert shape(OWN_WORDS[language]) == shape(OWN_WORDS["sv"])
        assert all(text == text.strip() != "" for text in OWN_WORDS[language].values())


def test_every_own_word_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SHARED.parent.glob("*.py")).replace("'", '"')
    begun = tuple(re.findall(r'f"(\w+_)\{', code))
    assert [key for key in OWN_WORDS["sv"] if f'"{key}"' not in code and not key.startswith(begun)] == []


def test_numbers_keep_their_digits() -> None:
    assert Words("sv", UTC).number(Decimal("128.50")) == "128,50"
    assert Words("en", UTC).number(Decimal("-0.5")) == "−0.5"
    assert [Words("fi", UTC).seconds(value) for value in (30.0, 2.25)] == ["30", "2,2"]


def test_times_are_local_with_the_date_of_another_day() -> None:
    words = Words("sv", STOCKHOLM)
    at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert words.clock(at) == words.clock(at, datetime(2026, 11, 23, 9, tzinfo=UTC)) == "2026-11-24 00:30"
    assert words.clock(at, datetime(2026, 11, 24, 9, tzinfo=UTC)) == "00:30"


def test_remarks_without_what_to_do() -> None:
    assert Words("sv", UTC).remark("cuff_too_loose") == "Manschetten satt för löst"
    assert Words("sv", UTC).remark("irregular_pulse") == "Ojämn puls"
    assert Words("sv", UTC).remark("never_heard_of") == "never heard of"


def test_units_as_people_write_them() -> None:
    words = Words("sv", UTC)
    assert [words.unit(u) for u in ("mm[Hg]", "/min", "Cel", "mg/L", "kPa")] == [
        "mmHg",
        "slag/min",
        "°C",
        "mg/L",
        "kPa",
    ]
