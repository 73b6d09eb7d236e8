"""Fault scripts against the real bag and drivers, in virtual time: what the kit is told is what was measured.

`python -m carebag_devices.lab.soak 2000` runs them all; here is a slice with fixed seeds. CAREBAG_SOAK=N runs N.
"""

import os
from dataclasses import replace

import pytest

from carebag_devices.catalog import CATALOG
from carebag_devices.drivers import session
from carebag_devices.drivers.meter import MeterDriver
from carebag_devices.events import Kind, Measured
from carebag_devices.lab.faults import Script, Step
from carebag_devices.lab.judgement import judge
from carebag_devices.lab.script import MODELS, random_script
from carebag_devices.lab.trial import Trial, run_trial
from carebag_devices.meaning import oximetry

SLICES = 10
SCRIPTS = int(os.environ.get("CAREBAG_SOAK", "200"))


@pytest.mark.parametrize("part", range(SLICES))
def test_nothing_is_wrong_lost_twice_or_old_told_as_new(part: int) -> None:
    for seed in range(part, SCRIPTS, SLICES):
        assert judge(run_trial(random_script(seed))) == [], f"python -m carebag_devices.lab.soak --seed {seed}"


def test_the_same_seed_is_the_same_bytes_on_the_air() -> None:
    for seed in (3, 24, 33):
        once, again = run_trial(random_script(seed)), run_trial(random_script(seed))
        assert once.sent == again.sent
        assert len(once.sent) > 3
        assert [told.event for told in once.told] == [told.event for told in again.told]


def one(kind: Kind, model: str | None, *steps: Step, lasts_s: float = 200.0) -> Trial:
    return run_trial(Script(steps, devices={kind: model}, lasts_s=lasts_s))


def readings(trial: Trial) -> list[Measured]:
    return [told.event for told in trial.told if isinstance(told.event, Measured)]


METERS: list[tuple[Kind, str | None]] = [
    (kind, model)
    for kind, models in MODELS.items()
    for model in models
    if kind not in ("crp_analyser", "glucose_meter") and model != "berry_bm1000"
]

WITHOUT_STAMPS = [("oximeter", None), ("oximeter", "nonin_3230"), ("oximeter", "masimo_mightysat")]
"""They have no clock, so they may store nothing."""


@pytest.mark.parametrize(("kind", "model"), METERS)
def test_what_is_measured_before_our_eyes_is_live(kind: Kind, model: str | None) -> None:
    trial = one(kind, model, Step(30.0, kind, "hold_key"), Step(32.0, kind, "measure"))
    assert [(reading.provenance, bool(reading.values)) for reading in readings(trial)] == [("live", True)]
    assert judge(trial) == []


@pytest.mark.parametrize(("kind", "model"), [meter for meter in METERS if meter not in WITHOUT_STAMPS])
@pytest.mark.parametrize("clock", [None, "clock_1970", "clock_12h", "clock_dst"])
def test_sixty_stored_readings_come_once_and_as_stored(kind: Kind, model: str | None, clock: str | None) -> None:
    wrong = [Step(0.0, kind, fault=clock)] if clock else []  # type: ignore[arg-type]
    trial = one(kind, model, *wrong, Step(10.0, kind, "fill_memory"), Step(12.0, kind, "vanish"))
    assert len(readings(trial)) == 60
    assert {reading.provenance for reading in readings(trial)} == {"stored"}
    assert judge(trial) == []


def test_a_device_that_deletes_after_transfer_loses_nothing() -> None:
    breaks = [
        Step(20.0 + 7 * number, "cuff", fault=fault, after=number)  # type: ignore[arg-type]
        for number, fault in enumerate(["break_unsent", "break_unconfirmed", "break_confirmed", "disconnect"])
    ]
    trial = one("cuff", "omron_x4_smart", Step(10.0, "cuff", "fill_memory"), *breaks, Step(60.0, "cuff", "wake"))
    assert len(readings(trial)) == 60
    assert judge(trial) == []


