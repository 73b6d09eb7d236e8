"""`carebag analyse FILE...`: recordings in, findings out, as words, JSON and pictures."""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from carebag.recording_files import UnreadableRecording, read_numbers, read_recording

NOTE = "Decision support; not a diagnosis."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, CSV or NPZ, one channel")
    parser.add_argument("--kind", choices=("heart", "ppg"), default="heart", help="what was listened to")
    parser.add_argument("--rate", type=int, metavar="HZ", help="sampling rate, for files that do not say it")
    parser.add_argument("--json", action="store_true", help="one JSON object per file on standard output")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write DIR/NAME.json for every file")
    parser.add_argument(
        "--plot", type=Path, metavar="OUT.svg", help="a picture with marks and quality; a folder for several files"
    )
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: one per processor)")


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 if every file could be read, 1 if some could not, 2 for arguments that do not fit together."""
    if args.plot and len(args.files) > 1 and args.plot.suffix:
        sys.stderr.write("carebag analyse: --plot must name a folder when there are several files\n")
        return 2
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    work = partial(_one, kind=args.kind, rate_hz=args.rate, plot=args.plot, several=len(args.files) > 1)
    if len(args.files) == 1 or args.jobs == 1:
        return _show(map(work, args.files), args)
    with ProcessPoolExecutor(args.jobs or None) as pool:
        return _show(pool.map(work, args.files), args)


def _one(file: Path, *, kind: str, rate_hz: int | None, plot: Path | None, several: bool) -> dict[str, Any]:
    """The findings of one file as JSON, or why it could not be read."""
    # numpy and scipy are slow to import: not for `carebag --help`
    from carebag.phonocardiogram import draw
    from carebag_signal.analyse import analyse

    try:
        if kind == "ppg":
            return _pulse(file, rate_hz)
        rate, samples = read_recording(file, rate_hz)
        analysis = analyse(samples, rate)
    except UnreadableRecording as error:
        return {"file": str(file), "error": error.code, "error_detail": str(error)}
    except ValueError as error:
        return {"file": str(file), "error": "not_analysable", "error_detail": str(error)}
    if plot is not None:
        target = plot / f"{file.stem}.svg" if several or not plot.suffix else plot
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(draw(samples, analysis), encoding="utf-8")
    return {
        "file": str(file),
        "kind": kind,
        "rate_hz": rate,
        "seconds": len(samples) / rate,
        "s1_s": [s / rate for s in analysis.s1],
        "s2_s": [s / rate for s in analysis.s2],
        "heart_rate_bpm": None if analysis.heart_rate_per_min is None else round(analysis.heart_rate_per_min, 1),
        "heart_rate_why_not": analysis.heart_rate_why_not,
        "heart_rate_shown": [asdict(r) for r in analysis.heart_rates],
        "quality": [asdict(q) for q in analysis.quality],
        "gaps": list(analysis.gaps),
        "note": NOTE,
    }


def _pulse(file: Path, rate_hz: int | None) -> dict[str, Any]:
    """A pulse wave's findings: beats, pulse rate each second, breathing rate each four seconds."""
    from carebag_signal.analyse import analyse_pulse

    rate, values = read_numbers(file, rate_hz, "pleth")
    found = analyse_pulse(values, rate)
    return {
        "file": str(file),
        "kind": "ppg",
        "rate_hz": rate,
        "seconds": len(values) / rate,
        "beats_s": list(found.beats_s),
        "pulse_rate": [[r.at_s, r.per_min] for r in found.pulse_rates],
        "breathing_rate": [[r.at_s, r.per_min] for r in found.breathing_rates],
        "note": NOTE,
    }


def _show(answers: Any, args: argparse.Namespace) -> int:
    failed = 0
    for done, (file, answer) in enumerate(zip(args.files, answers, strict=True), start=1):
        failed += "error" in answer
        if "error" in answer:
            sys.stderr.write(f"{file}: {answer['error']}: {answer['error_detail']}\n")
        if args.out and "error" not in answer:
            (args.out / f"{file.stem}.json").write_text(json.dumps(answer) + "\n", encoding="utf-8")
        if args.json:
            sys.stdout.write(json.dumps(answer) + "\n")
        elif "error" not in answer and not args.out:
            sys.stdout.write(_in_words(answer) + "\n")
        if len(args.files) > 1 and sys.stderr.isatty():
            sys.stderr.write(f"\r{done} of {len(args.files)}" + ("\n" if done == len(args.files) else ""))
    return 1 if failed else 0


def _in_words(answer: dict[str, Any]) -> str:
    if answer["kind"] == "ppg":
        shown = [rate for _, rate in answer["pulse_rate"] if rate is not None]
        pulse = f"{sorted(shown)[len(shown) // 2]:.0f}/min" if shown else "not shown"
        return f"{answer['file']}: {answer['seconds']:.1f} s, {len(answer['beats_s'])} beats, pulse {pulse}. {NOTE}"
    rate = answer["heart_rate_bpm"]
    heart = f"{rate:.0f}/min" if rate is not None else f"not shown ({answer['heart_rate_why_not']})"
    good = sum(q["end"] - q["start"] for q in answer["quality"] if q["word"] == "good") / answer["rate_hz"]
    return (
        f"{answer['file']}: {answer['seconds']:.1f} s, heart rate {heart}, {len(answer['s1_s'])} S1, "
        f"{len(answer['s2_s'])} S2, good quality {good:.0f} s. {NOTE}"
    )
