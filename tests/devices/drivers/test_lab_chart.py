"""What a result becomes, and when it may be called live: by clocks that are right, wrong, silent, or jump."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from carebag_devices.catalog import SIMULATOR_MAKER, model_named
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.drivers.lab_chart import CLOCK_TOLERANCE_S, RUN_LASTS_S, LabChart, LabResult
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.events import Event, Identity, Measured, Value

T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MODEL = model_named("lis2_serial")
MARGIN = CLOCK_TOLERANCE_S + 1


class Bedside:
    """One connection, made at `T0`, and both of the kit's clocks."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.willing = True
        self.told: list[Measured] = []
        self.report = Reporter(Identity("wired:x", "crp_analyser"), self.tell, Ledger(lambda: self.at_s))
        self.chart = self.connect()

    def connect(self) -> LabChart:
        return LabChart(self.report, MODEL, unix=lambda: T0.timestamp() + self.at_s)

    def tell(self, event: Event) -> bool:
        if isinstance(event, Measured) and self.willing:
            self.told.append(event)
        return self.willing

    def result(
        self, text: str = "12", *, completed_s: float | None = 0.0, sent_s: float | None = None, **rest: Any
    ) -> LabResult:
        """Times in seconds after the connection was made, by the analyser's clock. `sent_s` None: now."""
        sent = self.at_s if sent_s is None else sent_s
        given = {"sample": "S-1", "code": "48421-2", "unit": "mg/L", "raw": b"raw", **rest}
        completed = None if completed_s is None else stamp(completed_s)
        return LabResult(value=LabValue.parse(text), completed=completed, sent=stamp(sent), **given)

    def keep(self, text: str = "12", **rest: Any) -> Measured:
        assert self.chart.keep(self.result(text, **rest))
        return self.told[-1]


