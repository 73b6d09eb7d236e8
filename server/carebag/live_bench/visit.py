"""One visit over the link, with everything noted that the figures are made of."""

import base64
import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Error, Page, Request, expect

from carebag.latency import frames
from carebag.link_emulator.profiles import HANDOVER_GAP_S
from carebag.live_bench.raw import Frame, Heard, Played, Raw, Rendered
from carebag.live_bench.sounds import RATE_HZ
from carebag.live_bench.stand import Stand, machine_load

PATIENT = "Tolvan Tolvansson"
PHOTO_AFTER_S = 4.0
VERDICT_WITHIN_S = 30.0
SWEEP_S = 9.0
EARLY_LOOK_S = 5.0
"""By then a delay that the beginning made too long was given back: the break would lie in the sweep."""
LONG_MS = 60_000


def measured(stand: Stand, seed: int, seconds: float, photo: Path | None, setups: int) -> Raw:
    """The whole visit; what could not be had is in `problems`, and the rest is there all the same."""
    raw = Raw(stand.link.profile, seed, began=time.time(), ended=0.0)
    _open(stand)
    raw.heard = _listen(stand, raw, seconds, photo)
    _try(raw, "picture", lambda: _pictures(stand, raw))
    _try(raw, "response", lambda: _sweep(stand, raw))
    raw.bare = [(float(left), arrived) for left, arrived in stand.link.bare() if left is not None]
    _try(raw, "call set-up", lambda: _set_up(stand, raw, setups))
    raw.link = stand.link.report()
    return raw


