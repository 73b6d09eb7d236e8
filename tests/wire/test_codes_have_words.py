"""Every code that a kit, a device or the hub can say to a person has a sentence in the catalogues.

Codes are found in the sources: arguments of the errors and messages that carry one. Those no person reads are named.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("devices/carebag_devices", "edge/carebag_edge", "server/carebag_server", "signal/carebag_signal")
CARRIERS = {
    "DeviceSilent",
    "DeviceRefused",
    "DeviceLost",
    "NeedsPairing",
    "RadioMissing",
    "Refused",
    "Problem",
    "CameraFailed",
    "HubRefused",
    "refuse",
    "changed",
    "journaled",
}
KEYWORDS = {"problem", "code", "why_not"}
FOR_THE_LOG = {"bad_proof", "proof_used", "handshake_refused"}
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


def test_every_code_has_a_sentence() -> None:
    catalogue = (ROOT / "web/src/shared/i18n/sv.ts").read_text(encoding="utf-8")
    known = set(re.findall(r"'(?:code|sound_quality)\.([a-z0-9_]+)'", catalogue))
    said = set(codes_said())
    assert len(said) > 80
    assert sorted(said - known - FOR_THE_LOG) == []
