"""Streams a simulated stethoscope for minutes and says what was lost and what it cost, as JSON.

    python devices/bench/stethoscope_stream.py --minutes 30 --rate 8000 --format rice

The stethoscope and its radio run in a child process on a private D-Bus with a BlueZ-shaped service; this process is
the kit's side: bag, driver, bleak with its own BlueZ backend. `process_cpu_percent` is all of it, `driver_cpu_percent`
the driver's callbacks alone (decoding, ordering, digests, telling), both of one core.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from carebag_devices.bag import Bag
from carebag_devices.codecs.auscultation import Format
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.events import Event, SoundFrame, SoundStopped
from carebag_devices.radio.simulated_radio import BUS_VARIABLE, SimulatedRadio
from carebag_devices.sim.stethoscope import Stethoscope

READY_WITHIN_S = 30.0
SETTLE_S = 2.0
"""Connection and first frames are not the stream: measuring begins after them."""
STREAM = 1


@dataclass
class Count:
    """What came, and how long our own code worked on it (thread CPU time)."""

    samples: int = 0
    frames: int = 0
    lost: int = 0
    next_sample: int = 0
    octets: int = 0
    driver_ns: int = 0
    longest_ns: int = 0
    driver: StethoscopeDriver | None = None
    stopped: SoundStopped | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: Event) -> None:
        """The kit's place: counts, keeps nothing."""
        if isinstance(event, SoundFrame):
            self.frames += 1
            self.samples += len(event.samples)
            self.lost += event.first_sample - self.next_sample
            self.next_sample = event.first_sample + len(event.samples)
        elif isinstance(event, SoundStopped):
            self.lost += event.samples - self.next_sample
            self.stopped = event
            self.news.set()


def measured(count: Count, name: str) -> None:
    """Put a stop-watch around one of the driver's callbacks."""
    plain: Callable[[StethoscopeDriver, bytes], None] = getattr(StethoscopeDriver, name)

    @functools.wraps(plain)
    def watched(driver: StethoscopeDriver, raw: bytes) -> None:
        begun = time.thread_time_ns()
        plain(driver, raw)
        spent = time.thread_time_ns() - begun
        count.driver = driver
        count.octets += len(raw)
        count.driver_ns += spent
        count.longest_ns = max(count.longest_ns, spent)

    setattr(StethoscopeDriver, name, watched)


async def air(ready: Path, recordings: str | None, seed: int) -> None:
    """The child: radio, D-Bus and stethoscope, until told to stop."""
    from carebag.sound_sources import sound_source

    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with SimulatedRadio("dbus") as radio:
        pair = radio.new_peripheral_hci("stethoscope")
        stethoscope = Stethoscope(pair.source, pair.sink, sound_source=sound_source(recordings, seed), now=time.time)
        await stethoscope.start()
        part = ready.with_suffix(".part")
        part.write_text(str(radio.bus_address))
        part.rename(ready)
        await told.wait()
        await stethoscope.stop()


async def until_there(path: Path, child: "subprocess.Popen[bytes]") -> str:
    async with asyncio.timeout(READY_WITHIN_S):
        while not await asyncio.to_thread(path.exists):
            if child.poll() is not None:
                raise SystemExit("the simulated radio did not start")
            await asyncio.sleep(0.05)
    return await asyncio.to_thread(path.read_text)


async def stream(args: argparse.Namespace, count: Count) -> dict[str, Any]:
    """Connect, listen, measure, stop."""
    bag = Bag(sink=count.take, monotonic=time.monotonic, simulated=True)
    running = asyncio.create_task(bag.run())
    try:
        await bag.listen(STREAM, args.rate)
        await asyncio.sleep(SETTLE_S)
        figures = await over_time(args.minutes * 60, count)
        await bag.stop_listening()
        async with asyncio.timeout(READY_WITHIN_S):
            await count.news.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return figures


async def over_time(seconds: float, count: Count) -> dict[str, Any]:
    process, wall, cpu = psutil.Process(), time.monotonic(), time.process_time()
    count.driver_ns, count.longest_ns, octets, frames = 0, 0, count.octets, count.frames
    loads: list[float] = []
    while (left := seconds - (time.monotonic() - wall)) > 0:
        await asyncio.sleep(min(left, 10.0))
        loads.append(os.getloadavg()[0])
    elapsed = time.monotonic() - wall
    return {
        "seconds": round(elapsed, 1),
        "process_cpu_percent": round(100 * (time.process_time() - cpu) / elapsed, 2),
        "driver_cpu_percent": round(count.driver_ns / 1e7 / elapsed, 2),
        "longest_callback_ms": round(count.longest_ns / 1e6, 2),
        "frames_per_second": round((count.frames - frames) / elapsed, 1),
        "kbit_per_second": round(8 * (count.octets - octets) / 1000 / elapsed, 1),
        "rss_mb": round(process.memory_info().rss / 2**20, 1),
        "load_average": [round(min(loads), 2), round(max(loads), 2)],
    }


async def measure(args: argparse.Namespace, child: "subprocess.Popen[bytes]", ready: Path) -> dict[str, Any]:
    os.environ[BUS_VARIABLE] = await until_there(ready, child)
    count = Count()
    StethoscopeDriver.formats = (Format.PCM16,) if args.format == "pcm16" else StethoscopeDriver.formats
    measured(count, "on_audio")
    measured(count, "on_digest")
    figures = await stream(args, count)
    assert count.driver is not None
    tally = count.driver.tally
    return {
        "command": " ".join(["stethoscope_stream.py", *sys.argv[1:]]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "samples": count.samples,
        "lost": count.lost,
        "gaps": tally.gaps,
        "repaired_frames": tally.repaired,
        "doubled_frames": tally.doubled,
        "unreadable_frames": count.driver.unreadable,
        "digests": {"verified": tally.verified, "mismatched": tally.mismatched, "incomplete": tally.incomplete},
        **figures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rate", type=int, default=8000, choices=(4000, 8000, 16000), help="Hz")
    parser.add_argument("--format", default="rice", choices=("rice", "pcm16"))
    parser.add_argument("--recordings", help="folder of WAV files; default: synthetic heart sounds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--air", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.air:
        asyncio.run(air(args.air, args.recordings, args.seed))
        return
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "bus"
        command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--air", str(ready)]
        child = subprocess.Popen(command)  # noqa: S603  this very file
        try:
            figures = asyncio.run(measure(args, child, ready))
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
