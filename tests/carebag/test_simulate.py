"""`carebag simulate` from outside: its options, its control address, and devices on controllers of another process."""

import argparse
import asyncio
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bumble.transport import open_transport

from carebag import stage
from carebag.cli import main
from carebag.processes import free_port
from carebag.simulation import Simulation
from carebag.stage import Stage
from carebag_devices.bag import Bag
from carebag_devices.bleak_link import BleakRadio
from carebag_devices.events import Event, Measured
from carebag_devices.lab.faults import Script, Step
from carebag_devices.lab.recorder import RecordingRadio
from carebag_devices.lab.session_file import Line, Session, as_text
from carebag_devices.radio.central import Central
from carebag_devices.radio.link_model import LinkController, RadioLink
from carebag_devices.sim.controllers import ForeignRadio, NoController

PATIENCE_S = 30.0


def parsed(*words: str) -> Stage:
    parser = argparse.ArgumentParser()
    stage.add_arguments(parser)
    return stage.stage_of(parser.parse_args(words))


def test_the_default_stage_has_all_seven_kinds() -> None:
    made = parsed()
    assert len(made.devices) == made.size == 7
    assert (made.scenario, made.seed, made.models, made.script) == ("everyday", 1, {}, None)


def test_a_stage_goes_to_another_process_and_comes_out_the_same(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(
        '{"seed": 9, "scenario": "septic", "devices": {"cuff": "beurer_bm85"}}\n'
        '{"at_s": 1, "device": "cuff", "fault": "duplicate"}\n'
    )
    made = parsed("--devices", "cuff,scale", "--model", "scale=and_uc352", "--faults", str(script), "--speed", "2")
    assert (made.seed, made.scenario, made.devices) == (9, "septic", ("cuff",))
    assert made.models == {"cuff": "beurer_bm85", "scale": "and_uc352"}
    assert parsed(*stage.as_arguments(made, tmp_path / "again.jsonl")) == made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "toaster"], "some of cuff"),
        (["--devices", ""], "some of cuff"),
        (["--model", "cuff=and_uc352"], "'and_uc352' is no cuff of the catalog"),
        (["--model", "toaster=x"], "'toaster' is none of"),
        (["--scenario", "well"], "invalid choice"),
        (["--faults", "/nowhere"], "No such file"),
        (["--replay", "/nowhere"], "No such file"),
    ],
)
def test_bad_options_say_what_is_good(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"devices": {"cuff": "and_uc352"}}', "line 1: 'and_uc352' is no cuff of the catalog"),
        (b'{"devices": {"cuff": null}}\n{"device": "scale", "do": "measure"}', "line 2: the first line names no scale"),
        (b"\xff\xfe\x91", "no text in UTF-8"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, said: str
) -> None:
    (tmp_path / "script.jsonl").write_bytes(text)
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--faults", str(tmp_path / "script.jsonl")])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_replay_without_instruments_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(as_text([Line(0.0, "advert", address="C6:00:00:00:00:01")]))
    with pytest.raises(SystemExit):
        main(["simulate", "--replay", str(path)])
    assert "no instrument was connected to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--transport", "usb:0"], "7 devices and 1 controllers: a controller carries one device"),
        (["--devices", "cuff,scale", "--transport", "usb:0"], "2 devices and 1 controllers"),
        (["--transport", "vhci", "--transport", "usb:0"], "vhci carries every device"),
        (["--devices", "cuff", "--transport", "nothing:0"], "nothing:0"),
    ],
)
def test_what_no_controller_carries_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        main(["simulate", *words, "--control", str(free_port(0))])


def ask(url: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, data), timeout=PATIENCE_S) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


async def asked(url: str, path: str, body: Any = None) -> tuple[int, Any]:
    return await asyncio.to_thread(ask, url, path, body)


async def test_a_script_that_asks_for_what_there_is_not_says_so(caplog: pytest.LogCaptureFixture) -> None:
    script = Script((Step(0.0, "scale", fault="fill_memory"), Step(0.0, "scale", fault="clip")))
    async with Simulation("in_process", Stage(devices=("scale",), script=script)) as simulation:
        while not caplog.records:  # noqa: ASYNC110 - a log line wakes nobody
            await asyncio.sleep(0.01)
        assert len(simulation.bag.devices["scale"].memory) == 60  # type: ignore[attr-defined]
    assert caplog.messages == ["the script of faults ended early: scale: clip"]


async def test_the_control_address() -> None:
    async with Simulation("in_process", Stage(speed=50, models={"cuff": "beurer_bm85"})) as simulation:
        url = await simulation.serve(free_port(0))
        assert await asked(url, "/health") == (200, {"mode": "in_process"})
        _, devices = await asked(url, "/devices")
        assert set(devices) == {
            "cuff", "oximeter", "thermometer", "scale", "glucose_meter", "stethoscope", "crp_analyser",
        }  # fmt: skip
        assert (devices["cuff"]["name"], devices["cuff"]["stored"], devices["cuff"]["connected"]) == ("BM85", 0, False)
        assert "measure" in devices["scale"]["actions"]
        assert (await asked(url, "/press", {"device": "cuff", "action": "fill_memory"}))[0] == 204
        assert (await asked(url, "/devices"))[1]["cuff"]["stored"] == 60
        taken = (await asked(url, "/taken"))[1]
        assert len(taken["cuff"]) == 60
        assert {value["name"] for value in taken["cuff"][0]["values"]} == {"systolic", "diastolic", "mean", "pulse"}
        assert (await asked(url, "/fault", {"device": "cuff", "fault": "low_battery", "amount": 3}))[0] == 204
        assert (await asked(url, "/devices"))[1]["cuff"]["battery"] == 3
        for path, body in (
            ("/press", {"device": "cuff", "action": "explode"}),
            ("/press", {"device": "toaster", "action": "measure"}),
            ("/press", []),
        ):
            assert await asked(url, path, body) == (400, {"code": "unknown_action"})
        for body in ({"device": "scale", "fault": "clip"}, {"device": "cuff", "do": "measure"}, {"fault": 5}, []):
            assert await asked(url, "/fault", body) == (400, {"code": "unknown_fault"})
        assert (await asked(url, "/departures"))[1]["cuff"] == []
        assert (await asked(url, "/frames"))[1] == []


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"in use.*port {port}"):
            main(["simulate", "--devices", "cuff", "--control", str(port)])


