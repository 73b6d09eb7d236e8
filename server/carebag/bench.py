"""`carebag bench`: the latencies, losses and loads that matter, measured through the whole line on this machine.

value   from the cuff's indication leaving the simulator to the value in the doctor's page
sound   from a stethoscope frame leaving the simulator to its samples being rendered in the doctor's audio thread
load    processor and memory of the kit with every instrument, the sound and the camera streaming

`carebag bench live` measures the live visit over a bad link instead: `carebag.live_bench`.
`carebag bench faults` cuts the power, kills, loses and fills disks, and counts what is lost: `carebag.fault_bench`.
"""

import argparse
import json
import platform
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import expect

from carebag.browser import NoBrowser
from carebag.demonstration import Demo, Options, running
from carebag.fault_bench import command as fault_bench
from carebag.latency import Spread, departures, frames, rendered_after, shown_after, spread
from carebag.live_bench import command as live_bench
from carebag.pages import SLOW_MS, browser
from carebag.processes import PartFailed
from carebag.walkthrough import Walk

FAST = 40.0
"""The simulated cuff is hurried so much that a hundred measurements take minutes."""


SECOND_S = 1.1
"""A cuff's clock counts seconds: two equal values within one would be one measurement sent twice."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--values", type=int, default=100, help="number of blood pressures (default 100)")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the listening (default 10)")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="go on for so long and watch memory")
    parser.add_argument("--recordings", help="folder of WAV files for the stethoscope; default: synthetic heart sounds")
    parser.add_argument("--port", type=int, default=8480)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    what = "the live visit over a bad link between two network namespaces"
    others = parser.add_subparsers(dest="what", metavar="live|faults")
    live_bench.add_arguments(others.add_parser("live", help=what, description=what))
    what = "power cuts, kills, bad links, full and rotten disks: what is lost, doubled or filed wrong"
    fault_bench.add_arguments(others.add_parser("faults", help=what, description=what))


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if every figure could be taken and no sample was lost."""
    if args.what == "live":
        return live_bench.run(args)
    if args.what == "faults":
        return fault_bench.run(args)
    with tempfile.TemporaryDirectory(prefix="carebag-bench-", ignore_cleanup_errors=True) as folder:
        options = Options(Path(folder), args.recordings, None, args.port, FAST)
        began = time.monotonic()
        try:
            with running(options) as demo, browser() as chromium:
                started_s = round(time.monotonic() - began, 1)
                walk = Walk(demo, chromium)
                walk.nurse_opens_visit()
                walk.doctor_joins()
                result = {
                    "machine": machine(),
                    "bluetooth": demo.mode,
                    "demo_start_s": started_s,
                    **measure(walk, args),
                }
        except (PartFailed, NoBrowser) as problem:
            raise SystemExit(f"carebag bench: {problem}") from None
    print(json.dumps(result, indent=2) if args.json else table(result))
    return 0 if result["sound"]["digest"] == "verified" and result["sound"]["lost"] == 0 else 1


