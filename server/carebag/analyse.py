"""`carebag analyse FILE...`: recordings in, findings out, as words, JSON and pictures."""

import argparse
import json
import re
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from carebag.progress import Progress
from carebag.recording_files import CutShort, UnreadableRecording, read_numbers, read_recording

NOTE = "Decision support; not a diagnosis."
KINDS = ("heart", "lung", "ppg")
PICTURES = (".png", ".svg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, CSV or NPZ, one channel")
    parser.add_argument("--kind", choices=KINDS, default="heart", help="what was listened to (default: heart)")
    parser.add_argument("--rate", type=int, metavar="HZ", help="sampling rate, for files that do not say it")
    parser.add_argument("--json", action="store_true", help="one JSON object per file on standard output")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write DIR/NAME.json for every file")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="OUT.png",
        help="a picture, .png or .svg; for several files a folder, in which each gets a .png",
    )
    parser.add_argument("--markers", action="store_true", help="lung: also mark places to listen to (off by default)")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: one per processor)")


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 if every file could be read, 1 if some could not, 2 for arguments that do not fit together."""
    wrong = _misfit(args)
    if wrong:
        sys.stderr.write(f"carebag analyse: {wrong}\n")
        return 2
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    several = len(args.files) > 1
    work = partial(_one, kind=args.kind, rate_hz=args.rate, plot=args.plot, several=several, markers=args.markers)
    if not several or args.jobs == 1:
        return _show(map(work, args.files), args)
    pool = ProcessPoolExecutor(args.jobs or None, initializer=_leave_interrupts_to_the_parent)
    try:
        return _show(pool.map(work, args.files), args)
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        sys.stderr.write("\ncarebag analyse: stopped; what is written is whole\n")
        return 130
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _misfit(args: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, if anything."""
    if args.jobs < 0:
        return "--jobs must not be negative"
    if args.rate is not None and args.rate <= 0:
        return "--rate must be above 0"
    if args.markers and args.kind != "lung":
        return "--markers is for --kind lung"
    if args.plot and args.plot.suffix and len(args.files) > 1:
        return "--plot must name a folder when there are several files"
    if args.plot and args.plot.suffix and args.plot.suffix.lower() not in PICTURES:
        return "--plot must end in .png or .svg, or name a folder"
    names = [file.stem for file in args.files]
    if (args.out or args.plot) and len(set(names)) < len(names):
        return "two files have the same name: their answers would overwrite each other"
    if args.plot and args.plot.suffix.lower() != ".svg":
        return _without_pillow()
    return None


def _without_pillow() -> str | None:
    try:
        import PIL  # noqa: F401
    except ModuleNotFoundError:
        return "PNG needs Pillow: run  pip install 'carebag[plot]'  or ask for an .svg"
    return None


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _one(
    file: Path, *, kind: str, rate_hz: int | None, plot: Path | None, several: bool, markers: bool
) -> dict[str, Any]:
    """The findings of one file as JSON, or why it could not be read."""
    try:
        if kind == "lung":
            answer, sheet = _lung(file, rate_hz, markers=markers)
        else:
            answer, sheet = _heart(file, rate_hz) if kind == "heart" else _pulse(file, rate_hz)
        if plot is not None:
            # numpy and scipy are slow to import: not for `carebag --help`
            from carebag.phonocardiogram import save

            if answer["cut_short"]:
                sheet = replace(sheet, title=f"{sheet.title} · {_CUT[answer['cut_short']['code']]}")
            save(sheet, plot / f"{file.stem}.png" if several or not plot.suffix else plot)
    except UnreadableRecording as error:
        return {"file": str(file), "error": error.code, "error_detail": str(error)}
    except OSError as error:
        return {"file": str(file), "error": "not_written", "error_detail": str(error)}
    except ValueError as error:
        return {"file": str(file), "error": "not_analysable", "error_detail": str(error)}
    return {"file": str(file), "kind": kind, **answer, "note": NOTE}


