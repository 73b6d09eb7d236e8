"""The parts of the paper in their order: who and when, what was decided, what was measured, heard and seen."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from reportlab.platypus import KeepTogether, Spacer

from carebag_fhir.parties import was_let_in
from carebag_print.recordings import photo_parts, sound_parts
from carebag_print.score import score_parts
from carebag_print.sheet import Flow, heading, labelled, lines_table, pairs, small_heading, text
from carebag_print.value_lines import ValueLine, value_line
from carebag_print.visit_print import VisitPrint
from carebag_print.words import Words, person_number
from carebag_wire.identity.systems import code_of
from carebag_wire.measured_at import measured_at
from carebag_wire.values import ReadingKind
from carebag_wire.visit import KnownAs, Note, Patient, Person, ReadingView, Request

KINDS: tuple[ReadingKind, ...] = (
    "blood_pressure",
    "oximetry",
    "respiration",
    "oxygen",
    "consciousness",
    "temperature",
    "weight",
    "glucose",
    "crp",
)
"""In the order in which the console shows them."""
_WIDTHS = (19, 36, 51, 32, 36)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def the_parts(made: VisitPrint, words: Words, split_rows: bool) -> list[Flow]:
    snapshot = made.export.snapshot
    day = snapshot.visit.opened_at or snapshot.visit.scheduled_at
    numbers = {view.photo.id: n for n, view in enumerate(snapshot.photos, 1)}
    return [
        text(words("title"), "title"),
        *_notices(made, words),
        *_who_and_when(made, words),
        *heading(words("notes")),
        *_notes(made, words),
        *heading(words("values")),
        *_values(snapshot.readings, words, day, numbers, split_rows),
        *score_parts(snapshot, words, day, split_rows),
        *sound_parts(made, words, day),
        *photo_parts(made, words, day),
        *_requests(snapshot.requests, words, day, split_rows),
        *_about(made, words),
    ]


def _notices(made: VisitPrint, words: Words) -> Iterator[Flow]:
    snapshot = made.export.snapshot
    if snapshot.visit.state != "closed":
        yield text(words("still_open", time=words.clock(made.printed_at)), "notice")
    devices = [view.reading.device for view in snapshot.readings] + [view.sound.device for view in snapshot.sounds]
    if any(device.simulated for device in devices):
        yield text(words("has_simulated"), "notice")


def _who_and_when(made: VisitPrint, words: Words) -> Iterator[Flow]:
    snapshot = made.export.snapshot
    visit, patient = snapshot.visit, snapshot.visit.patient
    doctors = [person for person in made.export.people if person.role == "doctor"]
    yield pairs(
        [
            [
                labelled(words("patient"), patient.name, "kind"),
                labelled(words.named("id_system", code_of(patient.personal_id_system)), _number(patient), "kind"),
                labelled(words("born"), patient.birth_date),
                *_turned_out(patient.turned_out, words),
            ],
            [
                labelled(words("visit"), _when(made, words)),
                labelled(words("planned"), words.clock(visit.scheduled_at)),
                labelled(words("address"), patient.place),
            ],
            [
                labelled(words("nurse"), _person(visit.nurse) if visit.nurse else words("nobody")),
                labelled(words("doctors"), "; ".join(map(_person, doctors)) or words("nobody")),
                labelled(words("own_doctor"), patient.own_doctor or words("nobody")),
            ],
            [
                labelled(words("provider"), made.export.provider.name),
                labelled(words("kit"), visit.kit_name),
                labelled(words("guests"), _guests(made, words)),
            ],
        ]
    )
    yield Spacer(0, 6)
    yield from small_heading(words("reason"))
    yield text(visit.reason or words("nothing_written"), bold=True)
    if visit.background:
        yield from small_heading(words("background"))
        yield text(visit.background)
    if made.export.snapshot.questions:
        yield from small_heading(words("questions"))
    for question in made.export.snapshot.questions:
        yield text(f"{words.clock(question.asked_at, visit.opened_at)} {question.asked_by}: {question.text}")


def _turned_out(found: KnownAs | None, words: Words) -> list[Flow]:
    return [labelled(words("band.turned_out"), f"{found.name} {_number(found)}")] if found else []


def _number(patient: Patient | KnownAs) -> str:
    return person_number(patient.personal_id_system, patient.personal_id)


def _when(made: VisitPrint, words: Words) -> str:
    visit = made.export.snapshot.visit
    if visit.opened_at is None:
        return words("not_opened")
    start = words.clock(visit.opened_at)
    if visit.closed_at is None:
        return words("ongoing", start=start)
    return words("times", start=start, end=words.clock(visit.closed_at, visit.opened_at))


def _person(person: Person) -> str:
    return ", ".join(filter(None, (person.name, person.title, person.unit)))


def _guests(made: VisitPrint, words: Words) -> str:
    guests = [guest for guest in made.export.snapshot.guests if was_let_in(guest)]
    told = [f"{guest.said_name or guest.name} ({words.named('guest.role', guest.role)})" for guest in guests]
    return ", ".join(told) or "–"


def _notes(made: VisitPrint, words: Words) -> Iterator[Flow]:
    """The versions that hold first, then those that they replaced. Only what is signed: a draft is its author's own."""
    signed = [note for note in made.export.snapshot.notes if note.state == "signed" and note.signed_at is not None]
    signed.sort(key=lambda note: (note.signed_at or note.changed_at, note.version), reverse=True)
    if not signed:
        yield text(words("no_note"), bold=True)
        return
    authors: set[uuid.UUID] = set()
    replaced: list[Note] = []
    for note in signed:
        author = made.export.note_authors.get(note.id)
        if author is not None and author in authors:
            replaced.append(note)
            continue
        authors |= {author} if author else set()
        yield from _note(note, words, "text")
    for note in replaced:
        yield from small_heading(words("replaced"), bold=True)
        yield from _note(note, words, "cell")


