"""What a nurse, a doctor and a medical lead do in their browsers: one method for each act, waiting for what they see.

Used by the unattended visit, the benchmarks and the browser tests. `web/README.md` names the parts of the pages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from carebag.browser import FLAGS, find_or_install
from carebag.latency import watch

TABLET = {"width": 1280, "height": 800}
DESK = {"width": 1440, "height": 900}
SLOW_MS = 30_000
LOCALE = "sv-SE"


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium with a made-up camera and microphone."""
    path = find_or_install()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def new_page(running: Browser, size: dict[str, int], scheme: str = "light", zone: str | None = None) -> Page:
    """A page of a person of its own: nothing is shared with the others.

    Args:
        zone: the browser's time zone; None: the machine's.
    """
    context = running.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale=LOCALE,
        timezone_id=zone,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.set_default_timeout(SLOW_MS)
    return page


class Person:
    """A page and the way in through one of the demo's doors."""

    door = ""

    def __init__(self, page: Page) -> None:
        self.page = page

    def enter(self, hub_url: str) -> None:
        """Through one of the doors, which opens a window of its own."""
        entrance = self.page
        entrance.goto(f"{hub_url}/")
        with entrance.context.expect_page() as opened:
            entrance.get_by_test_id(f"door-{self.door}").click()
        self.page = opened.value
        self.page.set_default_timeout(SLOW_MS)
        entrance.close()

    def part(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    def press(self, name: str) -> None:
        self.part(name).first.click()

    def picture(self, path: Path) -> None:
        self.page.screenshot(path=path)


class Nurse(Person):
    door = "nurse"

    def open_visit(self, patient: str) -> None:
        """Choose the patient, tick two identifiers, open."""
        card = self.part("visit").filter(has_text=patient)
        card.get_by_test_id("visit-choose").click()
        expect(self.part("identifier-name")).to_be_enabled()  # what just opened takes no tap
        self.part("identifier-name").check(force=True)
        self.part("identifier-personal_id").check(force=True)
        self.press("visit-open")
        expect(self.part("patient-name")).to_contain_text(patient, timeout=SLOW_MS)

    def wait_for_device(self, kind: str, state: str = "ready") -> None:
        expect(self.part(f"device-{kind}")).to_have_attribute("data-state", state, timeout=SLOW_MS)

    def start_task(self, kind: str) -> None:
        """Begin what the doctor asked for."""
        expect(self.part("task")).to_have_attribute("data-kind", kind, timeout=SLOW_MS)
        self.press("task-start")

    def simulate(self, device: str, action: str) -> None:
        """Do with a simulated instrument what a hand does with a real one."""
        action_key = self.part(f"press-{device}-{action}")
        if not action_key.is_visible():
            self.press(f"more-{device}")
        action_key.click()

    def save_spot(self) -> None:
        """Press until the number has stood still for long enough to be kept."""
        task = self.page.locator('[data-testid="task"][data-kind="oximetry"]')
        for _ in range(15):
            self.press("spot-save")
            try:
                expect(task).to_have_count(0, timeout=2000)
                return
            except AssertionError:
                continue
        raise AssertionError("the oximeter's value was never steady enough to keep")

    def listen_at(self, point: str) -> None:
        """Of her own accord, at one of the places."""
        self.press("listen-open")
        self.part(f"listen-own-{point}").check(force=True)
        self.press("listen-own-begin")

    def count_breaths(self, breaths: int, seconds: int = 30) -> None:
        """Against the page's clock, from the open page of what is observed; the count is saved."""
        self.press(f"breaths-length-{seconds}")
        self.press("breaths-start")
        for _ in range(breaths):
            # at once: the clock waits for no slow machine
            self.part("breaths-tap").dispatch_event("pointerdown")
        expect(self.part("breaths")).to_have_attribute("data-phase", "over", timeout=seconds * 1000 + SLOW_MS)
        self.press("breaths-save")
        self.observed()

    def choose_consciousness(self, level: str) -> None:
        """One of A, C, V, P, U."""
        self.press(f"consciousness-{level}")
        self.press("consciousness-save")
        self.observed()

    def say_air(self) -> None:
        """No oxygen is given."""
        self.press("oxygen-air")
        self.press("oxygen-save")
        self.observed()

    def observed(self) -> None:
        expect(self.part("observe-saved")).to_be_visible(timeout=SLOW_MS)

    def send_photo(self, file: Path | None = None) -> None:
        """Take one with the tablet's camera, or choose a file."""
        self.press("photo-open")
        if file:
            self.part("photo-file").set_input_files(file)
        else:
            self.press("photo-shutter")
        self.press("photo-send")
        expect(self.part("photo-send")).to_have_count(0)

    def pair(self, kind: str) -> None:
        """By the guide, from its first page to its last, in practice."""
        self.press("pair-open")
        self.press(f"pair-kind-{kind}")
        self.finish_pairing()

    def finish_pairing(self) -> None:
        """From what to press to the end."""
        self.press("pair-practise")
        self.press("pair-search")
        self.press("pair-found")
        expect(self.part("pairing")).to_have_attribute("data-stage", "done", timeout=SLOW_MS)
        self.press("pair-close")

    def read_plan_and_close(self) -> str:
        """The plan's text as the nurse reads it."""
        expect(self.part("plan-text")).to_be_visible(timeout=SLOW_MS)
        text = self.part("plan-text").inner_text()
        self.press("plan-read")
        self.press("visit-close")
        self.press("visit-close-confirm")
        return text


class Doctor(Person):
    door = "doctor"

    def join(self, patient: str) -> None:
        """Go into the visit; from now on the page notes when values appear and sound is rendered."""
        self.part("queue-visit").filter(has_text=patient).click()
        expect(self.part("patient-name")).to_contain_text(patient, timeout=SLOW_MS)
        watch(self.page)

    def wait_for_video(self) -> None:
        """Until the kit's camera moves: two different times of playing."""
        self.page.wait_for_function(MOVES, arg="room-video", timeout=SLOW_MS)

    def wait_for_talk(self) -> None:
        expect(self.part("nurse-face")).to_have_attribute("data-state", "connected", timeout=SLOW_MS)

    def ask(self, kind: str) -> None:
        self.press(f"ask-{kind}")

    def ask_to_listen(self, point: str) -> None:
        self.press("ask-listen")
        self.press(f"listen-point-{point}")

    def draft(self, kind: str) -> Locator:
        """The value that waits for the doctor's decision."""
        card = self.page.locator(f'[data-testid="value-{kind}"][data-decision="draft"]').first
        expect(card).to_be_visible(timeout=SLOW_MS)
        return card

    def keep(self, kind: str) -> str:
        """Keep the draft; gives what it showed."""
        card = self.draft(kind)
        reading = card.get_attribute("data-reading-id")
        text = card.inner_text()
        card.get_by_test_id("reading-keep").click()
        expect(self.page.locator(f'[data-reading-id="{reading}"]')).to_have_attribute(
            "data-decision", "kept", timeout=SLOW_MS
        )
        return text

    def ask_again(self, kind: str, reason: str) -> str:
        """Reject the draft with a reason and ask anew; gives what it showed."""
        card = self.draft(kind)
        text = card.inner_text()
        card.get_by_test_id("reading-again").click()
        self.part("again-reason").fill(reason)
        self.press("again-send")
        return text

    def write_and_sign(self, assessment: str, plan: str) -> None:
        if not self.part("note-assessment").is_visible():
            self.press("note-open")
        self.part("note-assessment").fill(assessment)
        self.part("note-plan").fill(plan)
        self.press("note-sign")
        self.press("note-sign-confirm")
        # who signed in more than five minutes ago is asked first
        self.part("note-signed").or_(self.part("prove-demo")).first.wait_for()
        if self.part("prove-demo").is_visible():
            self.press("prove-demo")
        expect(self.part("note-signed").first).to_be_visible(timeout=SLOW_MS)


def invite(host: Page, name: str, role: str) -> str:
    """Asks a guest in by the dialog of a doctor's or nurse's page; returns the link, which is shown once."""
    host.get_by_test_id("invite-open").click()
    host.get_by_test_id(f"invite-{role}").check()
    host.get_by_test_id("invite-name").fill(name)
    expect(host.get_by_test_id("invite-make")).to_be_disabled()
    host.get_by_test_id("invite-consent").check()
    host.get_by_test_id("invite-make").click()
    link = host.get_by_test_id("invite-link").input_value()
    host.get_by_test_id("invite-done").click()
    return link


def come_to_the_door(guest: Page, link: str, name: str) -> None:
    """A guest opens the link, says the name, tries camera and microphone, and waits to be let in."""
    guest.goto(link)
    guest.get_by_test_id("guest-name").fill(name)
    guest.get_by_test_id("guest-go-on").click()
    expect(guest.get_by_test_id("device-test")).to_have_attribute("data-state", "both", timeout=SLOW_MS)
    guest.get_by_test_id("guest-knock").click()
    expect(guest.get_by_test_id("guest")).to_have_attribute("data-stage", "waiting", timeout=SLOW_MS)


class Reviewer(Person):
    door = "reviewer"

    def open_visit(self, patient: str) -> None:
        self.part("review-visit").filter(has_text=patient).click()
        expect(self.part("event").first).to_be_visible(timeout=SLOW_MS)

    def story(self) -> list[str]:
        """The visit's events as sentences, in order."""
        return self.part("event").all_inner_texts()

    def verify(self) -> str:
        self.press("audit-verify")
        result = self.part("audit-result")
        expect(result).to_have_attribute("data-intact", "true", timeout=SLOW_MS)
        return result.inner_text()


MOVES = """
name => {
  const video = document.querySelector(`[data-testid="${name}"]`)
  if (!video || !video.videoWidth) return false
  const frames = video.getVideoPlaybackQuality().totalVideoFrames
  window.__firstFrames ??= frames
  return frames > window.__firstFrames + 5
}
"""