def _heart(file: Path, rate_hz: int | None) -> tuple[dict[str, Any], Any]:
    from carebag.phonocardiogram import heart_sheet
    from carebag_signal.analyse import analyse
    from carebag_signal.heart_timing import heart_timing

    rate, samples, cut_short = read_recording(file, rate_hz)
    found = analyse(samples, rate)
    s1_s, s2_s = [s / rate for s in found.s1], [s / rate for s in found.s2]
    return {
        "rate_hz": rate,
        "seconds": len(samples) / rate,
        "cut_short": _cut(cut_short, rate),
        "s1_s": s1_s,
        "s2_s": s2_s,
        "names_sure": found.names_sure,
        "unnamed_s": [s / rate for s in found.unnamed],
        "timing": asdict(heart_timing(s1_s, s2_s, [start / rate for start, _ in found.gaps])),
        "heart_rate_bpm": _rounded(found.heart_rate_per_min),
        "heart_rate_why_not": found.heart_rate_why_not,
        "heart_rate_shown": [asdict(r) for r in found.heart_rates],
        "quality": [asdict(q) for q in found.quality],
        "gaps": list(found.gaps),
        "listen_here": [{"start_s": start / rate, "end_s": end / rate} for start, end in found.extra_sound.listen],
        "extra_sound_probability": found.extra_sound.probability,
        "extra_sound_why_not": found.extra_sound.why_not,
        **_further(found),
    }, heart_sheet(samples, found)


def _lung(file: Path, rate_hz: int | None, *, markers: bool) -> tuple[dict[str, Any], Any]:
    from carebag.phonocardiogram import lung_sheet
    from carebag_signal.analyse import analyse_lung

    rate, samples, cut_short = read_recording(file, rate_hz)
    found = analyse_lung(samples, rate, markers=markers)
    listen = [{"start_s": m.start / rate, "end_s": m.end / rate, "kind": m.kind} for m in found.marks]
    return {
        "rate_hz": rate,
        "seconds": len(samples) / rate,
        "cut_short": _cut(cut_short, rate),
        "breathing_rate_per_min": _rounded(found.breathing_rate_per_min),
        "breathing_rate_why_not": found.breathing_rate_why_not,
        "breathing_rate": [[r.at_sample / rate, _rounded(r.per_min)] for r in found.breathing_rates],
        "inspirations_s": [s / rate for s in found.inspirations],
        "expirations_s": [s / rate for s in found.expirations],
        **({"listen_here": listen} if markers else {}),
        "gaps": list(found.gaps),
    }, lung_sheet(samples, found)


def _pulse(file: Path, rate_hz: int | None) -> tuple[dict[str, Any], Any]:
    """A pulse wave's findings: beats, pulse rate each second, breathing rate each four seconds."""
    from carebag.phonocardiogram import pulse_sheet
    from carebag_signal.analyse import analyse_pulse

    rate, values, cut_short = read_numbers(file, rate_hz, "pleth")
    found = analyse_pulse(values, rate)
    return {
        "rate_hz": rate,
        "seconds": len(values) / rate,
        "cut_short": _cut(cut_short, rate),
        "beats_s": list(found.beats_s),
        "pulse_rate": [[r.at_s, r.per_min] for r in found.pulse_rates],
        "breathing_rate": [[r.at_s, r.per_min] for r in found.breathing_rates],
        **_further(found),
    }, pulse_sheet(values, found)


def _cut(cut_short: CutShort | None, rate_hz: int) -> dict[str, Any] | None:
    if cut_short is None:
        return None
    return {"code": cut_short.code, "missing_s": None if cut_short.missing is None else cut_short.missing / rate_hz}


_NAMED = {
    "kind", "rate_hz", "n_samples", "s1", "s2", "heart_rate_per_min", "heart_rate_why_not", "heart_rates", "quality",
    "gaps", "names_sure", "unnamed", "extra_sound", "beats_s", "pulse_rates", "breathing_rates", "others",
}  # fmt: skip


