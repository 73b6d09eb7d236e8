"""Which simulated instruments there are, whose body they measure, and what goes wrong: the options that say it."""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from carebag.sound_sources import SoundSource, sound_source
from carebag_devices.events import Kind
from carebag_devices.lab.faults import BadScript, Script, read_script
from carebag_devices.lab.session_file import Session
from carebag_devices.sim.bag import DEVICES, catalogued
from carebag_devices.sim.body import Body
from carebag_devices.sim.casting import CannotPlay
from carebag_devices.sim.scenarios import NAMES, ScenarioName


@dataclass(frozen=True)
class Stage:
    """What a simulation is started with. The demo has all seven kinds."""

    seed: int = 1
    speed: float = 1.0
    scenario: ScenarioName = "everyday"
    devices: tuple[Kind, ...] = DEVICES
    models: Mapping[Kind, str] = field(default_factory=dict)
    recordings: str | None = None
    script: Script | None = None
    session: Session | None = None
    """Recorded instruments in place of those."""

    @property
    def size(self) -> int:
        """How many instruments there are."""
        return len(self.devices) if self.session is None else len(self.session.addresses())

    def body(self) -> Body:
        """The one body of this simulation, from now on."""
        return Body(self.seed, self.scenario, began_s=time.time())

    def sound(self, body: Body) -> SoundSource:
        """What the stethoscope hears: recordings, else a heart that beats as the instruments say."""
        return sound_source(self.recordings, self.seed, pulse=lambda: body.pulse(time.time()), irregular=self.irregular)

    @property
    def irregular(self) -> bool:
        return self.scenario == "heart_failure"


def add_arguments(parser: argparse.ArgumentParser, *, only: str = "") -> None:
    """`only` begins each help text: `with --simulated: `."""
    kinds = ",".join(DEVICES)
    parser.add_argument(
        "--recordings", help=f"{only}folder of WAV files for the stethoscope; default: synthetic sounds"
    )
    parser.add_argument("--seed", type=int, default=1, help=f"{only}the same seed gives the same body")
    parser.add_argument("--speed", type=float, default=1.0, help=f"{only}hurries the meters and the analyser")
    parser.add_argument("--scenario", choices=NAMES, default="everyday", help=f"{only}whose body is measured")
    parser.add_argument("--devices", type=_kinds, default=DEVICES, metavar="KINDS", help=f"{only}some of {kinds}")
    parser.add_argument(
        "--model",
        type=_model,
        action="append",
        default=[],
        metavar="KIND=MODEL",
        help=f"{only}an entry of the catalog to play: cuff=beurer_bm85 (`carebag catalog` lists them)",
    )
    parser.add_argument(
        "--faults", type=_script, metavar="FILE", help=f"{only}script of what goes wrong; its first line sets the stage"
    )


def stage_of(args: argparse.Namespace) -> Stage:
    """A script's own stage goes before the options."""
    stage = Stage(
        args.seed, args.speed, args.scenario, args.devices, dict(args.model), args.recordings, script=args.faults
    )
    if args.faults is None:
        return stage
    script: Script = args.faults
    named = {kind: model for kind, model in script.devices.items() if model is not None}
    return replace(
        stage,
        seed=script.seed,
        scenario=script.scenario,
        devices=tuple(script.devices) or stage.devices,
        models={**stage.models, **named},
    )


def as_arguments(stage: Stage, script_file: Path) -> list[str]:
    """The same stage for another `carebag` process; a script goes through `script_file`."""
    words = ["--seed", str(stage.seed), "--speed", str(stage.speed), "--scenario", stage.scenario]
    words += ["--devices", ",".join(stage.devices)]
    for kind, model in stage.models.items():
        words += ["--model", f"{kind}={model}"]
    if stage.recordings:
        words += ["--recordings", stage.recordings]
    if stage.script is not None:
        script_file.write_text(stage.script.lines(), encoding="utf-8")
        words += ["--faults", str(script_file)]
    return words


def _kinds(text: str) -> tuple[Kind, ...]:
    asked = [word for word in text.split(",") if word]
    if not asked or not set(asked) <= set(DEVICES):
        raise argparse.ArgumentTypeError(f"some of {', '.join(DEVICES)}")
    return tuple(kind for kind in DEVICES if kind in asked)


def _model(text: str) -> tuple[Kind, str]:
    kind, _, key = text.partition("=")
    if kind not in DEVICES:
        raise argparse.ArgumentTypeError(f"{kind!r} is none of {', '.join(DEVICES)}")
    try:
        catalogued(kind, key)
    except CannotPlay:
        raise argparse.ArgumentTypeError(f"{key!r} is no {kind} of the catalog") from None
    return kind, key


def _script(text: str) -> Script:
    try:
        script = read_script(Path(text))
        for kind, key in script.devices.items():
            if key is not None:
                catalogued(kind, key)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    except BadScript as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    except CannotPlay as error:
        raise argparse.ArgumentTypeError(f"{text}: line 1: {str(error)!r} is no {kind} of the catalog") from None
    return script
