"""Every code that a kit, a device or the hub can say to a person has a sentence in the catalogues.

Codes are found in the sources: arguments of the errors and messages that carry one. Those no person reads are named.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from carebag_devices.codecs import glucose, glucose_context, plx, thermometer
from carebag_devices.plausible import LIMITS

ROOT = Path(__file__).parents[2]
FOLDERS = ("devices/carebag_devices", "edge/carebag_edge", "server/carebag_server", "signal/carebag_signal")
CARRIERS = {
    "DeviceSilent",
    "DeviceRefused",
    "DeviceLost",
    "NeedsPairing",
    "RadioMissing",
    "Refused",
    "NotPossible",
    "Problem",
    "CameraFailed",
    "HubRefused",
    "refuse",
    "changed",
    "journaled",
}
KEYWORDS = {"problem", "code", "why_not"}
FOR_THE_LOG = {"proof_used", "handshake_refused", "other_offset", "too_many_uploads"}
"""Said by the hub to a kit, never to a person."""
CODE = re.compile(r"[a-z][a-z0-9_]{2,63}")


def codes_said() -> Iterator[str]:
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            if "sim" not in file.parts:
                yield from codes_in(ast.parse(file.read_text(encoding="utf-8")))


def codes_in(tree: ast.Module) -> Iterator[str]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        said = list(call.args) if name in CARRIERS else []
        said += [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
        for value in said:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.fullmatch(value.value):
                yield value.value


def tables_of_instruments() -> set[str]:
    """Codes that come out of the codecs' tables."""
    tables = (plx._SENSOR_PROBLEMS, plx._STATUS_PROBLEMS, plx._SENSOR_FLAGS, plx._STATUS_FLAGS)
    said = {code for table in (*tables, glucose._FAULTS, glucose._REMARKS) for code in table.values()}
    said |= {f"site_{site}" for site in thermometer.SITES.values()} | set(glucose_context.MEALS.values())
    said |= {f"sample_{sample}" for sample in glucose.SAMPLES.values() if sample != "control_solution"}
    return said | {f"implausible_{name}" for name in LIMITS}


def details_said() -> set[str]:
    """What instruments' cards say beside a state: `enter(DeviceState.LOST, "out_of_reach")`."""
    found = set()
    for file in (ROOT / "devices/carebag_devices").rglob("*.py"):
        if not {"sim", "lab"} & set(file.parts):
            found |= set(re.findall(r'\.enter\(DeviceState\.[A-Z_]+, "([a-z_]+)"', file.read_text(encoding="utf-8")))
    return found - {"forgotten"}


def test_every_detail_of_an_instrument_has_a_word() -> None:
    catalogue = (ROOT / "web/src/shared/i18n/sv.ts").read_text(encoding="utf-8")
    known = set(re.findall(r"'detail\.([a-z0-9_]+)'", catalogue))
    assert len(details_said()) > 5
    assert sorted(details_said() - known) == []


def test_every_code_has_a_sentence() -> None:
    catalogue = (ROOT / "web/src/shared/i18n/sv.ts").read_text(encoding="utf-8")
    known = set(re.findall(r"'(?:code|sound_quality|why)\.([a-z0-9_]+)'", catalogue))
    said = set(codes_said()) | tables_of_instruments()
    assert len(said) > 80
    assert sorted(said - known - FOR_THE_LOG) == []
