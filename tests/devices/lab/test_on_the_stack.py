"""The same fault scripts over the whole stack: Bumble's host and link, bleak, and BlueZ's face on D-Bus.

In real time, so few of them: the thousands run in virtual time. CAREBAG_STACK_SCRIPTS=N runs N.
"""

import logging
import os
import shutil
import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from carebag_devices.bag import Bag
from carebag_devices.lab.faults import Script
from carebag_devices.lab.judgement import judge
from carebag_devices.lab.script import random_script
from carebag_devices.lab.trial import HURRIED, attempt
from carebag_devices.radio.simulated_radio import Mode, SimulatedRadio

HURRY = 40.0
SCRIPTS = int(os.environ.get("CAREBAG_STACK_SCRIPTS", "2"))
NEEDS_DBUS = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("dbus-daemon") is None, reason="no dbus-daemon here"
)


def options(mode: Mode) -> Any:
    if mode == "in_process":
        return None
    from carebag_devices.radio.fake_bluez import Options

    return Options(disconnect_s=0.0)


def playable(script: Script, mode: Mode) -> Script:
    """In process nobody can type six digits."""
    plain = {**script.devices, "glucose_meter": None} if "glucose_meter" in script.devices else script.devices
    return script if mode == "dbus" else replace(script, devices=plain)


@pytest.mark.parametrize("mode", ["in_process", pytest.param("dbus", marks=[pytest.mark.radio, NEEDS_DBUS])])
@pytest.mark.parametrize("seed", range(SCRIPTS))
async def test_nothing_is_wrong_lost_twice_or_old_told_as_new(
    mode: Mode, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    script = playable(random_script(1000 + seed).hurried(HURRY), mode)
    async with SimulatedRadio(mode, options=options(mode)) as radio:

        def make_bag(sink: Any) -> Bag:
            return Bag(
                sink=sink,
                monotonic=time.monotonic,
                backend=radio.backend,
                scanner_backend=radio.scanner_backend,
                simulated=False,
                wall=lambda: datetime.now().astimezone(),
            )

        trial = await attempt(script, radio.link, make_bag, now=time.time, pace=HURRIED)
    assert judge(trial) == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
