"""`carebag simulate`: the instruments of the bag without a bag, for a kit that runs beside it."""

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from carebag.simulation import Simulation
from carebag.sound_sources import sound_source
from carebag_devices.radio.simulated_radio import best_mode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--control", type=int, default=8473, metavar="PORT", help="control port on 127.0.0.1")
    parser.add_argument("--recordings", help="folder of WAV files for the stethoscope; default: synthetic heart sounds")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same body")
    parser.add_argument("--speed", type=float, default=1.0, help="hurries the cuff and the analyser")
    parser.add_argument("--ready-file", type=Path, help="where to write the D-Bus address and control URL, as JSON")


def run(args: argparse.Namespace) -> int:
    asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    if best_mode() != "dbus":
        raise SystemExit("no dbus-daemon here: use  carebag kit --simulated  which runs them itself")
    sound = sound_source(args.recordings, args.seed)
    async with Simulation("dbus", sound, seed=args.seed, speed=args.speed) as simulation:
        url = await simulation.serve(args.control)
        ready = json.dumps({"bus": simulation.radio.bus_address, "control": url})
        if args.ready_file:
            part = args.ready_file.with_suffix(".part")
            part.write_text(ready)
            part.rename(args.ready_file)
        print(f"DBUS_SYSTEM_BUS_ADDRESS={simulation.radio.bus_address}\ncontrol: {url}", flush=True)
        await until_told_to_stop()


async def until_told_to_stop() -> None:
    """Return at SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, told.set)
    await told.wait()
