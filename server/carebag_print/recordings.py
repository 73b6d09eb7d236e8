"""Sounds as lines with a curve, photos as small pictures."""

from collections.abc import Iterator
from datetime import datetime

from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer, Table, TableStyle

from carebag_print.sheet import LINE_WIDTH, Flow, curve_drawing, heading, picture, text
from carebag_print.small_photos import small_photo
from carebag_print.sound_curve import curve_of
from carebag_print.value_lines import decision, instrument, quality_words
from carebag_print.visit_print import VisitPrint
from carebag_print.words import Words
from carebag_wire.visit import ListeningMark, PhotoView, SoundView

MOST_PHOTOS = 60
"""On paper; how many more there are is said."""
_ABREAST = 3
_PHOTO_WIDTH, _PHOTO_HEIGHT = LINE_WIDTH / _ABREAST - 8, 48 * mm
_NAMED_TO_PER_MIN = 120
"""Above it nobody can tell surely which heart sound is which."""


def sound_parts(made: VisitPrint, words: Words, day: datetime) -> Iterator[Flow]:
    snapshot = made.export.snapshot
    if snapshot.sounds:
        yield from heading(words("sounds"), 70)
    for view in snapshot.sounds:
        marks = [mark for mark in snapshot.marks if mark.stream == view.sound.stream]
        yield KeepTogether(list(_sound(made, view, marks, words, day)))


def _sound(
    made: VisitPrint, view: SoundView, marks: list[ListeningMark], words: Words, day: datetime
) -> Iterator[Flow]:
    sound = view.sound
    length = words("length", n=words.seconds(sound.samples / sound.rate_hz))
    name = words.circumstances(sound.circumstances) or words.named("kind", "sound")
    title = f"{words.clock(sound.times.kit_utc, day)}  {name}, {length}"
    yield text(title, "value", struck=view.decision == "rejected")
    yield text(f"{'. '.join(quality_words(sound.quality, words))}. {_rate(view, words)}. {_gaps(view, words)}", "cell")
    yield text(f"{words(f'heard_{view.heard}')}. {words('rate', n=sound.rate_hz)}. {_file(sound.media_sha256)}", "cell")
    yield text(instrument(sound.device, words), "cell")
    yield text(". ".join(decision(view, words, day)), "cell", bold=view.decision != "kept")
    yield from (text(_mark(mark, words), "cell") for mark in marks)
    file = made.export.media.get(sound.media_sha256)
    curve = curve_of(sound, file) if file else None
    if curve is None:
        yield text(words("sound_away"), "small")
    else:
        rate = sound.heart_rate_per_min
        yield Spacer(0, 3)
        yield curve_drawing(curve, names=rate is not None and rate <= _NAMED_TO_PER_MIN)
        shown = [words.seconds(sample / sound.rate_hz) for sample in (curve.first, curve.last, sound.samples)]
        told = words("curve", start=shown[0], end=shown[1], n=shown[2])
        yield text(f"{told} {words('curve_marks')}" if curve.marks else told, "small")
    yield Spacer(0, 8)


def _rate(view: SoundView, words: Words) -> str:
    rate = view.sound.heart_rate_per_min
    return words("no_heart_rate") if rate is None else words("heart_rate", n=rate, unit=words.unit("/min"))


def _gaps(view: SoundView, words: Words) -> str:
    missing = sum(gap.samples for gap in view.sound.gaps) / view.sound.rate_hz
    gaps = words("gaps", n=len(view.sound.gaps), s=words.seconds(max(missing, 0.1)))
    return gaps if view.sound.gaps else words("no_gaps")


def _mark(mark: ListeningMark, words: Words) -> str:
    what = ": ".join(filter(None, (words.named("mark.kind", mark.kind), mark.text)))
    told = words("mark", n=words.seconds(mark.sample / mark.rate_hz), what=what, name=mark.author)
    return f"{told} ({words('mark_back')})" if mark.taken_back_at else told


def _file(sha256: str) -> str:
    return f"SHA-256 {sha256[:16]}"


def photo_parts(made: VisitPrint, words: Words, day: datetime) -> Iterator[Flow]:
    photos = made.export.snapshot.photos
    if not photos:
        return
    yield from heading(words("photos"), 85)
    shown = photos[:MOST_PHOTOS]
    for start in range(0, len(shown), _ABREAST):
        row = [_photo(made, view, start + n, words, day) for n, view in enumerate(shown[start : start + _ABREAST], 1)]
        cells = [[*row, *[""] * (_ABREAST - len(row))]]
        style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
        yield Table(cells, colWidths=[LINE_WIDTH / _ABREAST] * _ABREAST, style=TableStyle(style))
    if len(photos) > MOST_PHOTOS:
        yield text(words("photos_more", n=len(photos) - MOST_PHOTOS))


def _photo(made: VisitPrint, view: PhotoView, number: int, words: Words, day: datetime) -> list[Flow]:
    photo = view.photo
    file = made.export.media.get(photo.media_sha256)
    small = small_photo(file) if file else None
    missing = words("photo_damaged" if file else "photo_away")
    seen = picture(small, _PHOTO_WIDTH, _PHOTO_HEIGHT) if small else text(missing, "cell", bold=True)
    told = [
        f"{words('photo', n=number)}, {words.clock(photo.times.kit_utc, day)}",
        words("of_display") if photo.of == "display" else "",
        photo.caption,
        words("camera", name=photo.camera) if photo.camera else "",
        *decision(view, words, day),
        _file(photo.media_sha256),
    ]
    return [seen, Spacer(0, 2), *(text(one, "cell", struck=False) for one in told if one)]