async def heard_by_a_kit(simulation: Simulation, until: Callable[[list[Event]], Any]) -> list[Event]:
    """What the simulation's devices tell a bag over its radio."""
    events: list[Event] = []
    news = asyncio.Event()

    def sink(event: Event) -> None:
        events.append(event)
        news.set()

    radio = simulation.radio
    bag = Bag(
        sink=sink,
        monotonic=time.monotonic,
        backend=radio.backend,
        scanner_backend=radio.scanner_backend,
        simulated=False,
    )
    running = asyncio.create_task(bag.run())
    async with asyncio.timeout(PATIENCE_S):
        while not until(events):
            news.clear()
            await news.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return events


def readings(events: list[Event]) -> list[Measured]:
    return [event for event in events if isinstance(event, Measured)]


async def test_a_recorded_cuff_is_played_again_over_bluetooth() -> None:
    """Recorded from a simulated one, over the same stack."""
    lines: list[Line] = []
    async with Simulation("in_process", Stage(devices=("cuff",), models={"cuff": "omron_x4_smart"})) as simulation:
        await simulation.bag.press("cuff", "fill_memory")
        radio = BleakRadio(simulation.radio.backend, simulation.radio.scanner_backend)
        recording = RecordingRadio(radio, lines.append, time.monotonic)
        events: list[Event] = []
        bag = Bag(sink=events.append, monotonic=time.monotonic, radio=recording, simulated=False)
        running = asyncio.create_task(bag.run())
        async with asyncio.timeout(PATIENCE_S):
            while len(readings(events)) < 60:  # noqa: ASYNC110 - the sink cannot wake anybody
                await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    for recorded in (lines, slower_from_the_first_push(lines)):
        session = Session.parse(as_text(recorded))
        async with Simulation("in_process", Stage(session=session)) as simulation:
            again = await heard_by_a_kit(simulation, lambda events: len(readings(events)) >= 60)
        assert [one.raw for one in readings(again)] == [one.raw for one in readings(events)]
        assert all(one.identity.simulated for one in readings(again))


def slower_from_the_first_push(lines: list[Line]) -> list[Line]:
    """As if the kit of then had been slow: today's asks for the next characteristic before the first push is due."""
    first = next(at for at, line in enumerate(lines) if line.what == "push")
    return [*lines[:first], *(replace(line, at_s=line.at_s + 0.5) for line in lines[first:])]


@asynccontextmanager
async def dongle(link: RadioLink) -> AsyncIterator[str]:
    """A controller that another process reaches by TCP, as it would reach a dongle by USB."""
    port = free_port(0)
    transport: Any = await open_transport(f"tcp-server:127.0.0.1:{port}")
    controller = LinkController("dongle", link=link, host_source=transport.source, host_sink=transport.sink)
    try:
        yield f"tcp-client:127.0.0.1:{port}"
    finally:
        controller.le_legacy_advertiser.stop()
        link.controllers.discard(controller)
        await transport.close()
        transport.server.close()  # Bumble leaves it open


async def test_a_device_on_another_processs_controller() -> None:
    """`carebag simulate` is Bluetooth host of a controller that is not its own: what a USB dongle is, without USB."""
    link = RadioLink()
    async with dongle(link) as name, Central(link.new_hci("central")) as central:
        words = ["simulate", "--devices", "scale", "--speed", "50", "--transport", name, "--control", "0"]
        port = free_port(0)
        words[-1] = str(port)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "carebag.cli", *words, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(PATIENCE_S):
                assert await process.stdout.readline() == f"control: http://127.0.0.1:{port}\n".encode()
                connected = await central.connect("C6:00:00:00:00:06", PATIENCE_S)
            await connected.pair()
            found = {each.uuid[4:8]: each for service in await connected.discover() for each in service.characteristics}
            maker = await connected.read(found["2a29"].value_handle)
            assert maker == b"Carebag simulator"
            values: asyncio.Queue[bytes] = asyncio.Queue()
            await connected.subscribe(found["2a9d"], values.put_nowait)
            assert (await asked(f"http://127.0.0.1:{port}", "/press", {"device": "scale", "action": "measure"}))[
                0
            ] == 204
            async with asyncio.timeout(PATIENCE_S):
                weight = await values.get()
            (taken,) = (await asked(f"http://127.0.0.1:{port}", "/taken"))[1]["scale"]
            assert int.from_bytes(weight[1:3], "little") * 5 == round(float(taken["values"][0]["value"]) * 1000)
            await connected.close()
        finally:
            process.terminate()
            await process.wait()
    link.close()


async def test_two_devices_need_two_controllers() -> None:
    link = RadioLink()
    async with dongle(link) as one, dongle(link) as two:
        with pytest.raises(NoController, match="2 devices and 1 controllers"):
            ForeignRadio([one], 2)
        async with Simulation(ForeignRadio([one, two], 2), Stage(devices=("cuff", "scale"))) as simulation:
            await simulation.bag.press("cuff", "vanish")
            await simulation.bag.press("scale", "measure")
            await simulation.bag.lose("scale")
    link.close()
