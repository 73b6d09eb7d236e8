"""A visit over two hub processes on one PostgreSQL, in real browsers: the doctor's hub is killed in the middle of it,
then the kit's; guests and the shared picture with everybody at another hub than the kit.

`CAREBAG_HUB_KILLS=10` kills each so often and prints the times: the figures of docs/benchmarks.md.
"""

import os
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as NotInTime
from tests.e2e.watched_calls import WATCH_CALLS, WATCH_PEOPLE

from carebag import balancer, janus
from carebag.balancer import Balancer
from carebag.demonstration import DOCTORS_TELEPHONE, Demo, Options
from carebag.janus import Janus
from carebag.pages import MOVES, SLOW_MS, Nurse, come_to_the_door, invite, new_page
from carebag.processes import Parts, free_port
from carebag.walkthrough import PATIENT, Walk

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]
KILLS = int(os.environ.get("CAREBAG_HUB_KILLS", "1"))
HUBS = ("hub-a", "hub-b")
PHONE = {"width": 390, "height": 844}


class TwoHubs(Demo):
    """The demo with two hubs: browsers come to one of them while it is there, the kit to the other."""

    def __init__(self, parts: Parts, options: Options, ports: dict[str, int], fronts: list[int]) -> None:
        super().__init__(parts, options)
        self.ports = ports
        self.hub_url, self.hub_for_kit = f"http://localhost:{fronts[0]}", f"http://127.0.0.1:{fronts[1]}"

    def start_hub(self) -> None:
        for name in self.ports:
            self.start_one(name)
        for name in self.ports:
            self.wait_for_one(name)

    def start_one(self, name: str) -> None:
        arguments = ["hub", "--demo", "--port", str(self.ports[name]), "--database", self.database]
        arguments += ["--media", str(self.options.folder / "media"), "--kit-origin", self.kit_url]
        arguments += ["--telephone", DOCTORS_TELEPHONE, "--origin", self.hub_url, "--bus", "postgresql"]
        self.parts.start(name, arguments)

    def wait_for_one(self, name: str) -> None:
        """Until it knows the other, so that people may be let in."""
        self.parts.wait_for(name, f"http://127.0.0.1:{self.ports[name]}/api/health")


@dataclass
class Visit:
    demo: TwoHubs
    walk: Walk
    browsers: Balancer
    sfu: Janus | None
    kit_at: str = HUBS[0]
    sounds: int = 0
    """Listened to until now."""
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def other(self) -> str:
        """The hub where the kit is not."""
        return HUBS[1 - HUBS.index(self.kit_at)]

    def browsers_come_to(self, hub: str) -> None:
        """From now on; the other one while it is dead."""
        self.browsers.ports.sort(key=lambda port: port != self.demo.ports[hub])

    def apart(self) -> None:
        """The doctor comes anew, at the hub where the kit is not."""
        self.browsers_come_to(self.other)
        doctor = self.walk.doctor
        doctor.page.reload()
        if doctor.part("patient-name").count() == 0:
            doctor.join(PATIENT)
        doctor.wait_for_video()
        doctor.wait_for_talk()

    def watched(self) -> float:
        """When, by the clock on the wall, it began to be watched what the pages show."""
        for page in (self.walk.doctor.page, self.walk.nurse.page):
            page.evaluate(WATCH_CALLS)
            page.evaluate(WATCH_PEOPLE)
        self.walk.nurse.page.evaluate(WATCH_REQUEST)
        self.walk.doctor.page.evaluate(WATCH_CLICKS)
        self.walk.doctor.page.evaluate(WATCH_LINK)
        self.walk.doctor.page.evaluate(WATCH_PICTURES)
        return time.time()

    def killed(self, hub: str) -> float:
        """When, likewise."""
        at = self.watched()
        self.demo.parts.stop(hub, kill=True)
        return at

    def calls_went_on(self) -> None:
        """Neither page has made a connection: picture, sound, voices and faces came over those that there were."""
        assert [page.evaluate("window.__calls") for page in (self.walk.doctor.page, self.walk.nurse.page)] == [0, 0]

    def again(self, hub: str) -> None:
        self.demo.start_one(hub)
        self.demo.wait_for_one(hub)

    def note_times(self, what: str, killed: float) -> None:
        page = self.walk.doctor.page
        looks: list[tuple[float, str]] = page.evaluate("window.__link")
        assert looks[-1][1] == WELL
        asked, withdrawn = page.evaluate("window.__clicks")
        told: list[float] = [at for at, _ in self.walk.nurse.page.evaluate("window.__told")]
        print(what, " ".join(f"{at - killed:.2f} {look};" for at, look in looks[1:]))
        print(f"asked {asked - killed:.2f}, told {told[0] - killed:.2f};", end=" ")
        print(f"withdrawn {withdrawn - killed:.2f}, told {told[-1] - killed:.2f}")
        if len(looks) > 1:
            self.note(f"{what}, all in again", looks[-1][0] - killed)
        self.note(f"{what}, request and withdrawal at the nurse", told[-1] - killed)
        self.note(f"{what}, request on its way", told[0] - asked)
        self.note(f"{what}, withdrawal on its way", told[-1] - withdrawn)
        self.note(f"{what}, longest standstill of the picture", page.evaluate(LONGEST) / 1000)

    def note(self, what: str, seconds: float) -> None:
        self.times.setdefault(what, []).append(seconds)


