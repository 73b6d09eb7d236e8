"""NEWS2 on paper: total, risk, every part with the value and time that it came from, and what kind of number it is."""

from collections.abc import Iterator
from datetime import datetime

from carebag_print.sheet import Flow, heading, lines_table, text
from carebag_print.value_lines import unit_of
from carebag_print.words import Words
from carebag_wire.scores import EarlyWarning, ScorePart
from carebag_wire.visit import VisitSnapshot

_WIDTHS = (44, 62, 42, 26)


def score_parts(snapshot: VisitSnapshot, words: Words, day: datetime, split_rows: bool) -> Iterator[Flow]:
    """Nothing where nobody set out to have the score."""
    score = snapshot.news2
    if score is None or not score.is_set_out:
        return
    yield from heading(words("news2.title"))
    yield text(_headline(score, words, day), bold=True)
    for line in (*_lacking(score, words), *_beside(score, snapshot, words, day)):
        yield text(line)
    title = text(words("news2.title"), "head")
    head: list[Flow] = [text(words("news2.parts"), "head"), "", text(words("time"), "head"), title]
    rows: list[list[Flow]] = [_row(part, words, day) for part in score.parts]
    yield lines_table(head, rows, _WIDTHS, split_rows)
    yield text(words("news2.what"), "small")


def _headline(score: EarlyWarning, words: Words, day: datetime) -> str:
    if score.total is None or score.risk is None:
        return words("news2.refused" if score.state == "refused" else "news2.incomplete")
    at = words("news2.as_of", time=words.clock(score.as_of, day)) if score.as_of else ""
    risk = words.named("news2.risk", score.risk)
    return ", ".join(filter(None, (f"{score.total} {words('news2.of')}", risk, at)))


def _lacking(score: EarlyWarning, words: Words) -> Iterator[str]:
    for why in score.refusals:
        yield words(f"news2.refused.{why}")
    for one in score.asks:
        yield words(f"news2.asks.{one}")
    if score.state == "refused":
        return
    for lack in ("missing", "stale", "impossible"):
        names = [_name(part, words) for part in score.parts if part.lack == lack]
        if names:
            yield words(f"news2.lack.{lack}", what=", ".join(names))


def _beside(score: EarlyWarning, snapshot: VisitSnapshot, words: Words, day: datetime) -> Iterator[str]:
    threes = [_name(part, words) for part in score.parts if part.points == 3]
    if threes:
        yield words("news2.three", what=", ".join(threes))
    if score.preliminary:
        yield words("news2.preliminary")
    if score.scale == 2:
        said = next((one for one in reversed(snapshot.premises) if one.says == "hypercapnic"), None)
        by = words("news2.scale.by", name=said.author, time=words.clock(said.at, day)) if said else ""
        yield ". ".join(filter(None, (words("news2.scale.2"), by)))


def _row(part: ScorePart, words: Words, day: datetime) -> list[Flow]:
    told = [_value(part, words), *(words.remark(code) for code in part.doubts)]
    if part.draft:
        told.append(words("news2.draft"))
    at = words.clock(part.measured_at, day) if part.measured_at else ""
    points = words("news2.points", n=part.points) if part.points is not None else ""
    return [
        text(_name(part, words), "cell"),
        [text(one, "cell") for one in told if one] or "",
        text(at, "cell"),
        text(points or (words(f"news2.part.{part.lack}") if part.lack else ""), "cell", bold=part.points == 3),
    ]


def _value(part: ScorePart, words: Words) -> str:
    number = part.quantity
    shown = f"{words.number(number.value)} {unit_of(number, words)}" if number else ""
    if part.consciousness:
        return words.named("consciousness", part.consciousness)
    if part.breathes:
        return ", ".join(filter(None, (words.named("breathes", part.breathes), shown)))
    return shown


def _name(part: ScorePart, words: Words) -> str:
    return words.named("news2.part", part.parameter)
