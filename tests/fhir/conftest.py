"""A made-up visit with all that Carebag can hold: kept, rejected, withdrawn and filed values, errors, sound, photos."""

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from carebag_fhir.visit_export import CareProvider, SaidOutcome, StoredFile, StoredRecord, VisitExport
from carebag_scores.early_warning import with_early_warning
from carebag_wire.guests import Guest
from carebag_wire.records import (
    Gap,
    PhotoTaken,
    Reading,
    ReadingWithdrawn,
    Record,
    RequestProgressed,
    SignedRecord,
    SoundRecorded,
    VisitClosed,
    VisitOpened,
    payload_sha256,
)
from carebag_wire.scores import ScorePremise
from carebag_wire.udi import Udi
from carebag_wire.values import Binding, Circumstances, DeviceIdentity, Quality, Quantity, Seen, Times
from carebag_wire.visit import (
    Note,
    Patient,
    Person,
    PhotoView,
    ReadingView,
    Request,
    SoundView,
    VisitHead,
    VisitSnapshot,
)

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
KIT_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SAMPLES = bytes(range(64))
PHOTO = b"\xff\xd8\xffa photo\xff\xd9"


def an_id(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"made up {name}")


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


TIMRA, PREMICARE = (CareProvider(id=an_id(name), name=name) for name in ("Timrå kommun", "Premicare"))


def person(name: str, title: str, role: Any, unit: str, organization: str) -> Person:
    return Person(
        commission_id=an_id(f"{name} {role}"),
        practitioner_id=an_id(name),
        name=name,
        title=title,
        role=role,
        unit=unit,
        organization=organization,
    )


NURSE = person("Anna Lind", "sjuksköterska", "nurse", "Timrå hemsjukvård", "Timrå kommun")
DOCTOR = person("Elena Ruiz", "specialist i allmänmedicin", "doctor", "Premicare distansvård", "Premicare")
VISIT, PATIENT, KIT = an_id("visit"), an_id("patient"), an_id("kit")
CUFF = DeviceIdentity(
    id="aa:bb:cc:dd:ee:ff", kind="cuff", maker="A&D", model="UA-651BLE", serial="123", firmware="1.0", simulated=True
)
UDI = Udi(
    device="00844588003288",
    carrier="(01)00844588003288(17)141120(10)7654321D(21)10987654d321",
    issuer="2.51.1.1",
    authority="2.16.840.1.113883.3.24",
    entry="self_reported",
)
OXIMETER = DeviceIdentity(id="11:22", kind="oximeter", maker="Nonin", model="3230", serial="77", udi=UDI)
ANALYSER = DeviceIdentity(id="/dev/ttyUSB0", kind="crp_analyser", maker="Aidian", model="QuikRead go", firmware="7.6.1")
STETHOSCOPE = DeviceIdentity(id="33:44", kind="stethoscope", model="simulated", simulated=True)


class MadeUp:
    """Counts the kit's records, and signs each."""

    def __init__(self) -> None:
        self.records: list[StoredRecord] = []

    def common(self, name: str, at: float, request: str = "", visit: uuid.UUID | None = VISIT, **times: Any) -> Any:
        bound = {"visit_id": visit, "patient_id": PATIENT if visit else None, "nurse_id": NURSE.practitioner_id}
        seq = len(self.records) + 1
        told = Times(kit_monotonic_ns=round(at * 6e10) + 2**40, kit_utc=minute(at), **times)
        binding = Binding(**bound, kit_id=KIT, kit_seq=seq, request_id=an_id(request) if request else None)
        return {"id": an_id(name), "binding": binding, "times": told}

    def signed(self, record: Any) -> Any:
        payload = record.model_dump_json()
        signature = base64.b64encode(KIT_KEY.sign(payload.encode())).decode()
        envelope = SignedRecord(payload=payload, sha256=payload_sha256(payload), signature=signature)
        received = record.times.kit_utc + timedelta(seconds=1.25)
        self.records.append(StoredRecord(signed=envelope, record=record, received_at=received))
        return record

    def reading(self, name: str, at: float, kind: Any, device: DeviceIdentity, *numbers: Any, **more: Any) -> Reading:
        clock, offset, uncertainty = more.pop("clock", (None, None, None))
        times = {"device": clock, "device_offset_s": offset, "device_offset_uncertainty_s": uncertainty}
        common = self.common(name, at, more.pop("request", ""), more.pop("visit", VISIT), **times)
        quantities = [
            Quantity(name=what, value=Decimal(value), unit=unit, comparator=(rest or [None])[0])
            for what, value, unit, *rest in numbers
        ]
        fields = {"provenance": "live", "quality": Quality(word="good"), **more}
        made: Reading = self.signed(Reading(**common, kind=kind, quantities=quantities, device=device, **fields))
        return made


