"""The catalog's files, read and checked: whatever is misspelt or makes no sense is refused when the kit starts."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from carebag_devices.catalog.model import (
    BYTE_QUIRKS,
    ClockSetting,
    DriverName,
    Evidence,
    Memory,
    Model,
    Pairing,
    Press,
    Quirk,
    Uart,
    Vector,
    uuids,
)
from carebag_devices.events import Kind

_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "driver": get_args(DriverName),
    "pairing.when": get_args(Pairing),
    "pairing.press": get_args(Press),
    "clock.set": get_args(ClockSetting),
    "memory.how": get_args(Memory),
}
_KIND_OF_DRIVER: dict[str, Kind] = {
    "blood_pressure": "cuff",
    "pulse_oximeter": "oximeter",
    "berry_oximeter": "oximeter",
    "thermometer": "thermometer",
    "weight_scale": "scale",
    "glucose": "glucose_meter",
    "auscultation": "stethoscope",
    "sound_card": "stethoscope",
}
"""Drivers that serve one kind only."""
_SERVICE = re.compile(r"[0-9a-f]{4}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class CatalogError(Exception):
    """An entry says what no entry may say; the text names the file and the field."""


class _Table:
    """A table of the file whose fields are taken one by one; what is left at the end was misspelt."""

    def __init__(self, name: str, data: Mapping[str, Any]) -> None:
        self.name, self._left = name, dict(data)

    def take(self, field: str, kind: type, default: Any = None) -> Any:
        value = self._left.pop(field, default)
        fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
        if value is default or (fits and not (kind is int and isinstance(value, bool))):
            return value
        raise CatalogError(f"{self.name}.{field}: expected {kind.__name__}")

    def choice(self, field: str, choices: Iterable[str], default: str | None = None) -> str:
        value = self.take(field, str, default)
        if value not in choices:
            raise CatalogError(f"{self.name}.{field}: {value!r} is none of {', '.join(choices)}")
        return str(value)

    def texts(self, field: str) -> tuple[str, ...]:
        values = self.take(field, list, [])
        if not all(isinstance(value, str) for value in values):
            raise CatalogError(f"{self.name}.{field}: expected texts")
        return tuple(values)

    def table(self, field: str) -> "_Table":
        return _Table(f"{self.name}.{field}", self.take(field, dict, {}))

    def tables(self, field: str) -> list["_Table"]:
        return [_Table(f"{self.name}.{field}[{at}]", one) for at, one in enumerate(self.take(field, list, []))]

    def octets(self, field: str) -> bytes:
        try:
            return bytes.fromhex(self.take(field, str, ""))
        except ValueError:
            raise CatalogError(f"{self.name}.{field}: expected hex digits") from None

    def command(self, field: str) -> tuple[str, bytes] | None:
        if field not in self._left:
            return None
        command = self.table(field)
        made = (command.take("characteristic", str, ""), command.octets("hex"))
        command.end()
        if not all(made):
            raise CatalogError(f"{self.name}.{field}: characteristic and hex are needed")
        return made

    def end(self) -> None:
        if self._left:
            raise CatalogError(f"{self.name}: unknown {', '.join(self._left)}")


def parse_model(key: str, text: str) -> Model:
    """One file's text. Raises `CatalogError`."""
    try:
        entry = _Table(key, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{key}: {error}") from None
    match, pairing, clock, memory = (entry.table(name) for name in ("match", "pairing", "clock", "memory"))
    quirks = entry.texts("quirks")
    if unknown := set(quirks) - set(get_args(Quirk)):
        raise CatalogError(f"{key}.quirks: unknown {', '.join(sorted(unknown))}")
    model = Model(
        key=key,
        kind=entry.choice("kind", _CHOICES["kind"]),  # type: ignore[arg-type]
        driver=entry.choice("driver", _CHOICES["driver"]),  # type: ignore[arg-type]
        maker=entry.take("maker", str, ""),
        name=entry.take("name", str, ""),
        gtin=entry.take("gtin", str, ""),
        services=uuids(*_services(match)),
        name_prefixes=match.texts("names"),
        companies=frozenset(match.take("companies", list, [])),
        pairing=pairing.choice("when", _CHOICES["pairing.when"], "never"),  # type: ignore[arg-type]
        press=pairing.choice("press", _CHOICES["pairing.press"], "start"),  # type: ignore[arg-type]
        passkey=pairing.take("passkey", bool, False),
        pause_s=float(entry.take("pause_s", float, 0.0)),
        settle_s=float(entry.take("settle_s", float, 0.0)),
        sleeps=entry.take("sleeps", bool, True),
        clock=clock.take("characteristic", str, ""),
        clock_set=clock.choice("set", _CHOICES["clock.set"], "never"),  # type: ignore[arg-type]
        clock_tolerance_s=float(clock.take("tolerance_s", float, 600.0)),
        memory=memory.choice("how", _CHOICES["memory.how"], "none"),  # type: ignore[arg-type]
        memory_command=memory.command("command"),
        deletes=memory.take("deletes", bool, False),
        farewell=memory.command("farewell"),
        uart=_uart(entry.table("uart")),
        tests=MappingProxyType(entry.take("tests", dict, {})),
        quirks=frozenset(quirks),
        evidence=tuple(_evidence(one) for one in entry.tables("evidence")),
        vectors=tuple(_vector(one) for one in entry.tables("vector")),
    )
    for table in (match, pairing, clock, memory, entry):
        table.end()
    _make_sense(model)
    return model


def _services(match: _Table) -> tuple[str, ...]:
    services = match.texts("services")
    if bad := [one for one in services if not _SERVICE.fullmatch(one)]:
        raise CatalogError(f"{match.name}.services: {bad[0]!r} is no UUID")
    return services


def _uart(table: _Table) -> Uart:
    made = Uart(*(table.take(name, str, default) for name, default in vars(Uart()).items()))
    table.end()
    return made


def _evidence(table: _Table) -> Evidence:
    made = Evidence(table.take("about", str, ""), table.take("source", str, ""))
    table.end()
    return made


def _vector(table: _Table) -> Vector:
    made = Vector(
        quirk=table.take("quirk", str, ""),
        characteristic=table.take("characteristic", str, ""),
        raw=table.octets("hex"),
        origin=table.take("origin", str, ""),
        values=table.texts("values"),
        problem=table.take("problem", str, ""),
        flags=table.texts("flags"),
        time=table.take("time", str, ""),
        user=table.take("user", int),
    )
    table.end()
    return made


def _make_sense(model: Model) -> None:
    """What an entry must not leave out: a source for each quirk, and bytes that show it."""
    if not model.evidence or not all(one.source for one in model.evidence):
        raise CatalogError(f"{model.key}: every entry needs evidence with a source")
    if unproved := model.quirks - {one.about for one in model.evidence}:
        raise CatalogError(f"{model.key}: no evidence for {', '.join(sorted(unproved))}")
    if stray := {vector.quirk for vector in model.vectors} - model.quirks - {""}:
        raise CatalogError(f"{model.key}: vectors for quirks it has not: {', '.join(sorted(stray))}")
    if unseen := model.quirks & BYTE_QUIRKS - {vector.quirk for vector in model.vectors}:
        raise CatalogError(f"{model.key}: no vector shows {', '.join(sorted(unseen))}")
    if model.kind != _KIND_OF_DRIVER.get(model.driver, model.kind):
        raise CatalogError(f"{model.key}: driver {model.driver} does not read a {model.kind}")
    if model.clock_set != "never" and not model.clock:
        raise CatalogError(f"{model.key}: a clock without characteristic cannot be set")
    if model.gtin and not _is_gtin(model.gtin):
        raise CatalogError(f"{model.key}.gtin: expected 14 digits, the last of which checks the others")
    if model.gtin and "gtin" not in {one.about for one in model.evidence}:
        raise CatalogError(f"{model.key}: no evidence for gtin")
    if model.memory == "command" and model.memory_command is None:
        raise CatalogError(f"{model.key}: memory by command without the command")


def _is_gtin(text: str) -> bool:
    """GS1 General Specifications, section 7.9."""
    return (
        bool(re.fullmatch(r"[0-9]{14}", text))
        and not sum(int(d) * (1 if n % 2 else 3) for n, d in enumerate(text)) % 10
    )


def read_catalog(extra: Path | None = None) -> tuple[Model, ...]:
    """All models: the longest names first, the standard profiles last, otherwise by key.

    Args:
        extra: a folder with more of them; one with a key that is there already takes its place.

    Raises:
        CatalogError: an entry says what none may say.
    """
    folder: Traversable = resources.files("carebag_devices.catalog") / "models"
    files = {file.name: file for file in folder.iterdir() if file.name.endswith(".toml")}
    if extra is not None:
        files |= {file.name: file for file in extra.glob("*.toml")}
    models = [parse_model(name.removesuffix(".toml"), _text(name, file)) for name, file in files.items()]
    return tuple(sorted(models, key=lambda model: (-max(map(len, model.name_prefixes), default=0), model.key)))


def _text(name: str, file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{name}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise CatalogError(f"{name}: {error.strerror}") from None