def machine() -> dict[str, Any]:
    return {
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def measure(walk: Walk, args: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {"value": asdict(values(walk, args.values))}
    walk.nurse.simulate("oximeter", "finger_on")
    meter = Meter(walk.demo)
    result["sound"] = sound(walk, args.minutes, meter)
    if args.soak:
        result["soak"] = soak(walk, args.soak)
    result["load"] = meter.result()
    return result


def values(walk: Walk, number: int) -> Spread:
    """Unasked blood pressures, one after the other: each is a draft in the doctor's page."""
    cards = walk.doctor.page.locator("[data-reading-id]")
    for _ in range(number):
        before = walk.doctor.page.evaluate("Object.keys(window.__shown).length")
        walk.nurse.simulate("cuff", "start")
        walk.doctor.page.wait_for_function("n => Object.keys(window.__shown).length > n", arg=before, timeout=SLOW_MS)
        time.sleep(SECOND_S)
    expect(cards.first).to_be_visible()
    left = departures(walk.demo.control_url, "cuff")
    return spread(shown_after(walk.doctor.page, "blood_pressure", left))


def sound(walk: Walk, minutes: float, meter: "Meter") -> dict[str, Any]:
    """Listen for so long; the digest over all samples must be equal at both ends."""
    walk.nurse.simulate("stethoscope", "place")
    walk.doctor.press("listen-audio-on")
    walk.doctor.ask_to_listen("mitral")
    walk.nurse.start_task("listen")
    listening = walk.doctor.part("listening")
    expect(listening).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until:
        meter.take()
        time.sleep(min(1.0, max(0.0, until - time.monotonic())))
    walk.nurse.press("listen-stop")
    verdict = walk.doctor.page.wait_for_function(VERDICT, timeout=SLOW_MS).json_value()
    sent = frames(walk.demo.control_url)
    durations = rendered_after(walk.doctor.page, sent)
    last = walk.doctor.page.evaluate("window.__rendered.at(-1)")
    return {
        **asdict(spread(durations)),
        "minutes": minutes,
        "samples": int(sent[-1][0]),
        "digest": verdict,
        "lost": 0 if verdict == "verified" else None,
        "not_played_in_time": last[3] + last[4],
    }


def soak(walk: Walk, minutes: float) -> dict[str, Any]:
    """Listen again and again; memory of the kit at the start and at the end, and its slope between."""
    meter = Meter(walk.demo)
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until:
        walk.doctor.ask_to_listen("mitral")
        walk.nurse.start_task("listen")
        pause = min(until, time.monotonic() + 120)
        while time.monotonic() < pause:
            meter.take()
            time.sleep(1.0)
        walk.nurse.press("listen-stop")
        expect(walk.doctor.part("listening")).to_have_attribute("data-state", "ended", timeout=SLOW_MS)
    return meter.result()


class Meter:
    """Processor and memory of the kit's process, once a second."""

    def __init__(self, demo: Demo) -> None:
        self._process = psutil.Process(demo.parts.running["kit"].pid)
        self._process.cpu_percent()
        self._began = time.monotonic()
        self._rows: list[tuple[float, float, float]] = []

    def take(self) -> None:
        memory = self._process.memory_info().rss / 2**20
        self._rows.append((time.monotonic() - self._began, self._process.cpu_percent(), memory))

    def result(self) -> dict[str, Any]:
        rows = self._rows[5:] or self._rows
        cpu, memory = sorted(row[1] for row in rows), [row[2] for row in rows]
        tenth = max(1, len(memory) // 10)
        return {
            "seconds": round(rows[-1][0]),
            "cpu_percent_p50": cpu[len(cpu) // 2],
            "cpu_percent_p95": cpu[int(len(cpu) * 0.95)],
            "memory_mib_first_tenth": round(sum(memory[:tenth]) / tenth, 1),
            "memory_mib_last_tenth": round(sum(memory[-tenth:]) / tenth, 1),
            "memory_mib_max": round(max(memory), 1),
        }


def table(result: dict[str, Any]) -> str:
    value, heard, load = result["value"], result["sound"], result["load"]
    rows = [
        (
            "cuff to doctor's page",
            f"p50 {value['p50_ms']} ms, p99 {value['p99_ms']} ms, max {value['max_ms']} ms",
            value["n"],
        ),
        (
            "stethoscope to ear",
            f"p50 {heard['p50_ms']} ms, p99 {heard['p99_ms']} ms, max {heard['max_ms']} ms",
            heard["n"],
        ),
        (
            "sound kept",
            f"{heard['minutes']} min, {heard['samples']} samples, lost {heard['lost']}, {heard['digest']}",
            1,
        ),
        (
            "kit's processor",
            f"p50 {load['cpu_percent_p50']} %, p95 {load['cpu_percent_p95']} % of a core",
            load["seconds"],
        ),
        ("kit's memory", f"{load['memory_mib_first_tenth']} → {load['memory_mib_last_tenth']} MiB", load["seconds"]),
        ("demo ready after", f"{result['demo_start_s']} s", 1),
    ]
    return "\n".join(f"{name:24} {text}   (n = {n})" for name, text, n in rows)


VERDICT = """
() => {
  const listening = document.querySelector('[data-testid="listening"]')
  const verdict = listening?.dataset.verdict
  return ['verified', 'gaps', 'differs'].includes(verdict) ? verdict : null
}
"""
