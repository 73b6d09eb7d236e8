"""Sounds and photos as DocumentReferences, by their address on the hub or with the file in the Bundle as a Binary."""

import base64
import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from carebag_fhir.codes import MEANINGS, REQUESTED, category_of
from carebag_fhir.devices import TEST_DATA, device_reference
from carebag_fhir.elements import (
    UCUM,
    Json,
    concept,
    extension,
    extension_group,
    filled,
    instant,
    own_coding,
    part_id,
    plain,
    reference,
    resource,
    url_of,
)
from carebag_fhir.encounters import body_site, circumstances_of, patient_reference, visit_reference
from carebag_fhir.json_text import Base64Text
from carebag_fhir.observations import Surroundings, part_of_visit, remarks, status_of, told_about, verdict
from carebag_fhir.parties import own_identifier
from carebag_fhir.visit_export import StoredFile
from carebag_wire.image_strip import MAX_PHOTO_BYTES, NotAnImage, strip
from carebag_wire.records import PhotoTaken, SoundRecorded
from carebag_wire.visit import PhotoView, SoundView

_DOC_STATUS = {"draft": "preliminary", "kept": "final", "rejected": "entered-in-error"}


@dataclass(frozen=True)
class Files:
    """Files to put into the Bundle, by the digest of the record, and where the others are."""

    inside: Mapping[str, StoredFile]
    hub_url: str


def wav(pcm16: StoredFile, rate_hz: int) -> StoredFile:
    """A body sound as any player opens it: a header of 44 bytes before the very samples, mono, 16 bits little-endian.

    Args:
        rate_hz: samples per second.
    """
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + pcm16.size, b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16),
        *(b"data", pcm16.size),
    )
    return StoredFile(size=len(head) + pcm16.size, pieces=lambda: chain((head,), pcm16.pieces()))


def sound_resources(view: SoundView, around: Surroundings, files: Files) -> Iterator[Json]:
    """The recording, its file if it is to travel along, and the heart rate that the kit counted in it."""
    sound = view.sound
    samples = files.inside.get(sound.media_sha256)
    content = wav(samples, sound.rate_hz) if samples is not None else None
    if content is not None:
        yield _binary(sound, around, content, "audio/wav")
    told = [
        *told_about(view, sound.times, sound.binding, sound.quality),
        *circumstances_of(sound.circumstances),
        *extension_group(
            "sound",
            ("stream", "Decimal", sound.stream),
            ("rateHz", "Decimal", sound.rate_hz),
            ("samples", "Decimal", sound.samples),
            ("heard", "Code", view.heard),
        ),
        *(
            gap
            for one in sound.gaps
            for gap in extension_group(
                "gap", ("first", "Decimal", one.first_sample), ("samples", "Decimal", one.samples)
            )
        ),
        *extension("simulated", "Boolean", True if sound.device.simulated else None),
    ]
    attachment = _attachment(
        sound, around, files, content, "audio/wav" if content is not None else "application/octet-stream"
    )
    device = device_reference(around.visit.kit_id, sound.device)
    kind = concept(own_coding("recording", "body_sound"), text="Body sound")
    yield _document(view, sound, around, kind, attachment, told, device)
    if sound.heart_rate_per_min is not None:
        yield _heart_rate(view, sound.heart_rate_per_min, around)


def photo_resources(view: PhotoView, around: Surroundings, files: Files) -> Iterator[Json]:
    photo = view.photo
    kept = files.inside.get(photo.media_sha256)
    content = only_picture(kept, photo.media_type) if kept is not None else None
    if content is not None:
        yield _binary(photo, around, content, photo.media_type)
    told = [
        *told_about(view, photo.times, photo.binding, None),
        *extension_group(
            "photo",
            ("of", "Code", photo.of),
            ("camera", "String", plain(photo.camera)),
            ("width", "Decimal", photo.width),
            ("height", "Decimal", photo.height),
        ),
        *extension("stripped", "Boolean", True if content is not kept and content is not None else None),
    ]
    kind = concept(*(code.coding for code in REQUESTED["photo"]), own_coding("photo", photo.of), text="Photo")
    attachment = _attachment(photo, around, files, content, photo.media_type)
    yield _document(view, photo, around, kind, attachment, told, {}, photo.caption)


def only_picture(file: StoredFile, media_type: str) -> StoredFile | None:
    """The photo without anything else that is in its file; the file itself, as kits make them, if there is nothing.

    None: no picture of that type can be made of it. In memory while its size is counted and while it is written.
    """

    def made() -> bytes:
        image = strip(b"".join(file.pieces()))
        return image.content if image.media_type == media_type else b""

    if file.size > MAX_PHOTO_BYTES:
        return None
    try:
        content = made()
    except NotAnImage:
        return None
    if content == b"".join(file.pieces()):
        return file
    return StoredFile(size=len(content), pieces=lambda: (made(),)) if content else None


