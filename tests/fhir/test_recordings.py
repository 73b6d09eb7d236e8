"""Sounds as files that any player opens, and in words what they are."""

import io
import struct
import wave
from dataclasses import replace
from typing import Any

from carebag_fhir.export import visit_bundle
from carebag_fhir.recordings import wav
from carebag_fhir.visit_export import StoredFile
from carebag_wire.values import Quality

Json = dict[str, Any]


def resources(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def test_a_sound_and_what_was_counted_in_it_say_in_words_what_they_are(made_up: Any) -> None:
    (view,) = made_up.snapshot.sounds
    doubtful = view.sound.model_copy(update={"quality": Quality(word="questionable", reasons=["noisy_room"])})
    told = {"sound": doubtful, "decision": "rejected", "reason": "Brus"}
    rejected = [one.model_copy(update={"decision": "rejected"}) for one in made_up.snapshot.photos]
    update = {"sounds": [view.model_copy(update=told)], "photos": rejected}
    made = visit_bundle(replace(made_up, snapshot=made_up.snapshot.model_copy(update=update)))
    (rate,) = [one for one in resources(made, "Observation") if one["code"]["text"] == "Heart rate"]
    words = [
        "Simulated: this did not come from a body.",
        "Quality questionable: noisy room",
        "Rejected by Elena Ruiz: Brus",
    ]
    assert [note["text"] for note in rate["note"]] == words
    sound, photo, _ = resources(made, "DocumentReference")
    assert sound["description"] == " ".join(words)
    assert photo["description"] == "Vänster underben Rejected."


def test_a_wav_says_how_it_is_to_be_played() -> None:
    made = wav(StoredFile(size=4, pieces=lambda: [b"\x01\x00\x02", b"\x00"]), 4000)
    content = b"".join(made.pieces())
    assert len(content) == made.size
    bytes_per_second, frame_bytes, bits = struct.unpack("<IHH", content[28:36])
    assert (bytes_per_second, frame_bytes, bits) == (8000, 2, 16)
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (4000, 1, 2, 2)
