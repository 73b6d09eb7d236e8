"""Where an analyser is plugged in, written as a URL.

serial:///dev/ttyUSB0?baud=9600&bytesize=8&parity=N&stopbits=1&flow=none
serial://COM3?baud=115200
tcp://192.168.4.20:5600          the kit dials
tcp-listen://192.168.4.1:5600?from=192.168.4.20    the analyser dials; `from`: nobody else may
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

Parity = Literal["N", "E", "O", "M", "S"]
Flow = Literal["none", "rtscts", "xonxoff"]


@dataclass(frozen=True)
class SerialPort:
    """A port of this machine and how its line is set."""

    device: str
    baud: int = 9600
    bytesize: int = 8
    parity: Parity = "N"
    stopbits: Literal[1, 2] = 1
    flow: Flow = "none"


@dataclass(frozen=True)
class Dial:
    """The kit connects."""

    host: str
    port: int


@dataclass(frozen=True)
class Listen:
    """The analyser connects. `allowed` empty: from wherever it comes. Port 0: any that is free."""

    host: str
    port: int
    allowed: str = ""


Address = SerialPort | Dial | Listen


def parse_address(url: str, *, usual_baud: int = 9600) -> Address:
    """`usual_baud` where the address names none. Raises `ValueError`, with what is wrong, for all but those forms."""
    parts = urlsplit(url)
    options = _options(parts)
    match parts.scheme:
        case "serial":
            address: Address = _serial(parts, options, usual_baud)
        case "tcp":
            address = Dial(*_host_port(parts, least=1))
        case "tcp-listen":
            address = Listen(*_host_port(parts, least=0), allowed=options.pop("from", ""))
        case _:
            raise ValueError(f"neither serial, tcp nor tcp-listen: {parts.scheme!r}")
    if options:
        raise ValueError(f"unknown option: {', '.join(sorted(options))}")
    return address


def _options(parts: SplitResult) -> dict[str, str]:
    if parts.fragment or parts.username is not None:
        raise ValueError("neither fragment nor user belongs into an address")
    listed = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    if twice := [name for name, values in listed.items() if len(values) > 1]:
        raise ValueError(f"given twice: {', '.join(twice)}")
    return {name: values[0] for name, values in listed.items()}


def _serial(parts: SplitResult, options: dict[str, str], usual_baud: int) -> SerialPort:
    device = unquote(parts.netloc + parts.path)
    if re.fullmatch(r"/COM\d+", device):
        device = device[1:]
    if not device:
        raise ValueError("no serial port named")
    return SerialPort(
        device,
        baud=_number("baud", options.pop("baud", str(usual_baud)), 50, 4_000_000),
        bytesize=_number("bytesize", options.pop("bytesize", "8"), 7, 8),
        parity=cast("Parity", _one_of("parity", options.pop("parity", "N").upper(), get_args(Parity))),
        stopbits=cast("Literal[1, 2]", _number("stopbits", options.pop("stopbits", "1"), 1, 2)),
        flow=cast("Flow", _one_of("flow", options.pop("flow", "none"), get_args(Flow))),
    )


def _host_port(parts: SplitResult, *, least: int) -> tuple[str, int]:
    if not parts.hostname or parts.port is None or parts.port < least or parts.path not in ("", "/"):
        raise ValueError("host and port are needed, and nothing after them")
    return parts.hostname, parts.port


def _number(name: str, text: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text) or not low <= int(text) <= high:
        raise ValueError(f"{name} is a number from {low} to {high}")
    return int(text)


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}")
    return text
