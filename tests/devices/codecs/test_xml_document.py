"""Documents out of a stream: found in any pieces, refused where they could do harm."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import xml_document
from carebag_devices.codecs.xml_document import Document, Element, Framing, Splitter
from carebag_devices.errors import Malformed

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9._]{0,6}", fullmatch=True)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs")), max_size=8)
ELEMENTS = st.recursive(
    st.builds(Element, NAMES, st.dictionaries(NAMES, TEXT, max_size=3), text=TEXT.map(str.strip)),
    lambda inner: st.builds(
        Element, NAMES, st.dictionaries(NAMES, TEXT, max_size=3), st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


@given(ELEMENTS)
def test_elements_round_trip(element: Element) -> None:
    assert Element.parse(bytes(element)) == element


@given(st.lists(st.tuples(ELEMENTS, st.sampled_from(Framing)), max_size=4), st.lists(st.integers(0, 400)))
def test_documents_are_found_in_any_pieces(documents: list[tuple[Element, Framing]], cuts: list[int]) -> None:
    sent = [Document(bytes(element), framing) for element, framing in documents]
    stream = b"\n\x1b".join([b"", *map(bytes, sent)]) + b" "
    edges = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    splitter = Splitter()
    assert [one for a, b in itertools.pairwise(edges) for one in splitter.feed(stream[a:b])] == sent


@given(st.binary(max_size=80), st.lists(st.integers(0, 100)), st.booleans())
def test_any_bytes_are_split_the_same_in_any_pieces(raw: bytes, cuts: list[int], opened: bool) -> None:
    stream = b"<a>" + raw + b"</a>" if opened else raw
    edges = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    whole, pieces = Splitter(), Splitter()
    expected = whole.feed(stream)
    assert [one for a, b in itertools.pairwise(edges) for one in pieces.feed(stream[a:b])] == expected
    assert pieces.broken == whole.broken


@given(st.text(st.sampled_from("<>/ab\"'= !-[]?&;\x0b\x1c"), max_size=40))
def test_any_markup_is_an_element_or_refused(text: str) -> None:
    for document in Splitter().feed(text.encode()):
        try:
            Element.parse(document.raw)
        except Malformed as error:
            if not error.reason:
                raise


@given(st.binary(max_size=60), st.sampled_from([b"", b'<?xml version="1.0" encoding="']))
def test_any_bytes_are_an_element_or_refused(raw: bytes, start: bytes) -> None:
    try:
        Element.parse(start + raw)
    except Malformed as error:
        if not error.reason:
            raise


@pytest.mark.parametrize(
    "raw",
    [
        b'<?xml version="1.0"?><!-- x > <y> --><a V="<" W=\'"\'/>'.replace(b'"<"', b'"&lt;"'),
        b"<a><![CDATA[</a>]]></a>",
        b"<a V='>'/>",
        b"<a><a></a></a>",
        b"<a><?do </a>?></a>",
    ],
)
def test_what_looks_like_an_end_and_is_none(raw: bytes) -> None:
    documents = Splitter().feed(raw + raw)
    assert [document.raw for document in documents] == [raw, raw]
    Element.parse(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_xml"),
        (b"<a>", "not_xml"),
        (b"<a></b>", "not_xml"),
        (b"<a/><b/>", "not_xml"),
        (b"<a>&b;</a>", "not_xml"),
        (b"<a b='1' b='2'/>", "not_xml"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "not_xml"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "not_xml"),
        (b"<!DOCTYPE a><a/>", "document_type"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document_type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document_type"),
        (b"<a>" * 17 + b"</a>" * 17, "too_deep"),
        (b"<a>" + b"<b/>" * xml_document.MAX_ELEMENTS + b"</a>", "too_many_elements"),
        (b"<a>" + b" " * xml_document.MAX_DOCUMENT + b"</a>", "too_long"),
    ],
)
def test_bad_documents_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Element.parse(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<!DOCTYPE a><a/>", "document_type"),
        (b"</a>", "not_a_document"),
        (b"<a>" * 17, "too_deep"),
        (b"<a b='" + b"x" * xml_document.MAX_MARKUP, "markup_too_long"),
        (b"<!--" + b"x" * xml_document.MAX_MARKUP, "markup_too_long"),
        (b"<a>" + b"x" * xml_document.MAX_DOCUMENT, "too_long"),
        (b"\x0b" + b"x" * xml_document.MAX_DOCUMENT, "too_long"),
    ],
)
def test_a_stream_that_cannot_be_followed_is_given_up(raw: bytes, reason: str) -> None:
    splitter = Splitter()
    assert splitter.feed(b"<whole/>" + raw) == [Document(b"<whole/>")]
    assert splitter.broken == reason
    assert splitter.feed(b"<a/>") == []


def test_noise_between_documents_takes_no_room() -> None:
    splitter = Splitter()
    for _ in range(100):
        assert splitter.feed(b"x" * 10_000) == []
    assert splitter.feed(b"<a/>") == [Document(b"<a/>")]


def test_a_carriage_return_survives() -> None:
    element = Element("a", {"V": "1\r2\n3\t4"}, text="5\r6\n7\t8")
    assert Element.parse(bytes(element)) == element


def test_looking_around() -> None:
    root = Element.parse(b"<a><b V='1'/><c><b V='2'/></c><b V='3'/></a>")
    assert root.value("b") == "1"
    assert root.value("x") == ""
    assert [one.v for one in root.all("b")] == ["1", "3"]
    assert [one.v for one in root.anywhere("b")] == ["1", "2", "3"]
