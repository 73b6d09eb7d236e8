"""XML documents out of a byte stream, and their elements: no declared types or entities, nothing without bound.

Some instruments send one document after the other, some wrap each in MLLP (0B … 1C 0D). Both are taken, also mixed.
"""

import enum
import re
import xml.parsers.expat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from carebag_devices.errors import Malformed

MLLP_START, MLLP_END = b"\x0b", b"\x1c\r"
MAX_DOCUMENT = 262_144
MAX_MARKUP = 16_384
"""Bytes of one tag, comment or instruction."""
MAX_DEPTH = 16
MAX_ELEMENTS = 20_000

_TAG = re.compile(rb"<[^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*>")
_COMMENT, _CDATA = b"<!--", b"<![CDATA["
_KEPT = {"\r": "&#13;"}
"""A reader turns a bare CR into LF."""
_ENDS = {_COMMENT: b"-->", _CDATA: b"]]>", b"<?": b"?>"}


@dataclass(frozen=True)
class Element:
    """One element; `text` is what stands directly in it, without space around."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: "tuple[Element, ...]" = ()
    text: str = ""

    @property
    def v(self) -> str:
        """Attribute V, in which POCT1-A carries its values."""
        return self.attributes.get("V", "")

    def all(self, tag: str) -> "list[Element]":
        """Children of this name."""
        return [child for child in self.children if child.tag == tag]

    def find(self, tag: str) -> "Element | None":
        """The first child of this name."""
        return next(iter(self.all(tag)), None)

    def value(self, tag: str) -> str:
        """V of a child; empty where there is none."""
        found = self.find(tag)
        return "" if found is None else found.v

    def anywhere(self, tag: str) -> "Iterator[Element]":
        """All of this name at any depth, in order."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.anywhere(tag)

    @classmethod
    def parse(cls, raw: bytes) -> "Element":
        """A whole document. Raises `Malformed`: `not_xml`, `document_type`, `too_deep`, `too_many_elements`."""
        return _Reading().of(raw)

    def __bytes__(self) -> bytes:
        return self._written().encode()

    def _written(self) -> str:
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes.items())
        inside = escape(self.text, _KEPT) + "".join(child._written() for child in self.children)
        return f"<{self.tag}{attributes}>{inside}</{self.tag}>" if inside else f"<{self.tag}{attributes}/>"


class _Open:
    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element] = []
        self.text: list[str] = []

    def closed(self) -> Element:
        return Element(self.tag, self.attributes, tuple(self.children), "".join(self.text).strip())


class _Reading:
    """One run of expat, which resolves nothing but the five built-in entities once a document type is refused."""

    def __init__(self) -> None:
        self._top = _Open("", {})
        self._open = [self._top]
        self._elements = 0

    def of(self, raw: bytes) -> Element:
        parser = xml.parsers.expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = lambda text: self._open[-1].text.append(text)
        if len(raw) > MAX_DOCUMENT:
            raise Malformed("too_long")
        try:
            parser.Parse(raw, True)
        except (xml.parsers.expat.ExpatError, LookupError, ValueError) as error:
            # the last two: encodings that Python does not know, or not with one byte a character
            raise Malformed("not_xml") from error
        return self._top.children[0]

    def _refuse(self, *_: object) -> None:
        raise Malformed("document_type")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise Malformed("too_many_elements")
        if len(self._open) > MAX_DEPTH:
            raise Malformed("too_deep")
        self._open.append(_Open(tag, attributes))

    def _end(self, _tag: str) -> None:
        done = self._open.pop().closed()
        self._open[-1].children.append(done)


class Framing(enum.Enum):
    """How documents are told apart."""

    RAW = "raw"
    MLLP = "mllp"


@dataclass(frozen=True)
class Document:
    """As it came, and how it was wrapped: answer in the same way."""

    raw: bytes
    framing: Framing = Framing.RAW

    def __bytes__(self) -> bytes:
        return MLLP_START + self.raw + MLLP_END if self.framing is Framing.MLLP else self.raw


class Splitter:
    """Bytes of the connection → documents. What stands between them is passed over."""

    def __init__(self) -> None:
        self.broken = ""
        """Why the stream cannot be followed any more; everything after is ignored."""
        self._buffer = b""
        self._at = 0
        self._depth = 0

    def feed(self, data: bytes) -> list[Document]:
        """Any chunking gives the same documents. Never raises."""
        documents: list[Document] = []
        if self.broken:
            return documents
        self._buffer += data
        try:
            while (document := self._next()) is not None:
                documents.append(document)
            if len(self._buffer) > MAX_DOCUMENT:
                raise Malformed("too_long")
        except Malformed as error:
            self.broken, self._buffer = error.reason, b""
        return documents

    def _next(self) -> Document | None:
        if self._at == 0:
            begin = re.search(rb"[<\x0b]", self._buffer)
            self._buffer = self._buffer[begin.start() :] if begin else b""
        if self._buffer[:1] == MLLP_START:
            return self._wrapped()
        while (end := self._markup_end()) > 0:
            is_tag = self._count(self._buffer[self._at : end])
            self._at = end
            if is_tag and self._depth == 0:
                return self._taken(end)
        return None

    def _wrapped(self) -> Document | None:
        end = self._buffer.find(MLLP_END[:1])
        if end < 0:
            return None
        raw, self._buffer = self._buffer[1:end], self._buffer[end + 1 :]
        return Document(raw, Framing.MLLP)

    def _taken(self, end: int) -> Document:
        raw, self._buffer = self._buffer[:end], self._buffer[end:]
        self._at = 0
        return Document(raw)

    def _markup_end(self) -> int:
        """Where the next tag, comment or instruction ends; 0 while it is not all there."""
        start = self._buffer.find(b"<", self._at)
        if start < 0:
            return 0
        for opening, ending in _ENDS.items():
            if self._buffer.startswith(opening, start):
                found = self._buffer.find(ending, start + len(opening))
                return self._within(start, found + len(ending) if found >= 0 else 0)
        if self._buffer.startswith(b"<!", start):
            return self._declaration(self._buffer[start : start + len(_CDATA)])
        if start + 1 == len(self._buffer):
            return 0
        tag = _TAG.match(self._buffer, start)
        return self._within(start, tag.end() if tag else 0)

    def _within(self, start: int, end: int) -> int:
        if (end or len(self._buffer)) - start > MAX_MARKUP:
            raise Malformed("markup_too_long")
        return end

    def _declaration(self, begun: bytes) -> int:
        if _COMMENT.startswith(begun) or _CDATA.startswith(begun):
            return 0
        raise Malformed("document_type")

    def _count(self, markup: bytes) -> bool:
        """Depth after this piece, and whether it was a tag; text before it does not matter."""
        tag = markup[markup.index(b"<") :]
        if tag[1:2] in (b"!", b"?"):
            return False
        if tag[1:2] == b"/":
            self._depth -= 1
        elif tag[-2:-1] != b"/":
            self._depth += 1
        if not 0 <= self._depth <= MAX_DEPTH:
            raise Malformed("not_a_document" if self._depth < 0 else "too_deep")
        return True
