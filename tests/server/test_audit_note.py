"""Signed notes and checkpoints: written by one program, opened by another, and nothing else is opened.

Golden: the key and the note of the documentation of golang.org/x/mod/sumdb/note.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.audit_note import BadKey, NoteKey, checkpoint, consistency_text, inclusion_text
from carebag_server.audit_tree import consistency_proof, frontier_of, inclusion_proof, leaf_hash
from carebag_server.audit_verifier.note import BadNote, Checkpoint, KnownKey, open_checkpoint, open_note
from carebag_server.audit_verifier.proofs import check_event, check_growth
from carebag_server.audit_verifier.tree import BadProof

PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n"
KEY = NoteKey.new("hub.example.se/access-log")
KNOWN = KnownKey.read(KEY.public_text)
ENTRIES = [b'{"seq":%d}' % number for number in range(1, 12)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def at(size: int) -> str:
    return checkpoint(KEY, size, frontier_of(LEAVES[:size]).root())


def test_the_known_note() -> None:
    key = NoteKey.read(PRIVATE)
    assert (key.name, key.key_id.hex(), key.public_text, key.private_text) == (
        "PeterNeumann",
        "c74f20a3",
        PUBLIC,
        PRIVATE,
    )
    assert key.sign(TEXT) == NOTE
    assert open_note(NOTE, KnownKey.read(PUBLIC)) == TEXT


def test_a_checkpoint_has_the_documented_lines() -> None:
    lines = at(3).split("\n")
    assert lines[:2] == ["hub.example.se/access-log", "3"]
    assert lines[3] == ""
    assert lines[4].startswith("— hub.example.se/access-log ")
    assert open_checkpoint(at(3), KNOWN) == Checkpoint(KEY.name, 3, frontier_of(LEAVES[:3]).root())


def test_the_checkpoint_of_an_empty_log() -> None:
    assert at(0).split("\n")[1:3] == ["0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
    assert open_checkpoint(at(0), KNOWN).size == 0


@given(st.integers(0, len(at(7)) - 1), st.characters())
def test_any_other_letter_is_refused(place: int, letter: str) -> None:
    note = at(7)
    changed = note[:place] + letter + note[place + 1 :]
    if changed == note:
        return
    with pytest.raises(BadNote):
        open_checkpoint(changed, KNOWN)


@pytest.mark.parametrize(
    "note", ["", "\n", "\n\n", TEXT, NOTE[:-1], NOTE + "\n", NOTE.replace("\n", "\r\n"), at(1)[1:]]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        open_note(note, KnownKey.read(PUBLIC))


@pytest.mark.parametrize(
    "text",
    ["a\n1\n", "a\n01\nA=\n", "a\n-1\nA=\n", "a\n1\nnot base64\n", "a\n1\nAAAA\n", "other\n1\n" + "A" * 43 + "=\n"],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        open_checkpoint(KEY.sign(text), KNOWN)


def test_other_letters_of_base64_for_the_same_bytes_are_refused() -> None:
    """The last letter before `=` has bits that mean nothing; with others set it would be the same signature."""
    assert NOTE.endswith("M=\n")
    with pytest.raises(BadNote):
        open_note(NOTE.replace("M=\n", "N=\n"), KnownKey.read(PUBLIC))


def test_extension_lines_are_let_through() -> None:
    text = at(2).partition("\n\n")[0] + "\nmore\n"
    assert open_checkpoint(KEY.sign(text), KNOWN).size == 2


def test_signatures_of_others_are_ignored_and_a_wrong_one_of_ours_is_not() -> None:
    witness = NoteKey.new("witness.example/1").sign(at(2).partition("\n\n")[0] + "\n").rpartition("\n\n")[2]
    assert open_checkpoint(at(2) + witness, KNOWN).size == 2
    assert open_checkpoint(at(2).replace("\n\n", "\n\n" + witness), KNOWN).size == 2
    ours_elsewhere = at(3).rpartition("\n\n")[2]
    with pytest.raises(BadNote, match="wrong"):
        open_checkpoint(at(2) + ours_elsewhere, KNOWN)
    with pytest.raises(BadNote, match="not signed by this key"):
        open_checkpoint(at(2), KnownKey.read(NoteKey.new(KEY.name).public_text))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "a\u2003b", "\0"])
def test_a_name_that_a_key_must_not_have(name: str) -> None:
    with pytest.raises(BadKey):
        NoteKey.new(name)


@given(st.integers(0, len(PRIVATE) - 1), st.characters())
def test_a_damaged_key_is_refused(place: int, letter: str) -> None:
    if letter == PRIVATE[place]:
        return
    with pytest.raises(BadKey):
        NoteKey.read(PRIVATE[:place] + letter + PRIVATE[place + 1 :])
    if place < len(PUBLIC) and letter != PUBLIC[place]:
        with pytest.raises(BadNote):
            KnownKey.read(PUBLIC[:place] + letter + PUBLIC[place + 1 :])


def test_a_name_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(BadKey):
        NoteKey.read(PRIVATE.replace("P", "\udcff").replace("\udcffRIVATE", "PRIVATE"))
    with pytest.raises(BadNote):
        KnownKey.read(PUBLIC.replace("P", "\udcff", 1))


@given(st.text())
def test_any_text_is_a_key_or_refused(text: str) -> None:
    with pytest.raises(BadKey):
        NoteKey.read(text)
    with pytest.raises(BadNote):
        KnownKey.read(text)


def event_proof(index: int) -> str:
    return inclusion_text(index, inclusion_proof(LEAVES, index), ENTRIES[index], at(len(LEAVES)))


def growth(first: int) -> str:
    return consistency_text(first, consistency_proof(LEAVES, first), at(len(LEAVES)))


def known(size: int) -> Checkpoint:
    return open_checkpoint(at(size), KNOWN)


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_a_file_that_proves_an_event(index: int) -> None:
    event, of = check_event(event_proof(index), KNOWN)
    assert (event, of.size) == ({"seq": index + 1}, len(LEAVES))


def test_an_event_that_is_not_there_is_not_proved() -> None:
    other = inclusion_text(3, inclusion_proof(LEAVES, 3), b'{"seq":99}', at(len(LEAVES)))
    with pytest.raises(BadProof):
        check_event(other, KNOWN)


@given(st.integers(0, len(event_proof(5)) - 1), st.characters())
def test_any_other_letter_in_a_proof_is_refused(place: int, letter: str) -> None:
    proof = event_proof(5)
    changed = proof[:place] + letter + proof[place + 1 :]
    if changed == proof:
        return
    with pytest.raises((BadNote, BadProof)):
        check_event(changed, KNOWN)


@pytest.mark.parametrize("first", range(len(LEAVES) + 1))
def test_a_witness_follows_the_log(first: int) -> None:
    assert check_growth(growth(first), KNOWN, known(first)).size == len(LEAVES)
    if first:
        with pytest.raises(BadNote, match="begins at"):
            check_growth(growth(first), KNOWN, known(first - 1))
        with pytest.raises(BadNote, match="begins at"):
            check_growth(growth(first), KNOWN, None)


def test_a_witness_begins_with_a_checkpoint_alone() -> None:
    assert check_growth(at(4), KNOWN, None) == known(4)
    assert check_growth(at(4), KNOWN, known(4)) == known(4)
    for size in (3, 5):
        with pytest.raises(BadProof):
            check_growth(at(4), KNOWN, known(size))


def test_to_begin_with_there_is_nothing_to_prove() -> None:
    assert check_growth(f"old 0\n\n{at(4)}", KNOWN, None) == known(4)
    root = at(4).split("\n")[2]
    for nothing in (None, known(0)):
        with pytest.raises(BadProof):
            check_growth(f"old 0\n{root}\n\n{at(4)}", KNOWN, nothing)


def test_a_witness_refuses_another_history() -> None:
    elsewhere = Checkpoint(KEY.name, 4, frontier_of(LEAVES[1:5]).root())
    for said in (growth(4), at(4)):
        with pytest.raises(BadProof):
            check_growth(said, KNOWN, elsewhere)


@given(st.integers(0, len(growth(5)) - 1), st.characters())
def test_any_other_letter_in_what_a_witness_is_sent_is_refused(place: int, letter: str) -> None:
    said = growth(5)
    changed = said[:place] + letter + said[place + 1 :]
    if changed == said:
        return
    with pytest.raises((BadNote, BadProof)):
        check_growth(changed, KNOWN, known(5))


@given(st.text())
def test_any_text_is_a_proof_or_refused(text: str) -> None:
    for check in (lambda: check_event(text, KNOWN), lambda: check_growth(text, KNOWN, None)):
        with pytest.raises((BadNote, BadProof)):
            check()
