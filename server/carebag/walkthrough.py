"""`carebag demo --script visit`: a whole visit, unattended, through the same pages that people use.

Each step says what worked and how long it took; the first that fails ends the visit, and its picture tells more.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, expect

from carebag.browser import NoBrowser
from carebag.demonstration import Demo
from carebag.latency import departures, frames, rendered_after, shown_after, spread
from carebag.pages import DESK, SLOW_MS, TABLET, Doctor, Nurse, Reviewer, browser, new_page

PATIENT = "Tolvan Tolvansson"
LISTEN_S = 6.0
BREATHS = 12
"""In thirty seconds: 24 a minute, as a man with a fever may breathe."""
LAST = "medical_lead_reviews"
ASSESSMENT = "Trött och febrig sedan i går, gott allmäntillstånd. CRP lågt, saturation och blodtryck utan anmärkning."
PLAN = "Urinodling i dag. Dryck och vila hemma. Ny kontroll i morgon kl. 10; ring om febern stiger."


@dataclass
class Step:
    """What one step came to."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    saw: dict[str, Any] = field(default_factory=dict)
    """What a person would have read on the page."""
    problem: str = ""


class Walk:
    """The steps of a visit; `steps` in order, each usable by itself once those before it are done."""

    def __init__(self, demo: Demo, running: Browser) -> None:
        self.demo = demo
        self.nurse = Nurse(new_page(running, TABLET))
        self.doctor = Doctor(new_page(running, DESK))
        self.reviewer = Reviewer(new_page(running, DESK))
        self.steps: list[tuple[str, Callable[[], dict[str, Any]]]] = [
            ("nurse_opens_visit", self.nurse_opens_visit),
            ("doctor_joins", self.doctor_joins),
            ("blood_pressure", self.blood_pressure),
            ("oximeter", self.oximeter),
            ("early_warning", self.early_warning),
            ("stethoscope", self.stethoscope),
            ("crp", self.crp),
            ("photo", self.photo),
            ("plan_signed_and_read", self.plan_signed_and_read),
            (LAST, self.medical_lead_reviews),
        ]

    def nurse_opens_visit(self) -> dict[str, Any]:
        self.nurse.enter(self.demo.hub_url)
        self.nurse.open_visit(PATIENT)
        for kind in ("cuff", "oximeter", "stethoscope", "crp_analyser"):
            self.nurse.wait_for_device(kind)
        return {"patient": self.nurse.part("patient-name").inner_text(), "instruments": "ready"}

    def doctor_joins(self) -> dict[str, Any]:
        self.doctor.enter(self.demo.hub_url)
        self.doctor.join(PATIENT)
        began = time.monotonic()
        self.doctor.wait_for_video()
        picture = time.monotonic() - began
        self.doctor.wait_for_talk()
        return {"picture_after_s": round(picture, 2), "talk": "connected"}

    def blood_pressure(self) -> dict[str, Any]:
        """A cuff error in words, asked again, a value, kept."""
        self.doctor.ask("blood_pressure")
        self.nurse.start_task("blood_pressure")
        self.nurse.simulate("cuff", "start_error")
        error = self.doctor.ask_again("blood_pressure", "Manschetten satt löst")
        self.nurse.start_task("blood_pressure")
        self.nurse.simulate("cuff", "start")
        value = self.doctor.keep("blood_pressure")
        latency = self.value_latency_ms("blood_pressure", "cuff")
        return {"error": one_line(error), "value": one_line(value), "latency_ms": latency}

    def value_latency_ms(self, kind: str, device: str) -> list[float]:
        """From leaving the device to standing in the doctor's page, each value of this kind."""
        left = departures(self.demo.control_url, device)
        if device == "crp_analyser":
            left = left[-1:]  # one result is many pieces; it is whole when the last has left
        return [round(after * 1000, 1) for after in shown_after(self.doctor.page, kind, left)]

    def oximeter(self) -> dict[str, Any]:
        self.nurse.simulate("oximeter", "finger_on")
        expect(self.doctor.part("live-spo2")).to_have_attribute("data-state", "live", timeout=SLOW_MS)
        live = self.doctor.part("live-spo2").inner_text()
        self.doctor.ask("oximetry")
        self.nurse.start_task("oximetry")
        self.nurse.save_spot()
        value = self.doctor.keep("oximetry")
        return {"live": one_line(live), "value": one_line(value)}

    def early_warning(self) -> dict[str, Any]:
        """The doctor asks for what NEWS2 lacks; the nurse counts breaths and looks; the score stands there."""
        self.doctor.press("news2-ask")
        self.nurse.start_task("respiration")
        self.nurse.count_breaths(BREATHS)
        self.nurse.press("observe-next")
        self.nurse.choose_consciousness("A")
        self.nurse.press("observe-next")
        self.nurse.say_air()
        self.nurse.press("observe-ready")
        self.nurse.start_task("temperature")
        self.nurse.simulate("thermometer", "measure")
        for kind in ("temperature", "respiration", "consciousness", "oxygen"):
            self.doctor.keep(kind)
        score = self.doctor.part("news2")
        expect(score).to_have_attribute("data-state", "complete", timeout=SLOW_MS)
        return {"news2": score.get_attribute("data-total"), "shown": one_line(score.inner_text())}

    def stethoscope(self) -> dict[str, Any]:
        self.nurse.simulate("stethoscope", "place")
        self.doctor.press("listen-audio-on")
        self.doctor.ask_to_listen("mitral")
        self.nurse.start_task("listen")
        listening = self.doctor.part("listening")
        expect(listening).to_have_attribute("data-state", "live", timeout=SLOW_MS)
        for view in ("bell", "diaphragm", "extended"):
            self.doctor.press(f"view-{view}")
            time.sleep(LISTEN_S / 3)
        rate = self.doctor.part("listening-rate").inner_text()
        quality = self.doctor.part("listening-quality").get_attribute("data-quality")
        self.nurse.press("listen-stop")
        expect(self.doctor.part("sound-verified").first).to_be_visible(timeout=SLOW_MS)
        gaps = self.doctor.part("listening-gaps").inner_text()
        self.doctor.press("sound-keep")
        heard = spread(rendered_after(self.doctor.page, frames(self.demo.control_url)))
        latency = {"p50": heard.p50_ms, "p99": heard.p99_ms}
        return {
            "heart_rate": one_line(rate),
            "quality": quality,
            "gaps": gaps,
            "digest": "verified",
            "latency_ms": latency,
        }

    def crp(self) -> dict[str, Any]:
        self.doctor.ask("crp")
        self.nurse.start_task("crp")
        self.nurse.simulate("crp_analyser", "insert_cassette")
        return {"value": one_line(self.doctor.keep("crp")), "latency_ms": self.value_latency_ms("crp", "crp_analyser")}

    def photo(self) -> dict[str, Any]:
        self.nurse.send_photo()
        picture = self.doctor.part("photo").first
        expect(picture).to_be_visible(timeout=SLOW_MS)
        self.doctor.page.wait_for_function(SEEN, timeout=SLOW_MS)
        return {"photo": "seen"}

    def plan_signed_and_read(self) -> dict[str, Any]:
        self.doctor.write_and_sign(ASSESSMENT, PLAN)
        read = self.nurse.read_plan_and_close()
        if read.strip() != PLAN:
            raise AssertionError("the nurse read another plan than the doctor signed")
        expect(self.doctor.part("visit-closed")).to_be_visible(timeout=SLOW_MS)
        return {"plan": "read", "visit": "closed"}

    def medical_lead_reviews(self) -> dict[str, Any]:
        self.reviewer.enter(self.demo.hub_url)
        self.reviewer.open_visit(PATIENT)
        story = self.reviewer.story()
        verdict = self.reviewer.verify()
        return {"events": len(story), "log": one_line(verdict)}

    def pictures(self, folder: Path, name: str) -> None:
        """Every page as it is now."""
        folder.mkdir(parents=True, exist_ok=True)
        for who, person in (("nurse", self.nurse), ("doctor", self.doctor), ("review", self.reviewer)):
            if person.page.url != "about:blank":
                person.picture(folder / f"{name}-{who}.png")


