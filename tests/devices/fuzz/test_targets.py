"""The fuzzer's checks hold for its golden bytes, so that a change of a codec breaks here and not only there."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from carebag_devices import codecs

FUZZ = Path(codecs.__file__).parents[2] / "fuzz"
SEEDS: dict[str, list[str]] = tomllib.loads((FUZZ / "seeds.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def targets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_targets", FUZZ / "targets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_codec_is_fuzzed(targets: ModuleType) -> None:
    names = {path.stem for path in Path(codecs.__file__).parent.glob("*.py")} - {"__init__", "fields"}
    assert names <= set(targets.TARGETS)
    assert set(SEEDS) == set(targets.TARGETS)


@pytest.mark.parametrize("name", SEEDS)
def test_golden_bytes_pass(name: str, targets: ModuleType) -> None:
    for seed in SEEDS[name]:
        raw = bytes.fromhex(seed)
        for cut in range(len(raw) + 1):
            targets.TARGETS[name](raw[:cut])


def test_a_changed_value_is_found(targets: ModuleType) -> None:
    class Forgetful(bytes):
        @classmethod
        def parse(cls, raw: bytes) -> "Forgetful":
            return cls(raw[1:])

    with pytest.raises(targets.Changed):
        targets.round_trip(Forgetful.parse)(b"abc")
