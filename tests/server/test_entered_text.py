"""What an operator may enter is what every page can read again; the rest is refused at once."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.entered_text import LONG, entered, named
from carebag_server.not_possible import NotPossible
from carebag_wire.visit import KnownAs, VisitHead

HEAD = {
    "id": uuid.UUID(int=1),
    "nurse": None,
    "kit_id": uuid.UUID(int=2),
    "scheduled_at": datetime(2026, 11, 23, tzinfo=UTC),
    "state": "planned",
}


@given(st.text(max_size=600))
def test_what_is_taken_can_be_read_by_every_page(text: str) -> None:
    try:
        short = entered(text, "the name")
    except NotPossible:
        return
    known = KnownAs(id=uuid.UUID(int=1), name=short, personal_id="", personal_id_system="", birth_date="")
    assert KnownAs.model_validate_json(known.model_dump_json()) == known
    assert entered(short, "the name") == short


@given(st.text(max_size=300))
def test_a_background_may_have_lines(text: str) -> None:
    try:
        background = entered(f"{text}\nx", "the background", LONG)
    except NotPossible:
        return
    patient = {
        "id": uuid.UUID(int=1),
        "name": "",
        "personal_id": "",
        "personal_id_system": "",
        "birth_date": "",
        "place": "",
        "own_doctor": "",
        "colour": 0,
    }
    head = VisitHead.model_validate(
        {**HEAD, "patient": patient, "kit_name": "", "reason": "", "background": background}
    )
    assert head.background.endswith("x")


@pytest.mark.parametrize("text", ["a\x00b", "a\u202eb", "a\u2066b", "a\nb", "\ud800", "a\x1b[2Jb", "x" * 501])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(NotPossible):
        named(text, "a person")


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_name_that_is_none(text: str) -> None:
    with pytest.raises(NotPossible, match="needs a name"):
        named(text, "a person")


def test_spaces_around_it_go() -> None:
    assert named("  Åsa Öberg ", "a person") == "Åsa Öberg"
