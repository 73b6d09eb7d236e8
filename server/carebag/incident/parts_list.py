"""Which parts this Carebag is made of, as CycloneDX 1.6 (ECMA-424), from what is installed here. Needs no network."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]


@dataclass(frozen=True)
class Installed:
    """A Python package: canonical name, version, SPDX expression or a licence's name ("" if it does not say)."""

    name: str
    version: str
    licence: str = ""


def installed(found: Iterable[Distribution] | None = None) -> list[Installed]:
    """Each package once, by name; the first that Python would import."""
    parts: dict[str, Installed] = {}
    for one in distributions() if found is None else found:
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()  # as PEP 503 says
        if name and name not in parts:
            parts[name] = Installed(name, one.version, _licence(one))
    return [parts[name] for name in sorted(parts)]


def _licence(one: Distribution) -> str:
    return str((one.metadata.get_all("License-Expression") or [""])[0])


def cyclonedx(parts: Iterable[Installed], version: str, at: str) -> Json:
    """The list as a JSON object.

    Args:
        version: Carebag's own.
        at: when it was made, ISO 8601 in UTC.
    """
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": at, "component": {"type": "application", "name": "carebag", "version": version}},
        "components": [_component(one) for one in parts if one.name != "carebag"],
    }


def _component(one: Installed) -> Json:
    purl = f"pkg:pypi/{one.name}@{quote(one.version, safe='.')}"
    said: Json = {"type": "library", "bom-ref": purl, "name": one.name, "version": one.version, "purl": purl}
    return {**said, "licenses": [{"expression": one.licence}]} if one.licence else said
