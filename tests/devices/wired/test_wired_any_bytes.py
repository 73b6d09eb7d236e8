"""Whatever comes over a wire, the kit goes on, and the next analyser that makes sense is heard."""

import random
from typing import Any

import pytest

from carebag_devices.catalog import model_named
from carebag_devices.codecs import afinion, lis01, poct1a
from carebag_devices.codecs.poct1a import Message
from carebag_devices.events import DeviceState as S
from carebag_devices.sim.lab_afinion import AfinionAnalyser
from carebag_devices.sim.lab_lis2 import Lis2Analyser
from carebag_devices.sim.lab_poct1a import Poct1aAnalyser
from carebag_devices.sim.lab_wire import plugged
from carebag_devices.wired import afinion as afinion_session
from carebag_devices.wired import run_wired, wired_identity
from carebag_devices.wired.address import Dial
from carebag_devices.wired.stream import open_stream

GOOD_STARTS = {
    "lis2_serial": lis01.ENQ + b"\x021H|\\^&\r",
    "afinion_as100": bytes(afinion.Packet(1, afinion.PATIENT_RECORDS + b"\xff" * 2560)),
    "poct1a_analyser": bytes(Message("1", "", poct1a.Hello())) + b"<OBS.R01><HDR>",
}
ANALYSERS: dict[str, Any] = {
    "lis2_serial": lambda: Lis2Analyser(speed=200.0),
    "afinion_as100": AfinionAnalyser,
    "poct1a_analyser": Poct1aAnalyser,
}


@pytest.mark.parametrize("key", list(GOOD_STARTS))
async def test_noise_is_survived(kit, in_background, unused_tcp_port: int, key: str, monkeypatch, caplog) -> None:
    monkeypatch.setattr(afinion_session, "POLL_S", 0.02)
    url, model = f"tcp-listen://127.0.0.1:{unused_tcp_port}", model_named(key)
    dice = random.Random(key)
    async with in_background(run_wired(url, model, kit.reporter(wired_identity(url, model)))):
        await kit.until_state(S.UNSEEN)
        for _ in range(30):
            stream = await open_stream(Dial("127.0.0.1", unused_tcp_port))
            await stream.write(dice.choice([b"", GOOD_STARTS[key]]) + dice.randbytes(dice.randrange(1, 400)))
            await stream.close()
        analyser = ANALYSERS[key]()
        analyser.give("12")
        async with plugged(f"tcp://127.0.0.1:{unused_tcp_port}") as plug, in_background(analyser.run(plug)):
            await kit.until(lambda: any(event.problem is None for event in kit.journal.values()))
    values = [one.value for event in kit.journal.values() for one in event.values]
    assert [int(value) for value in values] == [12]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
