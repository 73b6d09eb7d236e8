"""Unique device identification: what an instrument or its label says, and the GS1 element strings on labels.

Sources: Regulation (EU) 2017/745, annex VI part C (UDI-DI, UDI-PI, AIDC and HRI); GS1 General Specifications, sections
3 (application identifiers), 7.8.5 (element strings of predefined length), 7.12 (the century of a date); GATT
Specification Supplement, UDI for Medical Devices (label, device identifier, issuer, authority).
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import StringConstraints

from carebag_wire.base import PLAIN, Wire

UdiText = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN, strip_whitespace=True)]
ObjectIdentifier = Annotated[str, StringConstraints(max_length=100, pattern=r"^([0-2](\.[0-9]+)+)?$")]
UdiEntry = Literal["self_reported", "barcode", "manual", "catalog"]
"""Who said it: the instrument over its link, the nurse's camera on the label, the nurse's hands, the kit's catalog."""
GS1 = "2.51.1.1"
"""GS1 as an issuing entity (object identifier of its device identifiers)."""

FNC1 = "\x1d"
"""Between two elements of which the first has no predefined length, as scanners send it."""
_SYMBOLOGY = re.compile(r"^\](?:d2|C1|e0|Q3|J1)")
_BRACKETS = re.compile(r"\([0-9]{2,4}\)")
_PRINTED = re.compile(rf"({_BRACKETS.pattern})((?:(?!{_BRACKETS.pattern}).)*)", re.DOTALL)
"""A bracket may stand in a value too, so long as it does not look like the next identifier."""
_FIXED = {"00": 18, "01": 14, "02": 14, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6, "20": 2}
"""Identifiers of two digits with a value of predefined length, for the two-digit identifiers in use."""
_VALUE = re.compile(r"[\x21-\x7e]{1,20}")
"""Batch and serial number: GS1's character set 82 and at most twenty of them; what of ASCII is beside it is let be."""
MAX_TEXT = 200


class NotGs1(ValueError):
    """No element string, or one that contradicts itself."""


class Udi(Wire):
    """Which device it is, by the number on its label. The production identifiers are in `carrier`."""

    device: UdiText = ""
    """Device identifier (UDI-DI): of GS1 a GTIN of 14 digits."""
    carrier: UdiText = ""
    """The whole as people read it, such as `(01)…(17)…(10)…(21)…`; empty if nobody said it."""
    issuer: ObjectIdentifier = ""
    """Who gives out the device identifier."""
    authority: ObjectIdentifier = ""
    """Under whose rules, where the instrument says it."""
    entry: UdiEntry


@dataclass(frozen=True)
class Elements:
    """What a label says in GS1's words; empty where it does not."""

    gtin: str = ""
    lot: str = ""
    serial: str = ""
    made: str = ""
    """YYMMDD, day 00 for the whole month."""
    expires: str = ""
    """As `made`."""

    @property
    def printed(self) -> str:
        """With identifiers in brackets, in the order in which GS1 prints them: the device first."""
        parts = (("01", self.gtin), ("11", self.made), ("17", self.expires), ("10", self.lot), ("21", self.serial))
        return "".join(f"({identifier}){value}" for identifier, value in parts if value)


def elements_of(text: str) -> Elements:
    """Take apart `(01)…(17)…`, or the same as a scanner types it.

    Raises:
        NotGs1: with a code: nothing is guessed, and one wrong digit refuses it all.
    """
    text = _SYMBOLOGY.sub("", text.strip())
    if not text or len(text) > MAX_TEXT:
        raise NotGs1("not_gs1")
    found = _printed(text) if text.startswith("(") else _scanned(text)
    made = Elements(
        gtin=found.get("01", ""),
        lot=found.get("10", ""),
        serial=found.get("21", ""),
        made=found.get("11", ""),
        expires=found.get("17", ""),
    )
    if made.gtin and not is_gtin(made.gtin):
        raise NotGs1("gtin_wrong")
    if any(value and not _is_value(value) for value in (made.lot, made.serial)):
        raise NotGs1("not_gs1")
    if any(value and not _is_day(value) for value in (made.made, made.expires)):
        raise NotGs1("date_wrong")
    return made