def stamp(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def bedside() -> Bedside:
    return Bedside()


def test_a_result_as_the_kit_gets_it(bedside: Bedside) -> None:
    bedside.at_s = 600
    measured = bedside.keep("<5", completed_s=590)
    assert measured.values == (Value("crp", Decimal(5), "mg/L", "<"),)
    assert (measured.kind, measured.problem, measured.flags, measured.raw) == ("crp", None, (), b"raw")
    assert measured.device_time == "2026-11-22T10:09:50"
    assert (measured.provenance, measured.age_s, measured.age_uncertainty_s) == ("live", 10.0, CLOCK_TOLERANCE_S)


@pytest.mark.parametrize(
    ("now_s", "completed_s", "sent_s", "provenance"),
    [
        (600, 590, None, "live"),
        (600, MARGIN, None, "live"),
        (600, MARGIN - 2, None, "stored"),
        (10, 5, None, "stored"),
        (600, -60, None, "stored"),
        (600, None, None, "stored"),
        (600, 600 + MARGIN, None, "stored"),
        # the analyser is an hour ahead, or behind: its times are not believed
        (600, 590 + 3600, 600 + 3600, "stored"),
        (600, 590 - 3600, 600 - 3600, "stored"),
        # put together long ago and sent now
        (7200, 3000, 3000, "stored"),
    ],
)
def test_live_is_only_what_is_certain(bedside: Bedside, now_s, completed_s, sent_s, provenance) -> None:
    bedside.at_s = now_s
    assert bedside.keep(completed_s=completed_s, sent_s=sent_s).provenance == provenance


def test_an_hour_old_result_of_a_clock_an_hour_ahead_is_not_live(bedside: Bedside) -> None:
    """A summer time that was never changed: by its stamp alone it would look like a result of now."""
    bedside.at_s = 600
    assert bedside.keep(completed_s=590, sent_s=600 + 3600).provenance == "stored"


def test_a_run_that_was_seen_to_begin_is_live_also_on_the_next_connection(bedside: Bedside) -> None:
    bedside.chart.begun("S-1")
    bedside.at_s = 300
    bedside.chart = bedside.connect()
    assert bedside.keep(completed_s=None).provenance == "live"
    assert bedside.keep(sample="S-2", completed_s=None).provenance == "stored"
    assert bedside.keep("13", completed_s=None, resent=True).provenance == "stored"


def test_a_sample_number_that_is_used_again_later_is_another_run(bedside: Bedside) -> None:
    bedside.at_s = RUN_LASTS_S * 3.9
    bedside.chart.begun("S-1")
    bedside.at_s += RUN_LASTS_S
    assert bedside.keep("12", completed_s=None).provenance == "live"
    bedside.at_s += RUN_LASTS_S
    assert bedside.keep("13", completed_s=None).provenance == "stored"


def test_a_run_without_a_name_is_not_recognised(bedside: Bedside) -> None:
    bedside.chart.begun("")
    assert bedside.keep(sample="", completed_s=None).provenance == "stored"


def test_a_run_of_another_analyser_is_another_run(bedside: Bedside) -> None:
    bedside.chart.meet(name="A", serial="1")
    bedside.chart.begun("S-1")
    bedside.chart.meet(name="A", serial="2")
    assert bedside.keep(completed_s=None).provenance == "stored"


@pytest.mark.parametrize(
    "stamp_text", ["20261122", "0000-00-00T00:00:00", "9999-12-31T23:59:59-14:00", "x", "2026-11-22"]
)
def test_what_is_no_time_is_kept_as_sent_and_never_live(bedside: Bedside, stamp_text: str) -> None:
    bedside.at_s = 600
    result = LabResult("S-1", "48421-2", LabValue.parse("12"), "mg/L", b"", completed=stamp_text, sent=stamp(600))
    assert bedside.chart.keep(result)
    (measured,) = bedside.told
    assert (measured.provenance, measured.age_s) == ("stored", 0.0 if "9999" in stamp_text else measured.age_s)
    assert measured.device_time is not None


@pytest.mark.parametrize(
    ("text", "rest", "problem", "flags"),
    [
        ("12", {"code": "1988-5"}, "unknown_test", ()),
        ("12", {"unit": "furlong"}, "unknown_unit", ()),
        ("12", {"failed": True}, "cassette_error", ()),
        ("", {}, "cassette_error", ()),
        ("12,5", {}, "not_readable", ("decimal_comma",)),
        ("12", {"corrected": True}, None, ("corrected",)),
        ("900", {}, None, ("implausible_crp",)),
        ("95", {"unit": "mg/dL"}, None, ("implausible_crp",)),
        ("12", {"flags": ("lock_overridden",)}, None, ("lock_overridden",)),
    ],
)
def test_problems_and_flags(bedside: Bedside, text: str, rest: dict[str, Any], problem: str | None, flags) -> None:
    measured = bedside.keep(text, **rest)
    assert (measured.problem, measured.flags) == (problem, flags)
    assert bool(measured.values) == (problem is None)


def test_of_a_panel_only_what_is_known_is_told(bedside: Bedside) -> None:
    panel = [bedside.result(code=code) for code in ("WBC", "48421-2", "HGB")]
    assert bedside.chart.keep_all(panel)
    assert [event.problem for event in bedside.told] == [None]
    assert bedside.chart.keep_all(panel[:1] + panel[2:])
    assert [event.problem for event in bedside.told] == [None, "unknown_test"]
    assert bedside.chart.keep_all([])


def test_the_same_result_is_told_once_and_another_is_another(bedside: Bedside) -> None:
    first = bedside.keep()
    assert bedside.chart.keep(bedside.result())
    assert len(bedside.told) == 1
    others = [{"text": "13"}, {"sample": "S-2"}, {"unit": "mg/dL"}, {"corrected": True}, {"completed_s": 1.0}]
    ids = {first.measurement_id} | {bedside.keep(**other).measurement_id for other in others}
    assert len(ids) == 6
    assert not any("S-1" in one for one in ids), "a sample may be named by a person's number"


def test_the_same_analyser_elsewhere_is_the_same(bedside: Bedside) -> None:
    bedside.chart.meet(name="POC", serial="7")
    first = bedside.keep()
    bedside.report.identity = Identity("C6:00:00:00:00:04", "crp_analyser")
    assert bedside.chart.keep(bedside.result())
    assert len(bedside.told) == 1
    assert first.measurement_id.startswith("POC:7/")


def test_without_a_time_equal_results_are_told_apart_by_their_messages(bedside: Bedside) -> None:
    bedside.keep(completed_s=None, raw=b"one")
    bedside.keep(completed_s=None, raw=b"two")
    assert len(bedside.told) == 2


def test_what_the_kit_could_not_take_is_not_kept_until_it_could(bedside: Bedside) -> None:
    bedside.willing = False
    assert not bedside.chart.keep(bedside.result())
    assert not bedside.chart.keep_unreadable(b"?", "truncated", live=True)
    bedside.willing = True
    assert bedside.chart.keep(bedside.result())
    assert bedside.chart.keep_unreadable(b"?", "truncated", live=True)
    assert [event.problem for event in bedside.told] == [None, "not_readable"]


@pytest.mark.parametrize("said", [{"name": SIMULATOR_MAKER}, {"maker": SIMULATOR_MAKER}])
def test_a_simulator_gives_itself_away(bedside: Bedside, said: dict[str, str]) -> None:
    bedside.chart.meet(**said)
    assert bedside.keep().identity.simulated


def test_what_is_known_of_an_analyser_stays(bedside: Bedside) -> None:
    bedside.chart.meet(name="A", serial="1", firmware="2", maker="M")
    bedside.chart.meet(name="B", serial="1")
    identity = bedside.report.identity
    assert (identity.model, identity.serial, identity.firmware, identity.maker) == ("A", "1", "2", "M")
    assert not identity.simulated
