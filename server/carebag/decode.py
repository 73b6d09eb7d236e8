"""`carebag decode WHAT BYTES`: what a value that an instrument sent means."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from carebag_devices.decoding import CHARACTERISTICS, FILES, Decoded, UnknownName, canonical, decode, decode_file
from carebag_devices.decoding.words import refused
from carebag_devices.errors import Malformed

MAX_FILE_BYTES = 10_000_000

_EXAMPLES = """examples:
  carebag decode 2a35 "16 8a00 5400 6600 ea07 0b 17 09 1e 05 4800 0000"
  carebag decode 2a5f 0x04:61:00:48:00:00:04 --json
  carebag decode lis2 result.txt
  cat value.hex | carebag decode 2a18 -

The exit status is 0 where the bytes could be read (even if the instrument says that it has no value) and 2 where they
are refused. With --json there is always one object on standard output.

"""


class Refused(Exception):
    """What was given cannot be read; the message is one sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES + _list("values, in hex", CHARACTERISTICS) + "\n" + _list("files", FILES)
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="a characteristic, by its 16 bits (2a35) or whole UUID, or a kind of file: lis2, poct1a, afinion",
    )
    parser.add_argument(
        "value",
        metavar="HEX|FILE",
        nargs="+",
        help="the bytes in hex, with or without spaces, colons and 0x; a file's name; - for standard input",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _list(title: str, table: Mapping[str, tuple[str, object]]) -> str:
    width = max(len(name) for name in table) + 2
    return "\n".join([f"{title}:", *(f"  {name:<{width}}{text}" for name, (text, _) in table.items()), ""])


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 for bytes that could be read, 2 for refused ones."""
    try:
        said = _decoded(args.what, args.value)
    except Refused as error:
        if args.json:
            sys.stdout.write(_json(Decoded("", problems=(str(error),))))
        _write(sys.stderr, f"carebag decode: {error}\n")
        return 2
    if args.json:
        sys.stdout.write(_json(said))
    else:
        _write(sys.stdout, in_words(said))
    return 0


def _decoded(what: str, value: Sequence[str]) -> Decoded:
    try:
        if what.lower() in FILES:
            return decode_file(what.lower(), _file(value))
        canonical(what)
        return decode(what, _bytes(_text(what, value)))
    except UnknownName:
        raise Refused(f"{what!r} is no characteristic and no kind of file that is known here (see -h)") from None
    except Malformed as error:
        raise Refused(f"{what}: {refused(error.reason)}") from None
    except ModuleNotFoundError as error:
        raise Refused(f"{what} needs {error.name}: run  pip install 'carebag[edge]'") from None


def _text(what: str, value: Sequence[str]) -> str:
    if list(value) != ["-"]:
        text = " ".join(value)
        if _looks_like_a_file(text):
            found = "that is a file's name" if Path(text).exists() else "there is no such file, and it is no hex"
            raise Refused(
                f"{text}: {found}. {what} wants its bytes in hex; from a file of hex digits by way of - < FILE"
            )
        return text
    try:
        return _limited(sys.stdin.buffer.read(MAX_FILE_BYTES + 1)).decode("ascii")
    except UnicodeDecodeError:
        raise Refused("standard input holds bytes that are no hex digits") from None


def _looks_like_a_file(text: str) -> bool:
    """A path, a name with an ending, or what is there; hex is none of these (`0x..` and spaces apart)."""
    if re.search(r"[/\\]|\.[A-Za-z][A-Za-z0-9]{0,5}$", text):
        return True
    try:
        return re.fullmatch(r"[0-9A-Fa-f]+", text) is None and Path(text).is_file()
    except (OSError, ValueError):
        return False


def _bytes(text: str) -> bytes:
    """Raises `Refused` for what is no hex, an odd number of digits, and nothing at all."""
    digits = re.sub(r"(?<![0-9A-Za-z])0[xX]|[\s:,;()_-]", "", text)
    if not digits:
        raise Refused("there are no bytes to decode")
    if stranger := re.search(r"[^0-9A-Fa-f]", digits):
        raise Refused(f"{stranger[0]!r} is no hex digit; the bytes are wanted in hex, as in 16 8a 00")
    if len(digits) % 2:
        raise Refused(f"an odd number of hex digits ({len(digits)}): one is missing, or one too many")
    return bytes.fromhex(digits)


def _file(value: Sequence[str]) -> bytes:
    """Raises `Refused` for what cannot be read."""
    if len(value) != 1:
        raise Refused("give one file at a time")
    if value[0] == "-":
        raw = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    else:
        try:
            with Path(value[0]).open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            raise Refused(f"{value[0]}: {_why_not_read(error)}") from None
    if not raw:
        raise Refused("the file is empty")
    return _limited(raw)


def _why_not_read(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "that is a folder, not a file"
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "that is no file's name"


def _limited(raw: bytes) -> bytes:
    if len(raw) > MAX_FILE_BYTES:
        raise Refused(f"more than {MAX_FILE_BYTES // 1_000_000} MB")
    return raw


def _json(said: Decoded) -> str:
    values = [
        {"name": value.name, "value": value.value, "comparator": value.comparator, "unit": value.unit}
        for value in said.values
    ]
    return json.dumps({**asdict(said), "kind": said.kind or None, "values": values}) + "\n"


def in_words(said: Decoded) -> str:
    """Aligned lines: the kind, each value with its unit, time, status, problems."""
    rows = [
        (value.name, "—" if value.value is None else f"{value.comparator or ''}{value.value}", value.unit or "")
        for value in said.values
    ]
    rows = [(name, text, "" if unit == "1" else unit) for name, text, unit in rows]
    rows += [("time", said.time, "")] if said.time else []
    rows += [("status", code, "") for code in said.status]
    width = max((len(name) for name, _, _ in rows), default=0)
    column = max((len(text) for _, text, unit in rows if unit), default=0)
    lines = [f"  {name:<{width}}  {text:<{column if unit else 0}}  {unit}".rstrip() for name, text, unit in rows]
    lines += [f"  ! {problem}" for problem in said.problems]
    return "\n".join([said.kind.replace("_", " "), *lines]) + "\n"


def _write(stream: TextIO, text: str) -> None:
    """What a device sent as text may hold anything: nothing of it may command the terminal, or end the command."""
    shown = "".join(each if each.isprintable() or each == "\n" else f"\\u{ord(each):04x}" for each in text)
    encoding = stream.encoding or "utf-8"
    stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
