"""The published specification says what our code does: its tables, its vectors, its worked example, its C."""

import asyncio
import ctypes
import json
import re
import shutil
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.catalog import CATALOG
from carebag_devices.codecs import auscultation, rice
from carebag_devices.codecs import auscultation_control as control
from carebag_devices.codecs.auscultation import AudioFrame, Digest, Format, Info
from carebag_devices.codecs.auscultation_control import Ended, MarkKey, Opcode, Response, Status
from carebag_devices.codecs.crc32c import crc32c
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.errors import Malformed
from carebag_devices.events import Event, Identity, SoundFrame, SoundStopped
from carebag_devices.link import Receive

TEXT = (Path(__file__).parents[2] / "docs/open-auscultation-stream.md").read_text()
FLAGS = ("overrun", "clipped", "no_contact", "retransmitted")


def vectors(name: str) -> list[dict[str, Any]]:
    found = re.search(rf"<!-- vectors: {name} -->\n```json\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None, name
    read: list[dict[str, Any]] = json.loads(found[1])
    assert read, name
    return read


def every(name: str) -> Any:
    return pytest.mark.parametrize("vector", vectors(name), ids=lambda vector: vector["hex"][:40])


@every("frames")
def test_frames(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    frame = AudioFrame.parse(raw)
    assert bytes(frame) == raw
    assert (frame.seq, frame.first_sample, frame.fmt) == (
        vector["seq"],
        vector["first_sample"],
        Format[vector["format"].upper()],
    )
    assert [flag for flag in FLAGS if getattr(frame, flag)] == vector["flags"]
    assert frame.samples.tolist() == vector["samples"]


@every("refused")
def test_damaged_frames(vector: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        AudioFrame.parse(bytes.fromhex(vector["hex"]))


@every("commands")
def test_commands(vector: dict[str, Any]) -> None:
    command = control.parse_command(bytes.fromhex(vector.pop("hex")))
    assert command.opcode is Opcode[vector.pop("op").upper()]
    assert vars(command) == vector


@every("indications")
def test_indications(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    said = control.parse_indication(raw)
    assert bytes(said) == raw
    match said:
        case Response():
            expected = (Opcode[vector["answer"].upper()], vector["status"], bytes.fromhex(vector["result"]))
            assert (said.opcode, said.status, said.result) == expected
        case MarkKey():
            assert (vector["notice"], vector["sample"]) == ("key", said.sample)
        case Ended():
            assert (vector["notice"], vector["sample"], vector["seq"]) == ("ended", said.end.sample, said.end.seq)


@every("info")
def test_info(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    info = Info.parse(raw)
    assert bytes(info) == raw
    assert (info.version, info.bits, info.ring_frames) == (vector["version"], vector["bits"], vector["ring"])
    assert [rate for rate in auscultation.RATES_HZ if info.supports(rate)] == vector["rates_hz"]
    assert [fmt.name.lower() for fmt in Format if info.offers(fmt)] == vector["formats"]
    full_scale = vector["full_scale_pa"]
    assert info.full_scale == (Special.NAN if full_scale is None else Decimal(full_scale))


@every("digests")
def test_digests(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["pcm16"])
    assert Digest.parse(bytes.fromhex(vector["hex"])) == Digest(vector["first_sample"], vector["n"], crc32c(data))
    assert len(data) == 2 * vector["n"]


class Replayed:
    """The conversation's device: after each line of the host it says its own lines."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.lost = asyncio.Event()
        self.lines = lines
        self.receive: dict[str, Receive] = {}
        self.over = asyncio.Event()

    def has(self, _characteristic: str) -> bool:
        return True

    async def pair(self) -> None: ...

    async def disconnect(self) -> None: ...

    async def read(self, _characteristic: str) -> bytes:
        return bytes.fromhex(vectors("info")[0]["hex"])

    async def subscribe(self, characteristic: str, receive: Receive) -> None:
        names = {auscultation.AUDIO: "audio", auscultation.CONTROL: "control", auscultation.DIGEST: "digest"}
        self.receive[names[characteristic]] = receive

    async def write(self, characteristic: str, data: bytes) -> None:
        assert characteristic == auscultation.CONTROL
        line = self.lines.pop(0)
        assert (line["from"], line["hex"]) == ("host", data.hex())
        while self.lines and self.lines[0]["from"] == "device":
            line = self.lines.pop(0)
            self.receive[line["on"]](bytes.fromhex(line["hex"]))
        if self.lines and self.lines[0]["hex"] == "02":
            self.over.set()


async def test_the_conversation_is_the_one_our_driver_holds() -> None:
    told: list[Event] = []

    def tell(event: Event) -> bool:
        told.append(event)
        return True

    link = Replayed(vectors("conversation"))
    report = Reporter(Identity("C6:00:00:00:00:03", "stethoscope"), tell, Ledger(time.monotonic))
    driver = StethoscopeDriver(link, report, next(model for model in CATALOG if model.driver == "auscultation"))
    await driver.subscribe()
    await driver.listen(7, 8000)
    await asyncio.wait_for(link.over.wait(), 5)
    await driver.stop()
    sound = b"".join(event.samples.tobytes() for event in told if isinstance(event, SoundFrame))
    assert sound.hex() == vectors("digests")[0]["pcm16"]
    assert [event.samples for event in told if isinstance(event, SoundStopped)] == [36]
    tally = driver.tally
    assert (tally.verified, tally.repaired, tally.gaps, tally.mismatched) == (1, 1, 0, 0)
    assert link.lines == []


def test_the_worked_example() -> None:
    example = re.search(r"### Worked example\n\n(.*?)\n\n.*?As frame 0 of a stream: `(.*?)`", TEXT, re.DOTALL)
    assert example is not None
    samples = [int(number) for number in example[1].split("\n")[0].split()[1:]]
    data = re.search(r"^    data  +((?:[0-9a-f]{2} )+)", TEXT, re.MULTILINE)
    assert data is not None
    assert rice.encode(np.array(samples, np.int16)) == bytes.fromhex(data[1])
    assert AudioFrame.parse(bytes.fromhex(example[2].replace("|", ""))).samples.tolist() == samples


def test_what_the_tables_say() -> None:
    for uuid in (
        auscultation.SERVICE,
        auscultation.AUDIO,
        auscultation.CONTROL,
        auscultation.DIGEST,
        auscultation.INFO,
    ):
        assert f"`{uuid}`" in TEXT
    for opcode in Opcode:
        assert f"| {opcode:02x} | {opcode.name} |" in TEXT
    for status in Status:
        assert f"| {status:02x} {status.name.lower().replace('_', ' ').replace('mtu', 'MTU')} |" in TEXT
    assert f"below {auscultation.MIN_MTU}:" in TEXT
    assert f"every {auscultation.DIGEST_FRAMES}th frame" in TEXT
    assert f"after every {auscultation.DIGEST_FRAMES}th frame" in TEXT
    assert f"n | samples in the frame, 1 to {auscultation.MAX_FRAME_SAMPLES} |" in TEXT
    assert (rice.MAX_ORDER, rice.MAX_PARAMETER) == (4, 14)
    assert crc32c(b"123456789") == 0xE3069283


@pytest.fixture(scope="module")
def rice_encode(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The document's own encoder, compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")
    code = re.search(r"<!-- code: rice_encode -->\n```c\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    folder = tmp_path_factory.mktemp("rice")
    (folder / "rice.c").write_text(code[1])
    options = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover"]
    plain = [option for option in options if "sanitize" not in option]
    for chosen in (options, plain):
        command = [compiler, *chosen, "-shared", "-fPIC", "-o", str(folder / "rice.so"), str(folder / "rice.c")]
        if subprocess.run(command, check=False).returncode == 0:
            break
    else:
        pytest.fail("the document's C does not compile")
    function = ctypes.CDLL(str(folder / "rice.so")).rice_encode
    function.restype = ctypes.c_size_t

    def encode(samples: np.ndarray) -> bytes | None:
        room = ctypes.create_string_buffer(2 * len(samples))
        length = function(samples.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint(len(samples)), room)
        return room.raw[:length] or None

    return encode


INT16 = st.integers(-32768, 32767)


@given(st.lists(INT16, min_size=1, max_size=255) | st.lists(st.integers(-60, 60), min_size=1, max_size=255))
def test_the_documents_c_codes_as_we_do(rice_encode: Any, values: list[int]) -> None:
    for samples in (np.array(values, np.int16), np.cumsum(values).astype(np.int16)):
        assert rice_encode(samples) == rice.encode(samples)