def received(record: Any) -> datetime:
    at: datetime = record.times.kit_utc + timedelta(seconds=1.25)
    return at


def decided(record: Any, decision: Any = "draft", **more: Any) -> dict[str, Any]:
    by = {"decided_by": DOCTOR.name, "decided_at": record.times.kit_utc + timedelta(minutes=1)}
    return {"received_at": received(record), "decision": decision, **(by if decision != "draft" else {}), **more}


def _readings(made: MadeUp) -> Iterable[ReadingView]:
    pressure = [("systolic", "128.50", "mm[Hg]"), ("diastolic", "81", "mm[Hg]"), ("mean", "97", "mm[Hg]")]
    arm = Circumstances(site="left_arm", posture="sitting")
    failed = Quality(word="invalid", reasons=["cuff_too_loose"])
    one = made.reading(
        "failed",
        4,
        "blood_pressure",
        CUFF,
        problem="cuff_too_loose",
        quality=failed,
        circumstances=arm,
        request="ask bp",
    )
    yield ReadingView(reading=one, **decided(one, "rejected", reason="Manschetten satt löst & <fel>"))
    two = made.reading(
        "pressure",
        6,
        "blood_pressure",
        CUFF,
        *pressure,
        ("pulse", "72", "/min"),
        flags=["irregular_pulse"],
        quality=Quality(word="questionable", reasons=["irregular_pulse"]),
        circumstances=arm,
        request="ask bp",
        clock=("2026-11-23T10:34:58", -3540.25, 0.5),
        raw="1ee1f5",
        user=1,
    )
    yield ReadingView(reading=two, **decided(two, "kept"))
    numbers = [("spo2", "97", "%"), ("pulse", "71", "/min"), ("perfusion", "4.2", "%")]
    three = made.reading("oximetry", 8, "oximetry", OXIMETER, *numbers)
    yield ReadingView(reading=three, **decided(three))
    four = made.reading("crp", 12, "crp", ANALYSER, ("crp", "5", "mg/L", "<"), request="ask crp")
    yield ReadingView(reading=four, **decided(four, "kept"))
    five = made.reading(
        "typed", 13, "temperature", DeviceIdentity(id="", kind="thermometer"), ("temperature", "83.4", "Cel"),
        flags=["site_tympanum", "implausible_temperature"], provenance="manual", display_photo=an_id("display"),
    )  # fmt: skip
    by_nurse = {"decided_by": NURSE.name, "decided_at": minute(14), "reason": "felskrivet", "taken_back": True}
    yield ReadingView(reading=five, **decided(five, "rejected") | by_nurse)
    six = made.reading(
        "stored", 15, "weight", DeviceIdentity(id="w", kind="scale", model="W1"), ("weight", "70.05", "kg"),
        provenance="stored", visit=None, clock=("2026-11-22T07:00:00", 60.0, None),
    )  # fmt: skip
    yield ReadingView(reading=six, filed_by=NURSE.name, filed_at=minute(16), **decided(six))
    seven = made.reading(
        "glucose", 17, "glucose", DeviceIdentity(id="g", kind="glucose_meter"), ("glucose", "7.1", "mmol/L"),
        flags=["sample_capillary_whole_blood"], provenance="stored", visit=None,
    )  # fmt: skip
    yield ReadingView(reading=seven, filed_by=NURSE.name, filed_at=minute(18), **decided(seven))


def _sound(made: MadeUp) -> SoundView:
    sound = made.signed(
        SoundRecorded(
            **made.common("sound", 9, "ask listen"),
            device=STETHOSCOPE,
            stream=3,
            circumstances=Circumstances(point="mitral"),
            rate_hz=4000,
            samples=len(SAMPLES) // 2,
            gaps=[Gap(first_sample=4, samples=2)],
            media_sha256=hashlib.sha256(SAMPLES).hexdigest(),
            heart_rate_per_min=74,
            quality=Quality(word="good"),
            sound_marks=[(3, "S1"), (9, "S2")],
        )
    )
    return SoundView(sound=sound, media_stored=True, heard="verified", **decided(sound, "kept"))


def _photos(made: MadeUp) -> Iterable[PhotoView]:
    for name, of in (("photo", "patient"), ("display", "display")):
        photo = made.signed(
            PhotoTaken(
                **made.common(name, 10),
                media_sha256=hashlib.sha256(PHOTO + name.encode()).hexdigest(),
                media_type="image/jpeg",
                width=4,
                height=3,
                caption="Vänster underben",
                of=of,  # type: ignore[arg-type]
            )
        )
        yield PhotoView(photo=photo, media_stored=True, **decided(photo))


