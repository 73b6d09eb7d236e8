"""Import of our own export gives equal content, for any reading that the wire can carry; a damaged one is refused."""

import copy
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import fhirkit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_fhir.elements import CANONICAL
from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode
from carebag_fhir.read import NotReadable, readings_in
from carebag_fhir.visit_export import VisitExport
from carebag_wire.records import Reading
from carebag_wire.udi import GS1, Udi
from carebag_wire.values import (
    Binding,
    Breathes,
    Circumstances,
    Consciousness,
    DeviceIdentity,
    InstrumentKind,
    OxygenDevice,
    Provenance,
    Quality,
    Quantity,
    QuantityName,
    ReadingKind,
    Seen,
    Times,
)
from carebag_wire.visit import ReadingView

ORDER = {name: place for place, name in enumerate(get_args(QuantityName))}
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 (zones are drawn)
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=0, max_size=12)
CODES = st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True).filter(lambda code: code.strip("_"))
DECIMALS = st.decimals(-(10**6), 10**6, allow_nan=False, places=2) | st.integers(0, 300).map(Decimal)
UNITS = st.sampled_from(["mm[Hg]", "/min", "%", "L/min", "mg/L", "Cel", "kg", "mmol/L", "mg/dL", "[degF]", "kPa"])
SECONDS = st.none() | st.floats(-1e6, 1e6)
IDS = st.uuids()


def quantity(name: Any) -> st.SearchStrategy[Quantity]:
    comparators = st.sampled_from([None, None, "<", ">"])
    return st.builds(Quantity, name=st.just(name), value=DECIMALS, unit=UNITS, comparator=comparators)


QUANTITIES = st.lists(st.sampled_from(sorted(ORDER)), unique=True, max_size=5).flatmap(
    lambda names: st.tuples(*(quantity(name) for name in names)).map(list)
)
OBJECT_IDENTIFIERS = st.sampled_from(["", GS1, "2.16.840.1.113883.3.24", "1.0.15961.10.816", "2.999.1"])
UDIS = st.builds(Udi, device=WORDS, carrier=WORDS, issuer=OBJECT_IDENTIFIERS, authority=OBJECT_IDENTIFIERS, entry=...)
DEVICES = st.builds(DeviceIdentity, id=st.just("observer"), kind=st.just("observer"), simulated=...) | st.builds(
    DeviceIdentity,
    id=WORDS,
    kind=st.sampled_from(get_args(InstrumentKind)),
    maker=WORDS,
    model=WORDS,
    serial=WORDS,
    firmware=WORDS,
    simulated=st.booleans(),
    udi=st.none() | UDIS,
)
TIMES = st.builds(
    Times,
    device=st.none() | st.datetimes().map(lambda at: at.isoformat()) | WORDS.filter(bool),
    kit_monotonic_ns=st.integers(0, 2**53),
    kit_utc=MOMENTS,
    device_offset_s=SECONDS,
    device_offset_uncertainty_s=SECONDS,
)
SEEN = st.builds(
    Seen,
    consciousness=st.none() | st.sampled_from(get_args(Consciousness)),
    breathes=st.none() | st.sampled_from(get_args(Breathes)),
    oxygen_device=st.none() | st.sampled_from(get_args(OxygenDevice)),
    breaths=st.none() | st.integers(0, 200),
    counted_s=st.none() | st.sampled_from([30, 60]),
)
QUALITY = st.builds(Quality, word=..., reasons=st.lists(CODES, max_size=3))


@st.composite
def views(draw: st.DrawFn, visit: uuid.UUID, patient: uuid.UUID, kit: uuid.UUID) -> ReadingView:
    """A reading of this visit, or one that was filed or moved into it: measured without a visit, or in another's."""
    filed, moved = draw(st.booleans()), draw(st.booleans())
    problem = draw(st.none() | CODES)
    binding = Binding(
        visit_id=visit if not filed else draw(IDS) if moved else None,
        patient_id=patient if not filed else draw(IDS) if moved else None,
        nurse_id=draw(st.none() | IDS),
        kit_id=kit,
        kit_seq=draw(st.integers(1, 2**53)),
        request_id=draw(st.none() | IDS),
    )
    reading = Reading(
        id=draw(IDS),
        binding=binding,
        times=draw(TIMES),
        kind=draw(st.sampled_from(get_args(ReadingKind))),
        quantities=[] if problem else draw(QUANTITIES),
        problem=problem,
        flags=draw(st.lists(CODES, max_size=3)),
        circumstances=draw(st.builds(Circumstances, site=..., posture=..., point=...)),
        quality=draw(QUALITY),
        device=draw(DEVICES),
        provenance=draw(st.sampled_from(get_args(Provenance))),
        raw=draw(st.binary(max_size=8)).hex(),
        display_photo=draw(st.none() | IDS),
        user=draw(st.none() | st.integers(0, 300)),
        seen=draw(st.none() | SEEN),
    )
    decision: Any = draw(st.sampled_from(["draft", "kept", "rejected"]))
    return ReadingView(
        reading=reading,
        decision=decision,
        decided_by=draw(WORDS),
        decided_at=draw(st.none() | MOMENTS),
        reason=draw(WORDS),
        received_at=draw(st.none() | MOMENTS),
        filed_by="Anna Lind" if filed else "",
        filed_at=draw(MOMENTS) if filed else None,
        taken_back=draw(st.booleans()),
        move="here" if filed and moved else draw(st.sampled_from(["", "proposed", "away"])),
    )


