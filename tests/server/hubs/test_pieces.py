"""Long texts in short pieces and whole again, whatever lies between."""

from hypothesis import given
from hypothesis import strategies as st

from carebag_server.hubs.pieces import Whole, cut

TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)


@given(TEXTS, st.integers(80, 200))
def test_pieces_are_short_and_make_the_text_again(text: str, limit: int) -> None:
    pieces, whole = cut(text, "0a", 7, limit), Whole()
    assert all(len(piece.encode()) <= limit for piece in pieces)
    assert [whole.take(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [text]


@given(st.lists(TEXTS, min_size=1, max_size=4), st.data())
def test_speakers_may_speak_at_once(texts: list[str], data: st.DataObject) -> None:
    """Each in its own order."""
    waiting = {f"{number:x}": cut(text, f"{number:x}", 1, 80) for number, text in enumerate(texts)}
    whole, got = Whole(), []
    while waiting:
        speaker = data.draw(st.sampled_from(sorted(waiting)))
        got.append(whole.take(waiting[speaker].pop(0)))
        if not waiting[speaker]:
            del waiting[speaker]
    assert sorted(text for text in got if text is not None) == sorted(texts)


@given(st.text("ab cå", min_size=200, max_size=400), st.data())
def test_a_text_with_a_hole_never_comes_and_the_next_does(text: str, data: st.DataObject) -> None:
    pieces = cut(text, "0a", 7, 100)
    lost = data.draw(st.integers(0, len(pieces) - 1))
    whole = Whole()
    assert [whole.take(piece) for number, piece in enumerate(pieces) if number != lost] == [None] * (len(pieces) - 1)
    assert [whole.take(piece) for piece in cut(text, "0a", 8, 100)][-1] == text


def test_no_two_pieces_are_the_same() -> None:
    """PostgreSQL tells once of what one transaction says twice."""
    assert cut("x", "0a", 1, 100) != cut("x", "0a", 2, 100)


@given(st.text())
def test_any_text_may_be_heard(text: str) -> None:
    assert Whole().take(text) is None or text
