"""A sound card without hardware: a private PulseAudio with a sink of its own, heard through ALSA by PortAudio.

What is played into the sink `bell` is captured from the input `bell`: all in user space, nothing of this machine's
sound is touched.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carebag_devices.catalog import CATALOG, Model
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.events import DeviceState, Event, Identity, SoundFrame, StateChanged

RATE_HZ = 8000
PATIENCE_S = 20.0
PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"


class Kit:
    """Takes what the driver tells, and waits for what should come."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self._news = asyncio.Event()
        identity = Identity("sound:bell", "stethoscope")
        self.report = Reporter(identity, self.take, Ledger(time.monotonic))

    @property
    def model(self) -> Model:
        return next(model for model in CATALOG if model.driver == "sound_card")

    def take(self, event: Event) -> bool:
        self.told.append(event)
        self._news.set()
        return True

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def states(self) -> list[DeviceState]:
        return [event.state for event in self.of(StateChanged)]

    def sound(self) -> NDArray[np.int16]:
        return np.concatenate([np.zeros(0, np.int16), *(frame.samples for frame in self.of(SoundFrame))])

    async def until(self, condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found

    async def until_state(self, state: DeviceState) -> None:
        await self.until(lambda: self.states()[-1:] == [state])


@pytest.fixture
async def kit() -> Kit:
    return Kit()


class Pulse:
    """The private PulseAudio. `play` returns when the sound has been played."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "pulse.socket"
        self._server: subprocess.Popen[bytes] | None = None
        self._environment = os.environ | {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        }
        (folder / "alsa.conf").write_text(
            "</usr/share/alsa/alsa.conf>\n"
            f'pcm.bell {{ type pulse server "unix:{self.socket}" device "bell.monitor"\n'
            '  hint { show on description "bell" } }\n'
        )

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        modules = [
            f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}",
            f"module-null-sink sink_name=bell rate={RATE_HZ} channels=1 format=s16le",
        ]
        options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-target=stderr"]
        command = ["pulseaudio", *options, "--realtime=no", "--high-priority=no", "--disable-shm=yes"]
        for module in modules:
            command += ["-L", module]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, env=self._environment, stderr=log, stdout=log)
        begun = time.monotonic()
        while not self.socket.exists():
            assert self._server.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() - begun < PATIENCE_S
            time.sleep(0.02)

    def stop(self) -> None:
        """The plug is pulled."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        self._server = None

    async def play(self, samples: NDArray[np.int16]) -> None:
        path = self.folder / "sound.raw"
        path.write_bytes(samples.astype("<i2").tobytes())
        options = ["--device=bell", "--raw", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le"]
        command = ["paplay", f"--server=unix:{self.socket}", *options, str(path)]
        player = await asyncio.create_subprocess_exec(*command, env=self._environment)
        try:
            assert await player.wait() == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                player.kill()


def _missing() -> str | None:
    """Why the real sound tests cannot run here."""
    for program in ("pulseaudio", "paplay"):
        if shutil.which(program) is None:
            return f"no {program}: apt-get install pulseaudio pulseaudio-utils"
    if not any(Path("/usr/lib").glob(f"*/{PLUGIN}")):
        return "no ALSA plugin for PulseAudio: apt-get install libasound2-plugins"
    if importlib.util.find_spec("sounddevice") is None:
        return "no sounddevice: pip install carebag[sound]"
    try:
        importlib.import_module("sounddevice")
    except OSError:
        return "no PortAudio: apt-get install libportaudio2"
    return None


@pytest.fixture
def pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    if reason := _missing():
        pytest.skip(reason)
    pulse = Pulse(tmp_path)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "alsa.conf"))
    pulse.start()
    yield pulse
    pulse.stop()


@pytest.fixture
async def run() -> AsyncIterator[Callable[[Any], asyncio.Task[None]]]:
    """Start a driver's loop; it is ended with the test."""
    tasks: list[asyncio.Task[None]] = []

    def begin(loop: Any) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(loop))
        return tasks[-1]

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
