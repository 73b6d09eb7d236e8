"""The cells of a reading's line."""

from datetime import UTC
from typing import Any

import pytest

from carebag_print.value_lines import ValueLine, value_line
from carebag_print.words import Words
from carebag_wire.records import Reading


@pytest.fixture
def lines(export: Any, made_up_visit: Any) -> dict[str, ValueLine]:
    words, snapshot = Words("en", UTC), export.snapshot
    numbers = {view.photo.id: n for n, view in enumerate(snapshot.photos, 1)}
    names = ("failed", "pressure", "oximetry", "crp", "typed", "stored", "glucose")
    views = (value_line(view, words, snapshot.visit.opened_at, numbers) for view in snapshot.readings)
    return dict(zip(names, views, strict=True))


def test_what_does_not_hold_is_struck_and_an_error_is_not(lines: dict[str, ValueLine]) -> None:
    assert [name for name, line in lines.items() if line.struck] == ["typed"]
    assert lines["failed"].main == "No value: The cuff was too loose"
    assert lines["failed"].beside == ()


def test_what_was_decided(lines: dict[str, ValueLine]) -> None:
    assert [name for name, line in lines.items() if line.kept] == ["pressure", "crp"]
    assert lines["typed"].decision == ("Typed in error, withdrawn by Anna Lind 09:44", "Reason: felskrivet")
    assert lines["failed"].decision[0] == "Rejected by Elena Ruiz 09:35"
    assert lines["oximetry"].decision == ("Draft: no doctor has decided",)


def test_the_pulse_comes_first_beside_a_pressure(lines: dict[str, ValueLine]) -> None:
    assert lines["pressure"].main == "128.50/81 mmHg"
    assert lines["pressure"].beside == ("Pulse 72 beats/min", "Mean pressure 97 mmHg")


def test_pressures_of_two_units_are_two_numbers(export: Any) -> None:
    view = export.snapshot.readings[1]
    told = [q.model_copy(update={"unit": "kPa"}) if q.name == "diastolic" else q for q in view.reading.quantities]
    reading: Reading = view.reading.model_copy(update={"quantities": told})
    line = value_line(
        view.model_copy(update={"reading": reading}), Words("en", UTC), export.snapshot.visit.opened_at, {}
    )
    assert line.main == "Systolic 128.50 mmHg"
    assert "Diastolic 81 kPa" in line.beside