def _requests() -> Iterable[Request]:
    asked = {"visit_id": VISIT, "asked_by": DOCTOR.name}
    arm = Circumstances(site="left_arm", posture="sitting")
    for number, (name, kind, state, more) in enumerate(
        [
            ("ask bp", "blood_pressure", "done", {"circumstances": arm, "note": "Vila fem minuter"}),
            ("ask listen", "listen", "answered", {"circumstances": Circumstances(point="mitral")}),
            ("ask crp", "crp", "done", {}),
            ("ask photo", "photo", "declined", {"reason": "Patienten vill inte"}),
            ("ask again", "photo", "cancelled", {"again_of": an_id("ask photo")}),
        ]
    ):
        times = {"asked_at": minute(number), "changed_at": minute(number + 5)}
        yield Request(id=an_id(name), kind=kind, state=state, **asked, **times, **more)  # type: ignore[arg-type]


def _note(version: int, plan: str) -> Note:
    return Note(
        id=an_id(f"note {version}"),
        visit_id=VISIT,
        version=version,
        assessment="Misstänkt UVI.\nAllmänpåverkad <inte> svårt & vaken.",
        plan=plan,
        state="signed",
        author=DOCTOR.name,
        changed_at=minute(20 + version),
        signed_at=minute(20 + version),
        sha256=hashlib.sha256(plan.encode()).hexdigest(),
    )


def _guest() -> Guest:
    return Guest(
        id=an_id("guest"),
        visit_id=VISIT,
        role="relative",
        name="Karin",
        said_name="Karin Tolvansson",
        state="ended",
        camera=True,
        invited_by=DOCTOR.name,
        invited_at=minute(2),
        link_expires_at=minute(62),
        came_at=minute(3),
        admitted_by=DOCTOR.name,
        admitted_at=minute(3.5),
        ended_by=DOCTOR.name,
        ended_at=minute(19),
    )


def a_head(**changes: Any) -> VisitHead:
    patient = Patient(
        id=PATIENT,
        name="Tolvan Tolvansson",
        personal_id="191212121212",
        personal_id_system="http://electronichealth.se/identifier/personnummer",
        birth_date="1912-12-12",
        place="Vivstavarvsvägen 12, Timrå",
        own_doctor="Elena Ruiz, Premicare",
        colour=1,
    )
    fields = {"scheduled_at": START, "opened_at": minute(1), "closed_at": minute(30), "doctor_joined_at": minute(2)}
    told = {"reason": "Trötthet, feber", "background": "Bor ensam. KAD sedan i våras.", "state": "closed"}
    fields |= {"patient": patient, "nurse": NURSE, "kit_id": KIT, "kit_name": "Väska 1", **told, **changes}
    return VisitHead.model_validate({"id": VISIT, **fields})


def a_file(content: bytes) -> StoredFile:
    """In pieces that are no whole groups of base64."""
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    return StoredFile(size=len(content), pieces=lambda: pieces)


def a_visit(**files: bytes) -> VisitExport:
    made = MadeUp()
    made.signed(VisitOpened(**made.common("opened", 1), identifiers=["name", "personal_id"]))
    made.signed(RequestProgressed(**made.common("began", 3, "ask bp"), state="started"))
    readings, sound, photos = list(_readings(made)), _sound(made), list(_photos(made))
    withdrawn: Record = ReadingWithdrawn(**made.common("withdrawn", 14), reading_id=an_id("typed"), reason="felskrivet")
    made.signed(withdrawn)
    made.signed(VisitClosed(**made.common("closed", 30), plan_read=True))
    snapshot = VisitSnapshot(
        visit=a_head(),
        requests=list(_requests()),
        readings=readings,
        sounds=[sound],
        photos=photos,
        notes=[_note(3, "Odla urin. Ring vid försämring."), _note(5, "Odla urin. Åter i morgon.")],
        participants=[],
        kit_online=False,
        guests=[_guest()],
    )
    return VisitExport(
        snapshot=snapshot,
        provider=TIMRA,
        providers=[PREMICARE],
        people=[DOCTOR],
        outcome=SaidOutcome(outcome="ambulance_avoided", by=DOCTOR.name, at=minute(40)),
        note_authors={an_id(f"note {version}"): DOCTOR.practitioner_id for version in (3, 5)},
        records=made.records,
        kit_public_key=KIT_KEY.public_key().public_bytes_raw(),
        media={hashlib.sha256(SAMPLES).hexdigest(): a_file(SAMPLES)} if files.get("inside") else {},
        hub_url="https://hub.example",
    )


