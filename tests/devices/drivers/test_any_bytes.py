"""Whatever a device sends, a driver tells something or nothing, and goes on."""

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.catalog import CATALOG
from carebag_devices.codecs import lis01
from carebag_devices.drivers.crp_analyser import CrpDriver
from carebag_devices.drivers.cuff import CuffDriver
from carebag_devices.drivers.oximeter import OximeterDriver
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.events import Event, Identity, Measured, OximeterSample
from carebag_devices.link import Receive


class DeafLink:
    """A link to nobody: everything is written into the air."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def has(self, characteristic: str) -> bool:
        return True

    async def pair(self) -> None: ...

    async def read(self, characteristic: str) -> bytes:
        return bytes.fromhex("0107011058020000")

    async def write(self, characteristic: str, data: bytes) -> None: ...

    async def subscribe(self, characteristic: str, receive: Receive) -> None: ...

    async def disconnect(self) -> None: ...


def reporter(kind: str, told: list[Event]) -> Reporter:
    def tell(event: Event) -> bool:
        told.append(event)
        return True

    return Reporter(Identity("C6:00:00:00:00:01", kind), tell, Ledger(time.monotonic))  # type: ignore[arg-type]


def model(kind: str):
    return next(entry for entry in CATALOG if entry.kind == kind)


@given(st.lists(st.binary(max_size=30), max_size=5))
async def test_cuff(values: list[bytes]) -> None:
    told: list[Event] = []
    driver = CuffDriver(DeafLink(), reporter("cuff", told), model("cuff"))
    for raw in values:
        driver.on_intermediate(raw)
        driver.on_measurement(raw)
    driver.close()
    measured = [event for event in told if isinstance(event, Measured)]
    assert {event.raw for event in measured} == set(values)
    assert all(bool(event.values) != bool(event.problem) for event in measured)


@given(st.lists(st.binary(max_size=30), max_size=5))
async def test_oximeter(values: list[bytes]) -> None:
    told: list[Event] = []
    driver = OximeterDriver(DeafLink(), reporter("oximeter", told), model("oximeter"))
    for raw in values:
        driver.on_continuous(raw)
        driver.on_spot(raw)
    samples = [event for event in told if isinstance(event, OximeterSample)]
    assert len(samples) == len(values)
    assert all(sample.problem is None or (sample.spo2, sample.pulse) == (None, None) for sample in samples)


@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans())
async def test_crp_analyser(pieces: list[bytes], framed: bool) -> None:
    told: list[Event] = []
    driver = CrpDriver(DeafLink(), reporter("crp_analyser", told), model("crp_analyser"))
    for raw in pieces:
        text = b"H|\\^&|||||||||P\r" + raw + b"\rL|1|N\r"
        frame = bytes(lis01.Frame(1, text, last=True))
        driver.on_bytes(lis01.ENQ + frame + lis01.EOT if framed else raw)
    driver.close()
    assert all(bool(event.values) != bool(event.problem) for event in told if isinstance(event, Measured))


@given(st.lists(st.tuples(st.sampled_from(["audio", "control", "digest"]), st.binary(max_size=30)), max_size=10))
async def test_stethoscope(values: list[tuple[str, bytes]]) -> None:
    told: list[Event] = []
    driver = StethoscopeDriver(DeafLink(), reporter("stethoscope", told), model("stethoscope"))
    driver._stream = 1
    receive: dict[str, Callable[[bytes], None]] = {
        "audio": driver.on_audio,
        "control": driver.on_control,
        "digest": driver.on_digest,
    }
    for where, raw in values:
        receive[where](raw)
    for asking in list(driver._asking):
        asking.cancel()
    driver.close()


STAMP = "O|1|S-1||^^^48421-2^CRP|||20261122101200||||||||BLDC\r"


@pytest.mark.parametrize(
    ("result", "problem", "values"),
    [
        ("R|1|^^^48421-2^CRP|12|mg/L|||F", None, ["12 mg/L"]),
        ("R|1|^^^48421-2^CRP|1.2|mg/dL||||F", None, ["1.2 mg/dL"]),
        ("R|1|^^^1988-5^CRP|12|mg/L||||F", "unknown_test", []),
        ("R|1|^^^48421-2^CRP|12|furlong||||F", "unknown_unit", []),
        ("R|1|^^^48421-2^CRP|---|mg/L||||F", "cassette_error", []),
        ("R|1|^^^48421-2^CRP|12|mg/L||||X", "cassette_error", []),
    ],
)
async def test_what_an_analyser_may_say(result: str, problem: str | None, values: list[str]) -> None:
    told: list[Event] = []
    driver = CrpDriver(DeafLink(), reporter("crp_analyser", told), model("crp_analyser"))
    text = f"H|\\^&|||||||||P\r{STAMP}{result}\rL|1|N\r".replace("|||||||||P", "||||||||||P").encode()
    driver.on_bytes(lis01.ENQ + bytes(lis01.Frame(1, text, last=True)) + lis01.EOT)
    driver.close()
    (measured,) = [event for event in told if isinstance(event, Measured)]
    assert measured.problem == problem
    assert [f"{value.value} {value.unit}" for value in measured.values] == values


@pytest.mark.parametrize("processing", ["Q", "T", "D"])
async def test_quality_control_is_not_told(processing: str) -> None:
    told: list[Event] = []
    driver = CrpDriver(DeafLink(), reporter("crp_analyser", told), model("crp_analyser"))
    text = f"H|\\^&||||||||||{processing}\r{STAMP}R|1|^^^48421-2^CRP|12|mg/L||||F\rL|1|N\r".encode()
    driver.on_bytes(lis01.ENQ + bytes(lis01.Frame(1, text, last=True)) + lis01.EOT)
    driver.close()
    assert not [event for event in told if isinstance(event, Measured)]