def _further(found: Any) -> dict[str, Any]:
    """What an analysis has beside the fields that we name: its other fields, and other findings by their kind."""
    told = {name: value for name, value in asdict(found).items() if name not in _NAMED}
    lists: dict[str, list[Any]] = defaultdict(list)
    for finding in found.others:
        if is_dataclass(finding) and not isinstance(finding, type):
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(finding).__name__).lower()
            lists[name].append(asdict(finding))
    return {**told, **lists}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _show(answers: Iterable[dict[str, Any]], args: argparse.Namespace) -> int:
    failed, progress = 0, Progress(len(args.files))
    for file, answer in zip(args.files, answers, strict=True):
        failed += "error" in answer
        if "error" in answer:
            progress.clear()
            sys.stderr.write(f"{file}: {answer['error']}: {answer['error_detail']}\n")
        if args.out and "error" not in answer:
            _write(args.out / f"{file.stem}.json", json.dumps(answer, allow_nan=False) + "\n")
        if answer.get("cut_short") and (args.json or args.out):
            progress.clear()
            sys.stderr.write(f"{file}: {_cut_in_words(answer['cut_short'])}\n")
        if args.json:
            sys.stdout.write(json.dumps(answer, allow_nan=False) + "\n")
        elif "error" not in answer and not args.out:
            progress.clear()
            sys.stdout.write(_in_words(answer) + "\n")
        progress.step()
    return 1 if failed else 0


def _write(file: Path, content: str) -> None:
    """Whole or not at all, whenever we are stopped."""
    part = file.with_suffix(".part")
    part.write_text(content, encoding="utf-8")
    part.replace(file)


def _in_words(answer: dict[str, Any]) -> str:
    from carebag.phonocardiogram import WHY_NOT

    def not_shown(code: str) -> str:
        return f"not shown ({WHY_NOT.get(code, code)})"

    about = f"{answer['file']}: {answer['seconds']:.1f} s"
    if answer["cut_short"]:
        about += f" ({_cut_in_words(answer['cut_short'])})"
    if answer["kind"] == "ppg":
        shown = [rate for _, rate in answer["pulse_rate"] if rate is not None]
        pulse = f"{sorted(shown)[len(shown) // 2]:.0f}/min" if shown else "not shown"
        return f"{about}, {len(answer['beats_s'])} beats, pulse {pulse}. {NOTE}"
    if answer["kind"] == "lung":
        rate = answer["breathing_rate_per_min"]
        breathing = f"{rate:.0f}/min" if rate is not None else not_shown(answer["breathing_rate_why_not"])
        places = f", {len(answer['listen_here'])} places to listen to" if "listen_here" in answer else ""
        return f"{about}, breathing {breathing}{places}. {NOTE}"
    rate = answer["heart_rate_bpm"]
    heart = f"{rate:.0f}/min" if rate is not None else not_shown(answer["heart_rate_why_not"])
    good = sum(q["end"] - q["start"] for q in answer["quality"] if q["word"] == "good") / answer["rate_hz"]
    return f"{about}, heart rate {heart}, {_sounds(answer)}, good quality {good:.0f} s{_listen_here(answer)}. {NOTE}"


_CUT = {"ends_early": "cut short", "damaged_within": "damaged", "last_line_open": "may be cut short"}


def _cut_in_words(cut_short: dict[str, Any]) -> str:
    word, missing_s = _CUT[cut_short["code"]], cut_short["missing_s"]
    if cut_short["code"] == "last_line_open":
        return f"{word}: its last line has no end"
    up_to = ": read up to there" if cut_short["code"] == "damaged_within" else ""
    return word + up_to + ("" if missing_s is None else f", {missing_s:.1f} s of what its header promises are missing")


def _sounds(answer: dict[str, Any]) -> str:
    """How many S1 and S2, and how many sounds of a heart too fast to tell which is which."""
    unnamed = set(answer["unnamed_s"])
    counts = [(name, sum(s not in unnamed for s in answer[f"{name.lower()}_s"])) for name in ("S1", "S2")]
    if not unnamed:
        return ", ".join(f"{n} {name}" for name, n in counts)
    told = [f"{n} {name}" for name, n in counts if n]
    return ", ".join((*told, f"{len(unnamed)} heart sounds not named S1 or S2 (too fast to tell them apart)"))


def _listen_here(answer: dict[str, Any]) -> str:
    places = answer["listen_here"]
    at = ", ".join(f"{place['start_s']:.1f} s" for place in places)
    return f", listen here: more sound than expected between S1 and S2 (at {at})" if places else ""