@pytest.fixture(scope="module")
def visit(postgres_server: str, tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("two-hubs")
    ports = {name: free_port(0) for name in HUBS}
    browsers, kit = (Balancer([*ports.values()], in_turn=False) for _ in range(2))
    options = Options(folder, database=f"{postgres_server}postgres", port=free_port(0), mode="in_process")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        try:
            sfu = stack.enter_context(janus.running(folder / "janus", "of a demo"))
            patch.setenv("CAREBAG_SFU", sfu.setting)
            patch.setenv("CAREBAG_SFU_SECRET", "of a demo")
        except janus.NoJanus:
            sfu = None
        fronts = stack.enter_context(balancer.running(browsers, kit))
        parts = stack.enter_context(Parts(folder / "logs"))
        demo = TwoHubs(parts, options, ports, fronts)
        demo.start()
        walk = Walk(demo, chromium)
        visit = Visit(demo, walk, browsers, sfu)
        visit.browsers_come_to(visit.other)
        walk.nurse_opens_visit()
        walk.doctor_joins()
        yield visit
    for what, times in visit.times.items():
        print(f"{what}: n={len(times)}, p50 {statistics.median(times):.2f} s, max {max(times):.2f} s")


HUB_LOST, KIT_HERE = '[data-testid="hub-lost"]', '[data-testid="kit-online"][data-online="true"]'
NURSE_AT_HUB = '[data-testid="net"][data-hub="online"]'


def seen(page: Page, selector: str, there: bool, within_ms: float = SLOW_MS) -> None:
    """Looks at every picture that the page draws: what passes in a tenth of a second is seen too."""
    looks = "([selector, there]) => (document.querySelector(selector) !== null) === there"
    page.wait_for_function(looks, arg=[selector, there], timeout=within_ms)


def kit_is_lost(page: Page) -> None:
    """The first try comes within a quarter of a second: the kit may be back before a picture is drawn of it."""
    with suppress(NotInTime):
        seen(page, NURSE_AT_HUB, there=False, within_ms=1500)


def asked_and_told(visit: Visit, nurse: Nurse) -> None:
    """A request of the doctor's comes to the nurse's page, and its withdrawal."""
    visit.walk.doctor.ask("crp")
    nurse.page.wait_for_function(TOLD, arg=True, timeout=SLOW_MS)
    visit.walk.doctor.part("request-cancel").last.click()
    nurse.page.wait_for_function(TOLD, arg=False, timeout=SLOW_MS)


def listening_begins(walk: Walk) -> None:
    walk.nurse.simulate("stethoscope", "place")
    walk.doctor.ask_to_listen("mitral")
    walk.nurse.start_task("listen")
    expect(walk.doctor.part("listening")).to_have_attribute("data-state", "live", timeout=SLOW_MS)


def listening_ends(visit: Visit) -> None:
    """What the doctor's page got is what the kit recorded, sample by sample."""
    walk = visit.walk
    visit.sounds += 1
    expect(walk.doctor.part("listening")).to_have_attribute("data-state", "live")
    walk.nurse.press("listen-stop")
    expect(walk.doctor.part("sound-verified")).to_have_count(visit.sounds, timeout=SLOW_MS)


def draft_note(walk: Walk, text: str) -> None:
    if not walk.doctor.part("note-assessment").is_visible():
        walk.doctor.press("note-open")
    walk.doctor.part("note-assessment").fill(text)


def roles_seen(page: Page) -> list[list[str]]:
    """Who was listed, each time that this changed."""
    return [entry.split(",") for entry in page.evaluate("window.__people")]


@pytest.mark.parametrize("again", range(KILLS))
def test_nobody_is_killed(visit: Visit, again: int) -> None:
    """What the same takes on this machine, now."""
    listening_begins(visit.walk)
    began = visit.watched()
    asked_and_told(visit, visit.walk.nurse)
    visit.walk.doctor.page.wait_for_timeout(2500)
    visit.note_times("none killed", began)
    visit.calls_went_on()
    listening_ends(visit)


@pytest.mark.parametrize("again", range(KILLS))
def test_the_doctors_hub_is_killed_and_the_visit_goes_on_at_the_other(visit: Visit, again: int) -> None:
    """Sound, vitals and what is half written go on; what is asked comes to the nurse."""
    walk, doctor = visit.walk, visit.walk.doctor
    if again == 0:
        walk.nurse.simulate("oximeter", "finger_on")
    expect(doctor.part("live-spo2")).to_have_attribute("data-state", "live", timeout=SLOW_MS)
    listening_begins(walk)
    draft_note(walk, f"Trött och febrig {again}.")
    hub = visit.other
    killed = visit.killed(hub)
    seen(doctor.page, HUB_LOST, there=True)
    seen(doctor.page, HUB_LOST, there=False)
    asked_and_told(visit, walk.nurse)
    doctor.page.wait_for_timeout(2500)  # within which the dead hub is missed, and who it may have told something reads
    seen(doctor.page, HUB_LOST, there=False)
    visit.note_times("doctor's hub killed", killed)
    visit.calls_went_on()
    # she never left for the others, nor they for her
    assert roles_seen(walk.nurse.page) == [["doctor", "kit", "nurse"]]
    assert roles_seen(doctor.page) == [["doctor", "kit", "nurse"]]
    expect(doctor.part("note-assessment")).to_have_value(f"Trött och febrig {again}.")
    expect(doctor.part("live-spo2")).to_have_attribute("data-state", "live")
    listening_ends(visit)
    doctor.wait_for_video()
    visit.again(hub)
    visit.apart()
    if not doctor.part("note-assessment").is_visible():
        doctor.press("note-open")
    expect(doctor.part("note-assessment")).to_have_value(f"Trött och febrig {again}.", timeout=SLOW_MS)


@pytest.mark.parametrize("again", range(KILLS))
def test_the_kits_hub_is_killed_and_the_kit_comes_to_the_doctors(visit: Visit, again: int) -> None:
    walk, doctor = visit.walk, visit.walk.doctor
    hub = visit.kit_at
    killed = visit.killed(hub)
    kit_is_lost(walk.nurse.page)
    seen(walk.nurse.page, NURSE_AT_HUB, there=True)
    visit.note("kit's hub killed, kit in again", time.time() - killed)
    asked_and_told(visit, walk.nurse)
    doctor.page.wait_for_timeout(2500)
    seen(doctor.page, KIT_HERE, there=True)
    visit.note_times("kit's hub killed", killed)
    visit.calls_went_on()
    assert roles_seen(walk.nurse.page)[-1] == ["doctor", "kit", "nurse"]
    visit.kit_at = visit.other
    visit.again(hub)
    visit.apart()


def moves(page: Page) -> None:
    """Pictures come from now on; another stream in the element counts them from nothing."""
    page.evaluate("delete window.__firstFrames")
    page.wait_for_function(MOVES, arg="room-video", timeout=SLOW_MS)


def test_a_guest_at_the_kits_hub_is_let_in_from_the_doctors_leaves_and_comes_back(
    visit: Visit, chromium: Browser
) -> None:
    """And is shown the picture from the SFU, whose desk is at the kit's hub, also when that one dies."""
    doctor, phone = visit.walk.doctor, new_page(chromium, PHONE)
    if doctor.part("note-assessment").is_visible():
        doctor.press("note-open")  # closes it: open it covers the end of the list of people
    visit.browsers_come_to(visit.kit_at)
    come_to_the_door(phone, invite(doctor.page, "Karin", "relative"), "Karin Tolvansson")
    expect(doctor.part("guest-knocks")).to_contain_text("Karin Tolvansson", timeout=SLOW_MS)
    doctor.press("guest-admit")
    faces(phone)
    phone.get_by_test_id("guest-leave").click()
    phone.get_by_test_id("guest-back").click()
    phone.get_by_test_id("guest-knock").click()
    faces(phone)
    doctor.part("guest-examination").check()
    shown(visit, phone)
    hub = visit.kit_at
    visit.demo.parts.stop(hub, kill=True)  # the guest's and the kit's
    kit_is_lost(visit.walk.nurse.page)
    visit.kit_at = visit.other
    seen(visit.walk.nurse.page, NURSE_AT_HUB, there=True)
    seen(doctor.page, KIT_HERE, there=True)
    faces(phone)
    shown(visit, phone)
    visit.again(hub)
    doctor.part("guest-examination").uncheck()
    expect(phone.get_by_test_id("guest-camera")).to_have_count(0, timeout=SLOW_MS)
    moves(doctor.page)
    phone.context.close()


def faces(phone: Page) -> None:
    expect(phone.get_by_test_id("face")).to_have_count(2, timeout=SLOW_MS)
    for one in phone.get_by_test_id("face").all():
        expect(one).to_have_attribute("data-state", "connected", timeout=SLOW_MS)


def shown(visit: Visit, phone: Page) -> None:
    """Guest and doctor see the kit's picture move, by way of the SFU where there is one."""
    doctor = visit.walk.doctor
    if visit.sfu is not None:
        expect(phone.get_by_test_id("guest-by-sfu")).to_have_text(re.compile("sjukhusets server"), timeout=2 * SLOW_MS)
        expect(doctor.part("stage")).to_have_attribute("data-way", "sfu", timeout=2 * SLOW_MS)
    expect(phone.get_by_test_id("guest-camera")).to_have_attribute("data-state", "live", timeout=2 * SLOW_MS)
    moves(doctor.page)


def test_a_value_that_is_measured_after_all_that_is_there_once(visit: Visit) -> None:
    walk = visit.walk
    walk.doctor.ask("blood_pressure")
    walk.nurse.start_task("blood_pressure")
    walk.nurse.simulate("cuff", "start")
    walk.doctor.keep("blood_pressure")
    expect(walk.doctor.page.locator('[data-testid="value-blood_pressure"]')).to_have_count(1)


WELL = "hub, kit true"
TOLD = """wanted => {
  const next = [...document.querySelectorAll('main li')].some((one) => one.innerText.trim() === 'CRP')
  return (next || document.querySelector('[data-testid="task"][data-kind="crp"]') !== null) === wanted
}"""
"""Whether an analysis is among the nurse's tasks."""
WATCH_REQUEST = """() => {
  const seen = (window.__told = [])
  const isTold = TOLD
  const look = () => {
    const now = isTold(true)
    if (now !== (seen.at(-1)?.[1] ?? false)) seen.push([Date.now() / 1000, now])
  }
  clearInterval(window.__toldWatch)
  window.__toldWatch = setInterval(look, 25)
}""".replace("TOLD", TOLD)
"""When the nurse's page shows the request, and when not any more."""
WATCH_CLICKS = """() => {
  window.__clicks = []
  if (window.__clicksWatched) return
  window.__clicksWatched = true
  const note = (event) => {
    const what = event.target.closest('[data-testid]')?.dataset.testid
    if (what === 'ask-crp' || what === 'request-cancel') window.__clicks.push(Date.now() / 1000)
  }
  document.addEventListener('click', note, true)
}"""
"""When the doctor asked and withdrew."""
WATCH_LINK = """() => {
  const seen = (window.__link = [])
  const look = () => {
    const hub = document.querySelector('[data-testid="hub-lost"]') === null
    const kit = document.querySelector('[data-testid="kit-online"]')?.dataset.online
    const now = `${hub ? 'hub' : 'no hub'}, kit ${kit}`
    if (seen.at(-1)?.[1] !== now) seen.push([Date.now() / 1000, now])
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
  look()
}"""
WATCH_PICTURES = """() => {
  const video = document.querySelector('[data-testid="room-video"]')
  const seen = (window.__pictures = { last: performance.now(), longest: 0 })
  const step = () => {
    const now = performance.now()
    seen.longest = Math.max(seen.longest, now - seen.last)
    seen.last = now
    video.requestVideoFrameCallback(step)
  }
  video.requestVideoFrameCallback(step)
}"""
LONGEST = "() => Math.max(window.__pictures.longest, performance.now() - window.__pictures.last)"
"""Milliseconds between two pictures, at most; grows on if none comes any more."""