def one_line(text: str) -> str:
    return " · ".join(part.strip() for part in text.splitlines() if part.strip())


def walk(demo: Demo, running: Browser, screenshots: Path | None = None) -> list[Step]:
    """All steps until one fails."""
    visit = Walk(demo, running)
    done: list[Step] = []
    for number, (name, act) in enumerate(visit.steps, 1):
        step = Step(name)
        began = time.monotonic()
        try:
            step.saw = act()
            step.ok = True
        except (Error, AssertionError, ValueError) as error:
            step.problem = str(error).splitlines()[0][:300]
        step.seconds = round(time.monotonic() - began, 2)
        done.append(step)
        if screenshots:
            visit.pictures(screenshots, f"{number}-{name}")
        if not step.ok:
            break
    return done


def run_script(demo: Demo, *, as_json: bool, screenshots: Path | None) -> int:
    """Exit status 0 only if all steps worked."""
    try:
        with browser() as running:
            steps = walk(demo, running, screenshots)
    except NoBrowser as missing:
        raise SystemExit(f"carebag demo: {missing}") from None
    worked = bool(steps) and steps[-1].name == LAST and all(step.ok for step in steps)
    if as_json:
        result = {"ok": worked, "bluetooth": demo.mode, "steps": [asdict(step) for step in steps]}
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        for step in steps:
            print(f"{'ok  ' if step.ok else 'FAIL'} {step.seconds:6.1f} s  {step.name}  {step.problem or step.saw}")
    return 0 if worked else 1


SEEN = """
() => {
  const picture = document.querySelector('[data-testid="photo"]')
  const image = picture && (picture.matches('img') ? picture : picture.querySelector('img'))
  return Boolean(image && image.complete && image.naturalWidth > 0)
}
"""