def is_gtin(text: str) -> bool:
    """Fourteen digits, the last of which checks the others (section 7.9)."""
    if not re.fullmatch(r"[0-9]{14}", text):
        return False
    return sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(text)) % 10 == 0


def day_of(text: str, year: int) -> date | None:
    """A day as GS1 writes it; None for none. Day 00 is the last of its month.

    Args:
        year: of now; the century is the one within fifty years of it.
    """
    if not _is_day(text):
        return None
    short, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    difference = short - year % 100
    full = year - year % 100 + short + (-100 if difference >= 51 else 100 if difference <= -50 else 0)
    last = monthrange(full, month)[1]
    return date(full, month, day or last) if day <= last else None


def udi_on_label(text: str, entry: Literal["barcode", "manual"]) -> Udi:
    """From a label that the nurse scanned or typed.

    Raises:
        NotGs1: it is none, or names no device.
    """
    found = elements_of(text)
    if not found.gtin:
        raise NotGs1("gtin_missing")
    return Udi(device=found.gtin, carrier=found.printed, issuer=GS1, entry=entry)


def udi_told(label: str, device: str, issuer: str, authority: str, entry: UdiEntry) -> Udi | None:
    """From what an instrument says of itself, as far as it can be meant; None if nothing is left.

    Its label may name the device and the issuer that it does not say apart.
    """
    label, device = _short(label), _short(device)
    gtin = _gtin_in(label)
    if not device:
        device, issuer = gtin, issuer or (GS1 if gtin else "")
    if not (label or device):
        return None
    return Udi(
        device=device, carrier=label, issuer=_object_identifier(issuer), authority=_object_identifier(authority),
        entry=entry,
    )  # fmt: skip


def printed_elements(udi: Udi | None) -> Elements:
    """The production identifiers of its carrier, as far as it is one of GS1's."""
    try:
        return elements_of(udi.carrier) if udi is not None else Elements()
    except NotGs1:
        return Elements()


def _gtin_in(label: str) -> str:
    try:
        return elements_of(label).gtin
    except NotGs1:
        return ""


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_TEXT and re.fullmatch(PLAIN, text) else ""


def _object_identifier(text: str) -> str:
    text = text.strip().removeprefix("urn:oid:")
    return text if len(text) <= 100 and re.fullmatch(r"[0-2](\.[0-9]+)+", text) else ""


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{6}", text):
        return False
    month, day = int(text[2:4]), int(text[4:])
    # of the year 2000: a leap day is looked at when the century is known
    return 1 <= month <= 12 and day <= monthrange(2000, month)[1]


def _is_value(text: str) -> bool:
    """Batch or serial number. One with `(21)` in it could not be told from the next element once it is printed."""
    return bool(_VALUE.fullmatch(text)) and not _BRACKETS.search(text)


def _printed(text: str) -> Mapping[str, str]:
    text = text.replace(FNC1, "")
    found = list(_PRINTED.finditer(text))
    if sum(len(one.group()) for one in found) != len(text):
        raise NotGs1("not_gs1")
    return _once([(one.group(1).strip("()"), one.group(2).strip()) for one in found])


def _scanned(text: str) -> Mapping[str, str]:
    found = []
    while text:
        if text.startswith(FNC1):
            text = text[1:]
            continue
        name = text[:2] if text[:2] in _FIXED else _long_name(text)
        size = _FIXED.get(name)
        end = text.find(FNC1) if size is None else len(name) + size
        end = len(text) if end < 0 else end
        value = text[len(name) : end]
        if not value or (size is not None and len(value) != size):
            raise NotGs1("not_gs1")
        found.append((name, value))
        text = text[end:]
    return _once(found)


def _long_name(text: str) -> str:
    """Of varying length: 10, 21, 22, 30, 37 and 90 to 99 have two digits, those with 3 and 8 four, others three."""
    size = 2 if re.match(r"10|21|22|30|37|9[0-9]", text) else 4 if text[0] in "38" else 3
    if not (len(text) >= size and re.fullmatch("[0-9]+", text[:size])):
        raise NotGs1("not_gs1")
    return text[:size]


def _once(found: list[tuple[str, str]]) -> Mapping[str, str]:
    """The same element twice must say the same (section 4.14)."""
    elements: dict[str, str] = {}
    for name, value in found:
        if not value or elements.setdefault(name, value) != value:
            raise NotGs1("not_gs1")
    return elements