def _note(note: Note, words: Words, style: str) -> Iterator[Flow]:
    for part, written in (("assessment", note.assessment), ("plan", note.plan)):
        yield from small_heading(words(part))
        yield text(written if written.strip() else words("nothing_written"), style)
    signed = words("signed", name=note.author, time=words.clock(note.signed_at or note.changed_at), n=note.version)
    yield text(f"{signed} SHA-256 {(note.sha256 or '')[:16]}", "small")
    yield Spacer(0, 4)


def _values(
    readings: Sequence[ReadingView], words: Words, day: datetime, photos: Mapping[uuid.UUID, int], split_rows: bool
) -> Iterator[Flow]:
    if not readings:
        yield text(words("no_values"))
    columns = [text(words(name), "head") for name in ("how", "instrument", "decision")]
    for kind in KINDS:
        views = sorted((view for view in readings if view.reading.kind == kind), key=_measured)
        if views:
            rows = [_row(value_line(view, words, day, photos)) for view in views]
            head = [text(words.named("kind", kind), "kind"), "", *columns]
            yield lines_table(head, rows, _WIDTHS, split_rows)
            yield Spacer(0, 5)


def _measured(view: ReadingView) -> tuple[datetime, datetime]:
    return measured_at(view.reading) or _EARLIEST, view.reading.times.kit_utc


def _row(line: ValueLine) -> list[Flow]:
    return [
        [text(line.time, "cell")],
        [text(line.main, "value", struck=line.struck), *(text(one, "cell", struck=line.struck) for one in line.beside)],
        [text(one, "cell") for one in line.how] or "",
        [text(line.instrument, "cell")],
        [text(one, "cell", bold=n == 0 and not line.kept) for n, one in enumerate(line.decision)],
    ]


def _requests(requests: Sequence[Request], words: Words, day: datetime, split_rows: bool) -> Iterator[Flow]:
    if not requests:
        return
    yield from heading(words("requests"))
    rows = [
        [
            text(words.clock(one.asked_at, day), "cell"),
            [text(_wanted(one, words), "cell"), *([text(one.note, "cell")] if one.note else [])],
            [
                text(f"{words.named('request', one.state)} {words.clock(one.changed_at, day)}", "cell"),
                *([text(words("why", text=one.reason), "cell")] if one.reason else []),
            ],
            text(one.asked_by, "cell"),
        ]
        for one in requests
    ]
    head = [text(words(name), "head") for name in ("time", "asked", "became", "doctors")]
    yield lines_table(head, rows, (19, 62, 57, 36), split_rows)


def _wanted(request: Request, words: Words) -> str:
    how = words.circumstances(request.circumstances)
    again = words("again") if request.again_of else ""
    return ", ".join(filter(None, (words.named("kind", request.kind), how, again)))


def _about(made: VisitPrint, words: Words) -> Iterator[Flow]:
    snapshot = made.export.snapshot
    counts = {"values": len(snapshot.readings), "sounds": len(snapshot.sounds), "photos": len(snapshot.photos)}
    told = [
        words("support"),
        words("count", **counts),
        words("drafts"),
        words("zone", zone=made.zone),
        words("visit_id", id=snapshot.visit.id),
    ]
    yield KeepTogether([text(words("about"), "heading"), *(text(one, "small") for one in told)])