def with_readings(export: VisitExport, readings: list[ReadingView]) -> VisitExport:
    snapshot = export.snapshot.model_copy(update={"readings": readings, "sounds": [], "photos": []})
    return replace(export, snapshot=snapshot, records=[])


def in_order(view: ReadingView) -> ReadingView:
    """Quantities as the reader gives them."""
    quantities = sorted(view.reading.quantities, key=lambda one: ORDER[one.name])
    return view.model_copy(update={"reading": view.reading.model_copy(update={"quantities": quantities})})


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_import_of_our_own_export_gives_equal_content(
    made_up: VisitExport, wrong_units: Any, data: st.DataObject
) -> None:
    visit = made_up.snapshot.visit
    of_visit = views(visit.id, visit.patient.id, visit.kit_id)
    readings = data.draw(st.lists(of_visit, max_size=2, unique_by=lambda view: view.reading.id))
    text = encode(visit_bundle(with_readings(made_up, readings)))
    back = readings_in(decode(text))
    assert [one.view for one in back] == [in_order(view) for view in readings]
    assert [str(issue) for issue in fhirkit.validate(text.decode()) if issue.severity == "error"] == []
    assert wrong_units(decode(text)) == []
    for one, view in zip(back, readings, strict=True):
        assert [str(q.value) for q in one.view.reading.quantities] == [
            str(q.value) for q in in_order(view).reading.quantities
        ]
        if view.reading.provenance != "stored":
            assert one.measured_at == view.reading.times.kit_utc


def test_the_made_up_visit_comes_back(made_up: VisitExport) -> None:
    back = readings_in(decode(encode(visit_bundle(made_up))))
    assert [one.view for one in back] == [in_order(view) for view in made_up.snapshot.readings]
    assert str(back[1].view.reading.quantities[0].value) == "128.50"
    weight = next(one for one in back if one.view.reading.kind == "weight")
    assert weight.measured_at == datetime(2026, 11, 22, 7, 1, tzinfo=UTC)


def damaged(bundle: dict[str, Any], damage: str) -> None:
    observations = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation"]
    one = next(o for o in observations if o["status"] == "final")
    if damage in ("status", "another patient", "another visit"):
        one = next(o for o in observations if o["code"]["text"] == "CRP")  # a reading of one part: no other contradicts
    if damage == "status":
        one["status"] = "entered-in-error"
    elif damage == "unknown status":
        one["status"] = "cancelled"
    elif damage == "another patient":
        one["subject"]["reference"] = f"urn:uuid:{uuid.uuid4()}"
    elif damage == "another visit":
        one["encounter"]["reference"] = f"urn:uuid:{uuid.uuid4()}"
    elif damage == "device gone":
        bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] != "Device"]
    elif damage == "number as text":
        one["component"][0]["valueQuantity"]["value"] = "128.50"
    elif damage == "no binding":
        one["extension"] = [e for e in one["extension"] if not e["url"].endswith("/binding")]
    elif damage == "no entries":
        del bundle["entry"]
    else:
        one["component"][0]["code"]["coding"].append(
            {"system": f"{CANONICAL}/CodeSystem/quantity", "code": "diastolic"}
        )


@pytest.mark.parametrize(
    "damage",
    [
        "status",
        "unknown status",
        "another patient",
        "another visit",
        "device gone",
        "number as text",
        "no binding",
        "no entries",
        "two codes",
    ],
)
def test_what_disagrees_with_itself_is_refused(made_up: VisitExport, damage: str) -> None:
    bundle = copy.deepcopy(decode(encode(visit_bundle(made_up))))
    damaged(bundle, damage)
    with pytest.raises(NotReadable):
        readings_in(bundle)


@pytest.mark.parametrize("text", [b"{}", b"[]", b"3", b'{"entry":[{}]}', b'{"entry":3}'])
def test_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(NotReadable):
        readings_in(decode(text))