OBSERVER = DeviceIdentity(id="observer", kind="observer", simulated=True)


def a_scored_visit() -> VisitExport:
    """The same, with what a nurse observes beside it: all that NEWS2 asks for, on SpO2 scale 2."""
    base, made = a_visit(), MadeUp()
    made.records = list(base.records)
    thermometer = DeviceIdentity(id="t", kind="thermometer", model="T1")
    by_eye = {"provenance": "observed"}
    more = [
        made.reading("warm", 20, "temperature", thermometer, ("temperature", "38.6", "Cel")),
        made.reading(
            "breaths", 21, "respiration", OBSERVER, ("respiration", "24", "/min"),
            seen=Seen(breaths=12, counted_s=30), **by_eye,
        ),
        made.reading("awake", 22, "consciousness", OBSERVER, seen=Seen(consciousness="C"), **by_eye),
        made.reading(
            "oxygen", 23, "oxygen", OBSERVER, ("oxygen_flow", "2.5", "L/min"),
            seen=Seen(breathes="oxygen", oxygen_device="nasal_cannula"), **by_eye,
        ),
    ]  # fmt: skip
    views = [ReadingView(reading=one, **decided(one, "kept")) for one in more]
    premises = [
        ScorePremise(
            id=an_id(f"premise {says}"),
            visit_id=VISIT,
            says=says,  # type: ignore[arg-type]
            author=DOCTOR.name,
            author_id=DOCTOR.practitioner_id,
            at=minute(at),
        )
        for says, at in (("usual", 5), ("hypercapnic", 6))
    ]
    told = {"readings": [*base.snapshot.readings, *views], "premises": premises}
    return replace(base, snapshot=with_early_warning(base.snapshot.model_copy(update=told)), records=made.records)


@pytest.fixture(scope="session")
def scored() -> VisitExport:
    return a_scored_visit()


@pytest.fixture(scope="session")
def made_up() -> VisitExport:
    """With the sound in the Bundle, the photos by their address."""
    return a_visit(inside=b"sound")


@pytest.fixture(scope="session")
def head_of_visit() -> Callable[..., VisitHead]:
    return a_head


EXPECTED_UNITS = {
    "8480-6": {"mm[Hg]"},
    "8462-4": {"mm[Hg]"},
    "8478-0": {"mm[Hg]"},
    "8867-4": {"/min"},
    "8889-8": {"/min"},
    "2708-6": {"%"},
    "59408-5": {"%"},
    "61006-3": {"%"},
    "1988-5": {"mg/L", "mg/dL"},
    "8310-5": {"Cel", "[degF]"},
    "8331-1": {"Cel", "[degF]"},
    "8332-9": {"Cel", "[degF]"},
    "8328-7": {"Cel", "[degF]"},
    "8333-7": {"Cel", "[degF]"},
    "29463-7": {"kg", "[lb_av]"},
    "15074-8": {"mmol/L"},
    "14743-9": {"mmol/L"},
    "14749-6": {"mmol/L"},
    "2339-0": {"mg/dL"},
    "41653-7": {"mg/dL"},
    "2345-7": {"mg/dL"},
    "9279-1": {"/min"},
    "3151-8": {"L/min"},
}
"""LOINC → UCUM, written by hand from LOINC's own units and the R4 vital-sign profiles."""


def _quantities(bundle: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    found = []
    for entry in bundle["entry"]:
        one = entry["resource"]
        if one["resourceType"] == "Observation":
            found += [(p["code"], p["valueQuantity"]) for p in (one, *one.get("component", [])) if "valueQuantity" in p]
    return found


def _wrong_units(bundle: dict[str, Any]) -> list[str]:
    """LOINC codes whose value has another unit, or is known by no table."""
    return [
        code["code"]
        for concept, value in _quantities(bundle)
        for code in concept["coding"]
        if code["system"] == "http://loinc.org"
        and not (
            value.get("system") == "http://unitsofmeasure.org"
            and value.get("code") in EXPECTED_UNITS.get(code["code"], set())
        )
    ]


@pytest.fixture(scope="session")
def expected_units() -> dict[str, set[str]]:
    return EXPECTED_UNITS


@pytest.fixture(scope="session")
def quantities() -> Callable[[dict[str, Any]], list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Code and value of every number in a Bundle."""
    return _quantities


@pytest.fixture(scope="session")
def wrong_units() -> Callable[[dict[str, Any]], list[str]]:
    return _wrong_units
