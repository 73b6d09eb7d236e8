"""What no text of ours may hold."""

import pytest
from pydantic import ValidationError

from carebag_wire.api import WriteNote


def note(plan: str) -> WriteNote:
    return WriteNote(assessment="", plan=plan, base_version=0)


@pytest.mark.parametrize("mark", ["\x00", "\u202e", "\u202a", "\u2066", "\u2069"])
def test_marks_that_turn_or_cut_text_are_refused(mark: str) -> None:
    with pytest.raises(ValidationError):
        note(f"Ge 10{mark} mg")


@pytest.mark.parametrize("plan", ["Åäö – ½ tablett 2×/dag", "مرحبا", "👩‍⚕️", "två\nrader\toch mer"])
def test_other_text_is_kept_as_it_is(plan: str) -> None:
    assert note(plan).plan == plan
