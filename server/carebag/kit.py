"""`carebag kit`: the bag with this machine's Bluetooth, or with simulated instruments."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from av import VideoFrame

from carebag import kit_key_commands, stage
from carebag_devices.bag import Bag, Instruments, Sink
from carebag_devices.bleak_link import BleakRadio
from carebag_devices.book import DeviceBook
from carebag_devices.catalog import CATALOG, CatalogError, read_catalog
from carebag_devices.lab.recorder import RecordingRadio
from carebag_devices.lab.session_file import SessionWriter
from carebag_devices.link import Radio
from carebag_devices.wired_instruments import Wired, identity_of, wired_keys
from carebag_edge import enrolment
from carebag_edge.clock import system_clock
from carebag_edge.errors import WrongJournal
from carebag_edge.kit import run_kit
from carebag_edge.live.aiortc_peer import AiortcPeer
from carebag_edge.live.camera import CameraFailed, CameraSource, V4l2Camera
from carebag_edge.live.cameras import Cameras
from carebag_edge.live.demo_camera import DemoCamera
from carebag_edge.live.media import AiortcLive, PeerFactory
from carebag_edge.live.port import IceServer
from carebag_edge.live_port import LiveMedia, SendSignal
from carebag_edge.settings import KitSettings, is_plain
from carebag_wire.log_times import log_to_standard_error

DEFAULT_HUB = "http://127.0.0.1:8470"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hub", help="address of the hub (default: the one of `enrol`, or http://127.0.0.1:8470)")
    parser.add_argument("--data", type=Path, default=Path("carebag-kit"), help="folder of key, journal and media")
    parser.add_argument(
        "--data-key",
        default="file",
        metavar="WHERE",
        help="where the key of the encrypted journal and files is: 'file' (in the data folder), 'keyring' or a path",
    )
    parser.add_argument("--port", type=int, default=8471, help="the nurse's page, on 127.0.0.1")
    parser.add_argument("--name", help="what is written on the bag (default: as it was enrolled, or Väska 1)")
    parser.add_argument("--telephone", default="", help="of the nurse or the bag, for a doctor who reaches neither")
    parser.add_argument(
        "--camera",
        default="/dev/video0",
        help="devices of the examination cameras, separated by commas, 'demo' or 'off'",
    )
    parser.add_argument("--ice", action="append", default=[], metavar="URL", help="STUN or TURN server; default none")
    parser.add_argument("--media", choices=("aiortc", "wrtc"), default="aiortc", help="engine of live media")
    parser.add_argument(
        "--lock-after",
        type=int,
        default=15,
        choices=range(1, 16),
        metavar="MINUTES",
        help="without a touch the nurse's page locks itself (1 to 15, default 15)",
    )
    parser.add_argument("--relay-only", action="store_true", help="media by way of the hub's TURN server or not at all")
    parser.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="address of an instrument of this bag",
    )
    parser.add_argument(
        "--wired",
        action="append",
        default=[],
        type=_wired,
        metavar="MODEL=ADDRESS",
        help="an analyser or stethoscope on a wire: afinion_as100=serial:///dev/ttyUSB0, lis2_serial=tcp://10.0.0.5:4000,"
        " poct1a_analyser=tcp-listen://0.0.0.0:4001, sound_card='USB Audio'",
    )
    parser.add_argument("--catalog", type=Path, metavar="DIR", help="more entries for the catalog of instruments")
    parser.add_argument("--control", metavar="URL", help="control address of `carebag simulate`")
    parser.add_argument("--simulated", action="store_true", help="run simulated instruments in this process")
    parser.add_argument("--control-port", type=int, default=8473, help="with --simulated: control port on 127.0.0.1")
    stage.add_arguments(parser, only="with --simulated: ")
    parser.add_argument(
        "--record-devices",
        type=Path,
        metavar="DIR",
        help="write what the instruments say into a file there, one for each start; it may hold patient data",
    )
    kit_key_commands.add_arguments(parser)


def _wired(text: str) -> Wired:
    model, _, address = text.partition("=")
    if not address:
        raise argparse.ArgumentTypeError("MODEL=ADDRESS, for example  afinion_as100=serial:///dev/ttyUSB0")
    if model not in (keys := wired_keys(CATALOG)):
        raise argparse.ArgumentTypeError(f"{model!r} is none of {', '.join(keys)}")
    wired = Wired(model, address)
    try:
        identity_of(wired, next(one for one in CATALOG if one.key == model))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return wired


def run(args: argparse.Namespace) -> int:
    known = enrolment.known(args.data)
    args.hub = args.hub or (known.hub if known else DEFAULT_HUB)
    if args.key_command is not None:
        return int(args.key_command(args))
    if args.control is None and not args.simulated and is_plain(args.hub):
        raise SystemExit(
            "carebag kit: patients' data goes to a hub by https:// only (plain http to this machine alone)"
        )
    args.name = args.name or (known.name if known else "Väska 1")
    log_to_standard_error(logging.WARNING)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_run(args))
    except (WrongJournal, CatalogError) as error:
        raise SystemExit(f"carebag kit: {error}") from None
    except OSError as error:
        raise SystemExit(f"carebag kit: {error.strerror or type(error).__name__} (port {args.port})") from None
    return 0


async def _run(args: argparse.Namespace) -> None:
    async with _instruments(args) as (make_instruments, control):
        settings = KitSettings(
            data=args.data,
            hub_url=args.hub.rstrip("/"),
            port=args.port,
            page_origin=f"http://localhost:{args.port}",
            kit_name=args.name,
            simulated=control is not None,
            simulator_url=control,
            lock_after_s=args.lock_after * 60,
            pin_required=control is None,
            telephone=args.telephone.strip()[:40],
            data_key=args.data_key,
            news2=os.environ.get("CAREBAG_NEWS2", "on").strip().lower() not in ("0", "no", "off", "false"),
        )

        clock = system_clock()
        cameras = Cameras(_cameras(args.camera), clock.times)

        def make_live(send_signal: SendSignal) -> LiveMedia:
            return AiortcLive(
                send_signal,
                camera=cameras,
                ice_servers=[IceServer(url) for url in args.ice],
                relay_only=args.relay_only,
                make_peer=_engine(args.media, relay_only=args.relay_only),
            )

        await run_kit(
            settings,
            make_instruments,
            make_live,
            camera=cameras if args.camera != "off" else None,
            clock=clock,
            ready=lambda agent, port: collect_garbage(),
            before_listening=collect_garbage,
        )


def collect_garbage() -> None:
    """All that Python has to clean up, now; what is left is not looked at again until the next time.

    Python's full collection goes through everything that a kit has loaded, 0.1 s in which no sound leaves. In the midst
    of a listening that made the doctor's ear wait, and stay late, for the rest of it.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _engine(name: str, *, relay_only: bool) -> PeerFactory:
    """What connects to the doctors' pages; the optional one is looked for when it is asked for."""
    if name == "aiortc":
        return AiortcPeer
    if relay_only:
        raise SystemExit("carebag kit: --media wrtc cannot be held to a relay")
    try:
        from carebag_edge.live.wrtc_peer import WrtcPeer
    except ImportError:
        raise SystemExit("carebag kit: --media wrtc needs  pip install 'carebag[wrtc]'") from None
    return WrtcPeer