def _try(raw: Raw, what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (Error, AssertionError, OSError) as problem:
        raw.problems.append(f"{what}: {str(problem).splitlines()[0][:200]}")


def _open(stand: Stand) -> None:
    nurse, doctor = stand.nurse, stand.doctor
    nurse.enter(stand.demo.hub_url)
    nurse.open_visit(PATIENT)
    nurse.page.set_default_timeout(LONG_MS)
    nurse.page.evaluate("() => void window.__live.watchTalk()")
    for kind in ("oximeter", "stethoscope"):
        nurse.wait_for_device(kind)
    doctor.enter(stand.demo.hub_url)
    doctor.page.set_default_timeout(LONG_MS)
    doctor.join(PATIENT)
    doctor.wait_for_video()
    nurse.simulate("oximeter", "finger_on")


def _begin_listening(stand: Stand) -> None:
    stand.doctor.ask_to_listen("mitral")
    stand.nurse.start_task("listen")
    expect(stand.doctor.part("listening")).to_have_attribute("data-state", "live", timeout=LONG_MS)


def _listen(stand: Stand, raw: Raw, seconds: float, photo: Path | None) -> Heard:
    doctor, reports = stand.doctor.page, []
    doctor.on("request", lambda request: reports.append(request) if "/sounds/heard" in request.url else None)
    stand.nurse.simulate("stethoscope", "place")
    stand.doctor.press("listen-audio-on")
    _begin_listening(stand)
    _settle(stand)
    doctor.evaluate("() => { Object.assign(window.__live, { frames: [], vitals: [], rendered: [] }) }")
    stand.nurse.page.evaluate("() => { window.__live.talk = [] }")
    stand.link.begin()
    raw.began, raw.load_average = time.time(), machine_load()
    plan = _Befalling(stand, raw)
    _watch_load(stand, raw, seconds, photo)
    plan.join()
    raw.ended = time.time()
    stand.nurse.press("listen-stop")
    verdict = _verdict(doctor)
    found = _noted(doctor)
    raw.vitals = [(at / 1000, how, number, measured_at / 1000) for at, how, number, measured_at in found["vitals"]]
    raw.talk = [(at / 1000, *counts) for at, *counts in stand.nurse.page.evaluate("window.__live.talk")]
    sent = [(int(first), left) for first, left in stand.link.kitchen.run(lambda: frames(stand.demo.control_url))]
    return Heard(sent, _packets(found), _rendered(found), verdict, **_report(reports))


def _settle(stand: Stand) -> None:
    """The first seconds are the buffers' own: measure what comes after."""
    stand.doctor.page.wait_for_timeout(3000)


def _report(requests: list[Request]) -> dict[str, Any]:
    if not requests:
        return {}
    said = requests[-1].post_data_json or {}
    return {"missing": said.get("missing"), "repaired": said.get("repaired")}


class _Befalling:
    """The profile's outages and handovers as they come, beside the main thread."""

    def __init__(self, stand: Stand, raw: Raw) -> None:
        self._stand, self._raw = stand, raw
        for one in stand.link.profile.outages:
            raw.back.append(raw.began + one.end_s)
            raw.out.append((raw.began + one.start_s, raw.began + one.end_s))
        self._handovers = stand.link.profile.handovers
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for at in self._handovers:
            time.sleep(max(0.0, self._raw.began + at - time.time()))
            gone = time.time()
            self._stand.link.address_goes()
            time.sleep(HANDOVER_GAP_S)
            self._stand.link.address_comes()
            self._raw.back.append(time.time())
            self._raw.out.append((gone, time.time()))

    def join(self) -> None:
        self._thread.join()


def _watch_load(stand: Stand, raw: Raw, seconds: float, photo: Path | None) -> None:
    process = psutil.Process(stand.demo.parts.running["kit"].pid)
    process.cpu_percent()
    spent, began = _spent(), time.monotonic()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        stand.doctor.page.wait_for_timeout(min(1000.0, left * 1000))
        raw.load.append((time.time(), process.cpu_percent(), process.memory_info().rss / 2**20))
        if photo is not None and time.time() - raw.began > PHOTO_AFTER_S:
            sent = time.time()
            stand.nurse.send_photo(photo)
            raw.photo, photo = (sent, None, photo.stat().st_size), None
        if raw.photo and raw.photo[1] is None and stand.doctor.part("photo").count():
            raw.photo = (raw.photo[0], time.time(), raw.photo[2])
    after = _spent()
    used = sum(then - spent[number] for number, then in after.items() if number in spent)
    raw.all_percent = round(used / (time.monotonic() - began) * 100, 1)


def _spent() -> dict[int, float]:
    """Processor seconds of each process that the bench started."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def _verdict(page: Page) -> str:
    """What the page says of its copy, when it has done what it can."""
    until = time.monotonic() + VERDICT_WITHIN_S
    while time.monotonic() < until:
        word = page.evaluate("document.querySelector('[data-testid=\"listening\"]')?.dataset.verdict ?? ''")
        if word not in ("", "listening", "checking"):
            return str(word)
        page.wait_for_timeout(200)
    return "none"


def _noted(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        "() => { const { packets, vitals, rendered } = window.__live; return { packets, vitals, rendered } }"
    )
    return found


def _packets(found: dict[str, Any]) -> list[tuple[float, str, bytes]]:
    return [(at / 1000, how, base64.b64decode(data)) for at, how, data in found["packets"]]


_COUNTS = ("waited", "underruns", "late", "skipped", "jumps")


def _rendered(found: dict[str, Any]) -> list[Rendered]:
    return [
        Rendered(
            one["stream"],
            one["sample"],
            one["atMs"] / 1000,
            one.get("levelMs", 0.0),
            one.get("targetMs", 0.0),
            {name: one[name] for name in _COUNTS if name in one},
        )
        for one in found["rendered"]
    ]


def _pictures(stand: Stand, raw: Raw) -> None:
    rows = stand.doctor.page.evaluate("window.__live.frames")
    raw.pictures = [
        Frame(at / 1000, None if drawn is None else drawn / 1000, width)
        for at, drawn, width in rows
        if at / 1000 <= raw.ended
    ]


def _sweep(stand: Stand, raw: Raw) -> None:
    """Listen once more, to the sweep that the stethoscope now hears, and keep what the audio thread gives out."""
    _begin_listening(stand)
    page = stand.doctor.page
    page.wait_for_timeout(EARLY_LOOK_S * 1000)
    rate = page.evaluate("() => window.__live.record()")
    page.wait_for_timeout(SWEEP_S * 1000)
    stand.nurse.press("listen-stop")
    blocks = page.evaluate("window.__live.blocks")
    every = int(rate) // RATE_HZ
    stretches = _stretches([(frame, base64.b64decode(data)) for frame, data in blocks])
    # one of `every` samples holds all of the band; which one is chance: the kit's own or one made between two
    waited = page.evaluate("() => window.__live.rendered.at(-1)?.waited ?? 0")
    raw.played = Played(RATE_HZ, [stretch[::every] for stretch in stretches], int(waited))
    _verdict(page)


def _stretches(blocks: list[tuple[int, bytes]]) -> list[list[float]]:
    """Blocks that follow each other without a break, joined."""
    found: list[list[float]] = []
    due = -1
    for frame, data in blocks:
        samples = np.frombuffer(data, "<f4").tolist()
        if frame != due:
            found.append([])
        found[-1].extend(samples)
        due = frame + len(samples)
    return found


def _set_up(stand: Stand, raw: Raw, times: int) -> None:
    """Come into the visit again and again: from asking to join to the kit's connection standing."""
    page = stand.doctor.page
    for _ in range(times):
        page.reload()
        page.wait_for_function(SET_UP, timeout=LONG_MS)
        joined, connected = page.evaluate(SET_UP)
        raw.setups_s.append((connected - joined) / 1000)
        page.wait_for_timeout(500)


SET_UP = """
() => {
  const { joins, peers } = window.__live
  const kits = new Set(peers.filter(([, , state]) => state === 'kit').map(([, number]) => number))
  const connected = peers.find(([, number, state]) => state === 'connected' && kits.has(number))
  return joins.length && connected ? [joins[0], connected[0]] : null
}
"""
