"""`carebag simulate`: the instruments of the bag without a bag, for a kit that runs beside it."""

import argparse
import asyncio
import contextlib
import json
import signal
from dataclasses import replace
from pathlib import Path

from carebag import stage
from carebag.simulation import Simulation
from carebag_devices.lab.session_file import BadSession, Session, read_session
from carebag_devices.radio.simulated_radio import Mode, best_mode
from carebag_devices.sim.controllers import ForeignRadio, NoController


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--control", type=int, default=8473, metavar="PORT", help="control port on 127.0.0.1")
    stage.add_arguments(parser)
    parser.add_argument(
        "--transport",
        action="append",
        default=[],
        metavar="NAME",
        help="put them on another radio than the simulated one: vhci (all of them behind this machine's own Bluetooth),"
        " or usb:0 and other names of Bumble's, one for each device",
    )
    parser.add_argument(
        "--replay", type=_session, metavar="FILE", help="the instruments of a session that a kit recorded, instead"
    )
    parser.add_argument("--ready-file", type=Path, help="where to write the D-Bus address and control URL, as JSON")


def _session(text: str) -> Session:
    try:
        session = read_session(Path(text))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    except BadSession as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    if not session.addresses():
        raise argparse.ArgumentTypeError(f"{text}: no instrument was connected to")
    return session


def run(args: argparse.Namespace) -> int:
    try:
        asyncio.run(_serve(args))
    except NoController as error:
        raise SystemExit(f"carebag simulate: {error}") from None
    except OSError as error:
        raise SystemExit(f"carebag simulate: {error.strerror or type(error).__name__} (port {args.control})") from None
    return 0


def _radio(args: argparse.Namespace, devices: int) -> Mode | ForeignRadio:
    if args.transport:
        return ForeignRadio(args.transport, devices)
    if best_mode() != "dbus":
        raise SystemExit("no dbus-daemon here: use  carebag kit --simulated  which runs them itself")
    return "dbus"


async def _serve(args: argparse.Namespace) -> None:
    set_up = replace(stage.stage_of(args), session=args.replay)
    async with Simulation(_radio(args, set_up.size), set_up) as simulation:
        url = await simulation.serve(args.control)
        ready = json.dumps({"bus": simulation.radio.bus_address, "control": url})
        if args.ready_file:
            part = args.ready_file.with_suffix(".part")
            part.write_text(ready)
            part.rename(args.ready_file)
        if simulation.radio.bus_address:
            print(f"DBUS_SYSTEM_BUS_ADDRESS={simulation.radio.bus_address}")
        print(f"control: {url}", flush=True)
        await until_told_to_stop()


async def until_told_to_stop() -> None:
    """Return at SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, told.set)
    await told.wait()