class _MakeBag:
    """Makes the bag for a sink, over bleak's platform backend or the one given."""

    def __init__(
        self,
        *,
        args: argparse.Namespace,
        known: Collection[str] | None,
        backend: type | None = None,
        scanner_backend: type | None = None,
    ) -> None:
        """`known` None: every instrument near is simulated and ours. Else a neighbour's cuff must not be connected."""
        self._known, self._backend, self._scanner = known, backend, scanner_backend
        self._book, self._wired = args.data / "instruments.json", args.wired
        self._catalog = read_catalog(args.catalog)
        self._record_into: Path | None = args.record_devices

    def _radio(self) -> Radio:
        radio = BleakRadio(self._backend, self._scanner)
        if self._record_into is None:
            return radio
        began, now = time.monotonic(), datetime.now().astimezone()
        path = self._record_into / f"session-{now:%Y%m%d-%H%M%S-%f}.jsonl"
        print(f"carebag kit: what the instruments say is written to {path}; it may hold patient data", flush=True)
        return RecordingRadio(radio, SessionWriter(path, now), lambda: time.monotonic() - began)

    def __call__(self, sink: Sink) -> Instruments:
        return Bag(
            sink=sink,
            monotonic=time.monotonic,
            radio=self._radio(),
            simulated=self._known is None,
            known=self._known,
            catalog=self._catalog,
            book=DeviceBook(self._book),
            wall=lambda: datetime.now().astimezone(),
            wired=self._wired,
        )


@asynccontextmanager
async def _instruments(args: argparse.Namespace) -> AsyncIterator[tuple[_MakeBag, str | None]]:
    """How to make the bag, and the control address if its instruments are simulated."""
    if not args.simulated:
        known = None if args.control else [one.upper() for one in args.device]
        yield _MakeBag(args=args, known=known), args.control
        return
    from carebag.simulation import Simulation  # bumble is installed for demos only

    async with Simulation("in_process", stage.stage_of(args)) as simulation:
        control = await simulation.serve(args.control_port)
        radio = simulation.radio
        yield _MakeBag(args=args, known=None, backend=radio.backend, scanner_backend=radio.scanner_backend), control


def _cameras(names: str) -> list[tuple[str, CameraSource]]:
    """Each camera with the name by which a doctor chooses it."""
    if names == "demo":
        sides = [DemoCamera(lambda: datetime.now().astimezone(), mirrored=side) for side in (False, True)]
        return [(f"demo {number}", camera) for number, camera in enumerate(sides, 1)]
    if names == "off":
        return [("", _NoCamera())]
    return [(Path(name).name, V4l2Camera(name)) for name in names.split(",")]


class _NoCamera:
    """The kit was started without a camera: the doctor reads so instead of waiting for a picture."""

    def read(self) -> VideoFrame:
        raise CameraFailed("camera_off")

    still = read

    def close(self) -> None:
        """Nothing is open."""