def _document(
    view: SoundView | PhotoView,
    record: SoundRecorded | PhotoTaken,
    around: Surroundings,
    kind: Json,
    attachment: Json,
    told: list[Json],
    device: Json,
    caption: str = "",
) -> Json:
    own_id = part_of_visit(around.visit, record.binding, record.id)
    simulated = isinstance(record, SoundRecorded) and record.device.simulated
    nurse = around.parties.by_id(record.binding.nurse_id)
    at = instant(record.times.kit_utc)
    related = around.based_on(record.binding)
    return resource(
        "DocumentReference",
        own_id,
        meta={"security": [TEST_DATA]} if simulated else {},
        extension=told,
        masterIdentifier=own_identifier("record", own_id),
        status="entered-in-error" if view.decision == "rejected" else "current",
        docStatus=_DOC_STATUS[view.decision],
        type=kind,
        subject=patient_reference(around.visit.patient),
        date=at,
        author=[one for one in (nurse, device) if one],
        description=" ".join(filter(None, (plain(caption), *_said(view)))),
        content=[{"attachment": attachment}],
        context=filled({"encounter": [visit_reference(around.visit)], "related": related}),
    )


def _attachment(
    record: SoundRecorded | PhotoTaken, around: Surroundings, files: Files, content: StoredFile | None, media_type: str
) -> Json:
    """`hash` is SHA-1, as R4 asks; the SHA-256 that the kit signed is an extension, over the samples as recorded."""
    digest = record.media_sha256
    document = part_of_visit(around.visit, record.binding, record.id)
    away = f"{files.hub_url}/api/media/{around.visit.id}/{digest}?as=doctor"
    fields: Json = {
        "extension": extension("sha256", "String", digest),
        "contentType": media_type,
        "url": url_of(part_id(document, "file")) if content is not None else away,
        "size": content.size if content is not None else None,
        "hash": _sha1(content) if content is not None else None,
        "creation": instant(record.times.kit_utc),
    }
    return filled(fields)


def _sha1(content: StoredFile) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for piece in content.pieces():
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode()


def _binary(record: SoundRecorded | PhotoTaken, around: Surroundings, content: StoredFile, media_type: str) -> Json:
    document = part_of_visit(around.visit, record.binding, record.id)
    context = reference("DocumentReference", document)
    own_id = part_id(document, "file")
    return resource("Binary", own_id, contentType=media_type, securityContext=context, data=Base64Text(content.pieces))


def _heart_rate(view: SoundView, per_min: int, around: Surroundings) -> Json:
    """Counted by the kit in the sound, and said to be."""
    sound, meaning = view.sound, MEANINGS["pulse"]
    own_id = part_of_visit(around.visit, sound.binding, sound.id)
    quantity = {"value": per_min, "unit": meaning.unit, "system": UCUM, "code": meaning.unit}
    code = concept(
        *(code.coding for code in meaning.units[meaning.unit]), own_coding("quantity", "heart_rate"), text="Heart rate"
    )
    return resource(
        "Observation",
        part_id(own_id, "heart rate"),
        meta={"security": [TEST_DATA]} if sound.device.simulated else {},
        extension=[
            *extension("simulated", "Boolean", True if sound.device.simulated else None),
            *told_about(view, sound.times, sound.binding, sound.quality),
        ],
        identifier=[own_identifier("sound", own_id)],
        basedOn=around.based_on(sound.binding),
        status=status_of(view),
        category=category_of(meaning.category),
        code=code,
        subject=patient_reference(around.visit.patient),
        encounter=visit_reference(around.visit),
        effectiveDateTime=instant(sound.times.kit_utc),
        issued=instant(view.received_at) if view.received_at else None,
        valueQuantity=quantity,
        bodySite=body_site(sound.circumstances),
        method=concept(own_coding("method", "counted_in_body_sound"), text="Counted by the kit in the body sound"),
        device=device_reference(around.visit.kit_id, sound.device),
        derivedFrom=[reference("DocumentReference", own_id)],
        note=[{"text": text} for text in _said(view)],
    )


def _said(view: SoundView | PhotoView) -> list[str]:
    """In words what a receiver that reads no extension would miss, as on a reading."""
    sound = view.sound if isinstance(view, SoundView) else None
    simulated, quality = (sound.device.simulated, sound.quality) if sound else (False, None)
    return [*remarks(simulated, quality), *verdict(view)]
