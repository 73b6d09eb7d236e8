"""The demo's three processes: hub, kit and simulated instruments, each a `carebag` of its own."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from carebag.processes import PartFailed, Parts, free_port
from carebag.stage import Stage, as_arguments
from carebag_devices.radio.simulated_radio import Mode, best_mode
from carebag_edge.errors import WrongJournal
from carebag_edge.keys import load_or_create
from carebag_server.demo_data import ensure_demo
from carebag_server.demo_history import ensure_history
from carebag_server.hubs.running import Place
from carebag_server.store_start import StoreUnusable, open_database, take

DOCTORS_TELEPHONE, NURSES_TELEPHONE = "08-465 004 10", "070-174 06 20"
"""Of the numbers that PTS keeps for books and films: nobody answers."""


@dataclass(frozen=True)
class Options:
    """What the demo is started with."""

    folder: Path
    recordings: str | None = None
    database: str | None = None
    """Default: SQLite in the folder."""
    port: int = 8470
    speed: float = 1.0
    seed: int = 1
    mode: Mode | None = None
    """Default: over D-Bus where there is a dbus-daemon."""
    stage: Stage | None = None
    """Default: all kinds of instruments, by the seed, speed and recordings above."""
    of_kit: tuple[str, ...] = ()
    """More words for `carebag kit`."""


class Demo:
    """The running demo: three processes, their addresses, and what an installation check may do to them."""

    def __init__(self, parts: Parts, options: Options) -> None:
        self.parts, self.options = parts, options
        self.hub_port = free_port(options.port)
        self.kit_port = free_port(options.port + 1)
        self.control_port = free_port(options.port + 3)
        self.hub_url = f"http://localhost:{self.hub_port}"
        self.hub_for_kit = f"http://127.0.0.1:{self.hub_port}"
        self.kit_url = f"http://localhost:{self.kit_port}"
        self.control_url = f"http://127.0.0.1:{self.control_port}"
        self.database = options.database or f"sqlite:///{options.folder / 'hub.sqlite'}"
        self.mode: Mode = options.mode or best_mode()
        self.bus: str | None = None

    def start(self) -> None:
        """Start all parts.

        Raises:
            PartFailed: naming the part and the end of its log, or what of the folder cannot be used.
        """
        try:
            key = load_or_create(self.options.folder / "kit", None, time.time_ns() // 1_000_000)
            self._prepare_database()
        except (StoreUnusable, WrongJournal) as error:
            raise PartFailed(str(error)) from None
        ensure_demo(self.database, key.kit_id, key.public)
        ensure_history(self.database)
        self.start_hub()
        if self.mode == "dbus":
            self._start_simulated()
        self.start_kit()

    def _prepare_database(self) -> None:
        """As the hub will do it; a database that another one serves is left as it is."""
        database = open_database(self.database)
        place = Place(database, "")
        try:
            take(place, demo=True, now=datetime.now(UTC))
        finally:
            place.leave()
            database.dispose()

    def start_hub(self) -> None:
        arguments = ["hub", "--demo", "--port", str(self.hub_port), "--database", self.database]
        arguments += ["--media", str(self.options.folder / "media"), "--kit-origin", self.kit_url]
        arguments += ["--telephone", DOCTORS_TELEPHONE]
        self.parts.start("hub", arguments)
        self.parts.wait_for("hub", f"http://127.0.0.1:{self.hub_port}/api/health")

    def start_kit(self) -> None:
        arguments = ["kit", "--hub", self.hub_for_kit, "--data", str(self.options.folder / "kit")]
        arguments += ["--port", str(self.kit_port), "--camera", "demo", "--telephone", NURSES_TELEPHONE]
        arguments += self.options.of_kit
        if self.bus:
            arguments += ["--control", self.control_url]
            self.parts.start("kit", arguments, {"DBUS_SYSTEM_BUS_ADDRESS": self.bus})
        else:
            arguments += ["--simulated", "--control-port", str(self.control_port), *self._simulated_arguments()]
            self.parts.start("kit", arguments)
        self.parts.wait_for("kit", f"http://127.0.0.1:{self.kit_port}/")

    def _start_simulated(self) -> None:
        ready = self.options.folder / "simulated.json"
        ready.unlink(missing_ok=True)
        arguments = ["simulate", "--control", str(self.control_port), "--ready-file", str(ready)]
        self.parts.start("simulate", [*arguments, *self._simulated_arguments()])
        self.bus = str(json.loads(self.parts.wait_for_file("simulate", ready))["bus"])

    def _simulated_arguments(self) -> list[str]:
        said = self.options
        stage = said.stage or Stage(said.seed, said.speed, recordings=said.recordings)
        return as_arguments(stage, said.folder / "faults.jsonl")


@contextmanager
def running(options: Options) -> Iterator[Demo]:
    """A started demo; all its processes are gone afterwards."""
    with Parts(options.folder / "logs") as parts:
        demo = Demo(parts, options)
        demo.start()
        yield demo