@pytest.mark.parametrize("fault", ["demonstration", "testing", "questionable", "invalid"])
def test_no_pretended_saturation_is_ever_a_number(fault: str) -> None:
    steps = [Step(5.0, "oximeter", fault=fault), Step(6.0, "oximeter", "finger_on"), Step(9.0, "oximeter", "spot")]  # type: ignore[arg-type]
    trial = one("oximeter", "pulse_oximeter_service", *steps, lasts_s=40.0)
    assert all(not reading.values for reading in readings(trial))
    assert readings(trial)
    assert all(getattr(told.event, "spo2", None) is None for told in trial.told)
    assert judge(trial) == []


def test_a_mean_that_is_no_number_is_left_out_and_the_rest_told() -> None:
    trial = one("cuff", None, Step(5.0, "cuff", fault="nan_mean"), Step(6.0, "cuff", "measure"), lasts_s=40.0)
    assert [[value.name for value in reading.values] for reading in readings(trial)] == [
        ["systolic", "diastolic", "pulse"]
    ]
    assert judge(trial) == []


def test_a_control_is_no_patients_result() -> None:
    trial = one("crp_analyser", None, Step(5.0, "crp_analyser", fault="qc_result"), lasts_s=40.0)
    assert readings(trial) == []
    trial = one("glucose_meter", None, Step(5.0, "glucose_meter", fault="control_solution"), lasts_s=40.0)
    assert [(reading.values, reading.problem) for reading in readings(trial)] == [((), "control_solution")]


@pytest.mark.parametrize(("fault", "comparator"), [("below_range", "<"), ("above_range", ">")])
def test_a_comparator_stays(fault: str, comparator: str) -> None:
    trial = one("crp_analyser", None, Step(5.0, "crp_analyser", fault=fault), lasts_s=40.0)  # type: ignore[arg-type]
    assert [value.comparator for reading in readings(trial) for value in reading.values] == [comparator]
    assert judge(trial) == []


def test_the_lab_plays_every_model_of_the_catalog_that_has_a_radio_and_readings() -> None:
    played = {model for models in MODELS.values() for model in models}
    without = ("auscultation", "private", "sound_card")
    expected = {
        model.key for model in CATALOG if model.driver not in without and not model.driver.endswith("_wired")
    } - {"health_thermometer_service"}
    assert expected <= played | {"health_thermometer_service"}


# The judgement itself: drivers that are broken on purpose must not pass.


def test_a_ledger_that_forgets_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.Ledger, "note", lambda _ledger, _measurement: None)
    trial = one("cuff", "beurer_bm59", Step(10.0, "cuff", "measure"))
    assert {finding.what for finding in judge(trial)} == {"twice"}


def test_a_driver_that_calls_everything_live_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeterDriver, "_provenance", lambda *_: "live")
    trial = one("cuff", "and_ua651", Step(10.0, "cuff", "fill_memory"))
    assert {finding.what for finding in judge(trial)} == {"old_as_live"}


def test_a_driver_that_reads_the_wrong_order_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "carebag_devices.codecs.blood_pressure.BloodPressureMeasurement.parse_big_endian",
        classmethod(lambda kind, raw: kind.parse(raw[:1] + raw[1:-1] if not raw[0] & 8 else raw)),
    )
    trial = one("cuff", "beurer_bm59", Step(10.0, "cuff", "measure"))
    assert {finding.what for finding in judge(trial)} & {"wrong", "lost"}


def test_a_driver_that_drops_a_reading_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.Reporter, "measured", lambda _reporter, _measurement: True)
    trial = one("scale", "weight_scale_service", Step(10.0, "scale", "measure"))
    assert [finding.what for finding in judge(trial)] == ["lost"]


def test_a_stored_copy_with_its_mark_is_the_same_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = one("oximeter", "pulse_oximeter_service", Step(30.0, "oximeter", "spot"))
    assert judge(trial) == []
    plain = oximetry.spot_check
    monkeypatch.setitem(
        __import__("carebag_devices.meaning", fromlist=["READERS"]).READERS,
        "2A5E",
        ("oximetry", lambda model, raw: replace(plain(model, raw), same=b"")),
    )
    trial = one("oximeter", "pulse_oximeter_service", Step(30.0, "oximeter", "spot"))
    assert {finding.what for finding in judge(trial)} == {"twice"}
