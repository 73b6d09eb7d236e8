"""NEWS2 and what a nurse observed, on paper."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from carebag_print.words import LANGUAGES, Words
from carebag_scores.early_warning import with_early_warning


@pytest.fixture(scope="module")
def scored(made_up_visit: Any) -> Any:
    return made_up_visit.a_scored_visit().snapshot


def told(snapshot: Any) -> dict[str, Any]:
    return {"readings": snapshot.readings, "premises": snapshot.premises, "news2": snapshot.news2}


def test_the_total_stands_with_every_part_and_what_it_is(printing: Any, words_of: Any, scored: Any) -> None:
    paper = " ".join(words_of(printing(**told(scored))))
    assert "11 av 20, Hög risk" in paper
    assert "3 poäng i en enskild del: SpO₂, Medvetande" in paper
    assert "SpO₂-skala 2: målet är 88–92 %. Ordinerat av Elena Ruiz" in paper
    assert "Preliminär" in paper
    assert "Beslutsstöd, ingen diagnos." in paper
    for value in ("24 /min", "97 %", "Får syrgas, 2,5 L/min", "128,50 mmHg", "Nytillkommen förvirring", "38,6 °C"):
        assert value in paper
    assert "12 andetag räknade på 30 s" in paper
    assert "Grimma" in paper


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_every_language(printing: Any, words_of: Any, scored: Any, language: Any) -> None:
    words = Words(language, ZoneInfo("Europe/Stockholm"))
    paper = " ".join(words_of(printing(language=language, **told(scored))))
    for key in ("news2.parts", "consciousness.C", "breathes.oxygen", "oxygen_device.nasal_cannula", "value.observed"):
        assert words(key) in paper


def test_what_lacks_is_named_and_there_is_no_number(printing: Any, words_of: Any, scored: Any) -> None:
    left = [view for view in scored.readings if view.reading.kind != "consciousness"]
    paper = " ".join(words_of(printing(**told(with_early_warning(scored.model_copy(update={"readings": left}))))))
    assert "Saknas: Medvetande" in paper
    assert "Ofullständig" in paper
    assert "av 20," not in paper


def test_a_lone_blood_pressure_is_no_score(printing: Any, words_of: Any, export: Any) -> None:
    snapshot = with_early_warning(export.snapshot)
    assert "NEWS2" not in " ".join(words_of(printing(news2=snapshot.news2)))
