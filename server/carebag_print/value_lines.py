"""A reading as the cells of its line: every number with its unit, and all that must be read with it. Text only."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from carebag_print.words import Words
from carebag_wire.measured_at import measured_at
from carebag_wire.records import Reading
from carebag_wire.values import DeviceIdentity, Quality, Quantity
from carebag_wire.visit import Decided, ReadingView


@dataclass(frozen=True, kw_only=True)
class ValueLine:
    time: str
    main: str
    """Number and unit, or that there is no value and why."""
    beside: tuple[str, ...]
    """The reading's other numbers, each with name and unit."""
    how: tuple[str, ...]
    instrument: str
    decision: tuple[str, ...]
    struck: bool
    """A number that does not hold: rejected, withdrawn or taken out of the visit."""
    kept: bool


def value_line(view: ReadingView, words: Words, day: datetime, photos: Mapping[uuid.UUID, int]) -> ValueLine:
    """Args:
    day: the visit's; times of other days bear their date.
    photos: number on the paper of each photo.
    """
    reading = view.reading
    main, beside = _numbers(reading, words)
    at = measured_at(reading)
    return ValueLine(
        time=words.clock(at, day) if at else words("value_time_unknown"),
        main=main,
        beside=tuple(beside),
        how=tuple(text for text in _how(view, words, day, photos) if text),
        instrument=instrument(reading.device, words),
        decision=tuple(decision(view, words, day, _ending(view))),
        struck=view.decision == "rejected" and bool(reading.quantities),
        kept=view.decision == "kept",
    )


def _numbers(reading: Reading, words: Words) -> tuple[str, list[str]]:
    if reading.problem is None and (chosen := _chosen(reading, words)):
        return chosen[0], [*_named(reading.quantities, words), *chosen[1:]]
    if reading.problem is not None or not reading.quantities:
        return words("no_value", why=words.remark(reading.problem or "no_number")), _named(reading.quantities, words)
    by_name = {quantity.name: quantity for quantity in reading.quantities}
    upper, lower = by_name.get("systolic"), by_name.get("diastolic")
    if upper and lower and upper.unit == lower.unit:
        main = f"{_number(upper, words)}/{_number(lower, words)} {words.unit(upper.unit)}"
        rest = [quantity for quantity in reading.quantities if quantity not in (upper, lower)]
    else:
        first, *rest = reading.quantities
        main = f"{_number(first, words)} {unit_of(first, words)}"
        main = f"{words.named('quantity', first.name)} {main}" if first.name in ("systolic", "diastolic") else main
    return main, _named(sorted(rest, key=lambda quantity: quantity.name != "pulse"), words)


def _chosen(reading: Reading, words: Words) -> list[str]:
    """What a nurse chose, and by what oxygen came; empty for what is a number alone."""
    seen = reading.seen
    if seen is not None and seen.consciousness is not None:
        return [words.named("consciousness", seen.consciousness)]
    if seen is None or seen.breathes is None:
        return []
    device = [words.named("oxygen_device", seen.oxygen_device)] if seen.oxygen_device else []
    return [words.named("breathes", seen.breathes), *device]


def _named(quantities: list[Quantity], words: Words) -> list[str]:
    return [f"{words.named('quantity', q.name)} {_number(q, words)} {unit_of(q, words)}" for q in quantities]


def unit_of(quantity: Quantity, words: Words) -> str:
    """The word for `/min` is about a pulse: breaths are not beats."""
    return quantity.unit if quantity.name == "respiration" else words.unit(quantity.unit)


def _number(quantity: Quantity, words: Words) -> str:
    return f"{quantity.comparator or ''}{words.number(quantity.value)}"


def _how(view: ReadingView, words: Words, day: datetime, photos: Mapping[uuid.UUID, int]) -> Iterator[str]:
    reading = view.reading
    yield words.circumstances(reading.circumstances)
    if reading.problem is None:
        yield from quality_words(reading.quality, words, reading.flags)
    else:
        yield from (words.remark(code) for code in dict.fromkeys(reading.flags) if code != reading.problem)
    if reading.provenance == "manual":
        shown = photos.get(reading.display_photo) if reading.display_photo else None
        yield words("typed_pictured", n=shown) if shown else words("typed")
    if reading.provenance == "observed":
        yield words("value.observed")
        if reading.seen and reading.seen.counted_s and reading.seen.breaths is not None:
            yield words("value.observed.counted", n=reading.seen.breaths, s=reading.seen.counted_s)
    if reading.provenance == "stored":
        yield words("from_memory")
        yield _clock(reading, words)
    if view.filed_by and view.filed_at:
        yield words("filed", name=view.filed_by, time=words.clock(view.filed_at, day))


def _clock(reading: Reading, words: Words) -> str:
    """What the instrument's own clock said, where that is not what stands as the time."""
    shown = (reading.times.device or "").replace("T", " ")
    if measured_at(reading) is not None:
        return words("clock_corrected", time=shown)
    return words("clock_unknown", time=shown) if shown else words("no_time")


def quality_words(quality: Quality, words: Words, flags: list[str] | None = None) -> Iterator[str]:
    """The word, then each remark once."""
    yield words.named("quality", quality.word)
    yield from (words.remark(code) for code in dict.fromkeys([*(flags or []), *quality.reasons]))


def instrument(device: DeviceIdentity, words: Words) -> str:
    """Maker, model and serial number, as far as they are known."""
    name = " ".join(filter(None, (device.maker, device.model))) or words.named("device", device.kind)
    serial = words("serial", n=device.serial) if device.serial else ""
    parts = (name, serial, words("simulated").upper() if device.simulated else "")
    return ", ".join(filter(None, parts))


def _ending(view: ReadingView) -> str:
    if view.taken_back:
        return "taken_back" if view.filed_at else "withdrawn"
    return view.decision


def decision(decided: Decided, words: Words, day: datetime, ending: str | None = None) -> Iterator[str]:
    """What a person decided, who and when, and why."""
    ending = ending or decided.decision
    if decided.move:
        yield words(f"move_{decided.move}")
    if ending == "draft" or decided.decided_at is None:
        yield words("draft") if ending == "draft" else words(ending, name=decided.decided_by, time="")
    else:
        yield words(ending, name=decided.decided_by, time=words.clock(decided.decided_at, day))
    if decided.reason:
        yield words("why", text=decided.reason)
