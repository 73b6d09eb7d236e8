"""Markup and scripts in the texts that people write: no page of a real browser runs them or takes them for markup.

The content policy would stop the scripts; that no element is made of a text is looked at as well.
"""

import sqlite3
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.demonstration import Demo
from carebag.pages import DESK, SLOW_MS, TABLET, Doctor, Nurse, Person, Reviewer, come_to_the_door, invite, new_page
from carebag.walkthrough import PATIENT

P = TypeVar("P", bound=Person)
pytestmark = pytest.mark.e2e
SHORT = "<b data-canary>Eva</b>"
LONG = (
    f"{SHORT}\"'></textarea></title><img src=x onerror='window.canary=1'><svg onload='window.canary=1'>"
    "<script>window.canary=1</script>{{window.canary=1}}${window.canary=1}<a href='javascript:window.canary=1'>x</a>"
)
WATCH = """
window.violations = []
window.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective))
"""
WORD = "å" * 190
"""No space in it: a browser breaks it only where it is told to."""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOUND = """
() => ({
  elements: document.querySelectorAll('[data-canary], img[src="x"], svg[onload], a[href^="javascript"]').length,
  ran: window.canary ?? null,
  violations: window.violations,
})
"""
KEPT = "() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])"
ASK = """
async ([path, method, body]) => {
  const headers = { 'Content-Type': 'application/json', 'X-Carebag-As': 'doctor' }
  const answer = await fetch(path, { method, headers, ...(body === null ? {} : { body: JSON.stringify(body) }) })
  const text = await answer.text()
  return { status: answer.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : null }
}
"""
FIELDS = {
    "organization": ["name"],
    "practitioner": ["name", "title"],
    "commission": ["unit"],
    "patient": ["place", "own_doctor"],
    "visit": ["reason", "background"],
    "kit": ["name", "unit"],
}


def write_into_the_store(demo: Demo) -> None:
    """What only an administrator or another system writes."""
    with sqlite3.connect(demo.options.folder / "hub.sqlite") as store:
        for table, columns in FIELDS.items():
            for column in columns:
                store.execute(f"UPDATE {table} SET {column} = {column} || ' ' || ?", (LONG,))
        store.execute("UPDATE patient SET name = name || ' ' || ?", (SHORT,))
    store.close()


class Visit:
    """Nurse, doctor, a guest and the medical lead, all in hostile text."""

    def __init__(self, demo: Demo, chromium: Browser) -> None:
        self.front = self._page(chromium, DESK)
        self.front.goto(f"{demo.hub_url}/")
        expect(self.front.get_by_test_id("door-doctor")).to_be_visible(timeout=SLOW_MS)
        self.nurse = self._enter(Nurse(self._page(chromium, TABLET)), demo)
        self.nurse.open_visit(PATIENT)
        self.doctor = self._enter(Doctor(self._page(chromium, DESK)), demo)
        self.doctor.join(PATIENT)
        self._write()
        link = invite(self.doctor.page, SHORT, "relative")
        self.guest = self._page(chromium, DESK)
        come_to_the_door(self.guest, link, SHORT)
        expect(self.doctor.part("guest-knocks")).to_contain_text(SHORT, timeout=SLOW_MS)
        self.doctor.press("guest-admit")
        expect(self.guest.get_by_test_id("guest-room")).to_be_visible(timeout=SLOW_MS)
        self.reviewer = self._enter(Reviewer(self._page(chromium, DESK)), demo)
        self.reviewer.open_visit(PATIENT)

    def _page(self, chromium: Browser, size: dict[str, int]) -> Page:
        page = new_page(chromium, size)
        page.context.add_init_script(WATCH)
        return page

    def _enter(self, person: P, demo: Demo) -> P:
        person.enter(demo.hub_url)
        return person

    def ask(self, path: str, method: str = "POST", body: object = None) -> object:
        answer = self.doctor.page.evaluate(ASK, [path, method, body])
        assert answer["status"] < 300, (path, answer)
        return answer["body"]

    def _write(self) -> None:
        """Everything that a doctor writes; the pages get it by the room's socket."""
        visits = self.ask("/api/visits", "GET")
        assert isinstance(visits, list)
        self.base = f"/api/visits/{next(one['id'] for one in visits if one['state'] == 'open')}"
        for kind in ("crp", "photo"):
            self.ask(f"{self.base}/requests", body={"kind": kind, "note": f"{LONG[:300]} {WORD}"})
        made = self.ask(f"{self.base}/requests", body={"kind": "weight", "note": f"{LONG[:300]} {WORD}"})
        assert isinstance(made, dict)
        self.ask(f"{self.base}/requests/{made['id']}/cancel", body={"reason": LONG[:500]})
        note = {"assessment": LONG, "plan": LONG, "base_version": 0}
        version = self.ask(f"{self.base}/note", "PUT", note)
        assert isinstance(version, dict)
        self.ask(f"{self.base}/note/sign", body={"version": version["version"]})

    @property
    def pages(self) -> dict[str, Page]:
        return {
            "front": self.front,
            "nurse": self.nurse.page,
            "doctor": self.doctor.page,
            "guest": self.guest,
            "reviewer": self.reviewer.page,
        }


@pytest.fixture(scope="module")
def visit(demo: Demo, chromium: Browser) -> Visit:
    for part in ("kit", "hub"):
        demo.parts.stop(part)
    write_into_the_store(demo)
    demo.start_hub()
    demo.start_kit()
    return Visit(demo, chromium)


def test_no_text_of_a_person_is_run_or_becomes_markup(visit: Visit) -> None:
    for name, page in visit.pages.items():
        expect(page.get_by_text("<b data-canary>").first).to_be_visible(timeout=SLOW_MS)  # it is there, as a text
        assert page.evaluate(FOUND) == {"elements": 0, "ran": None, "violations": []}, name


def test_what_the_doctor_leaves_is_a_text_on_the_nurses_page(visit: Visit) -> None:
    expect(visit.nurse.part("plan-text")).to_contain_text("<script>window.canary=1</script>", timeout=SLOW_MS)
    expect(visit.nurse.part("task")).to_contain_text("<img src=x", timeout=SLOW_MS)


def test_a_word_without_end_widens_no_page(visit: Visit) -> None:
    expect(visit.nurse.part("task")).to_contain_text(WORD, timeout=SLOW_MS)
    for name, page in visit.pages.items():
        assert page.evaluate(WIDER) <= 0, name


def test_on_paper_and_in_the_export_too(visit: Visit) -> None:
    for path in (f"{visit.base}/pdf?as=doctor", f"{visit.base}/fhir"):
        visit.ask(path, "GET")


def test_nothing_of_a_patient_stays_in_the_browser(visit: Visit) -> None:
    """Storage outlives the page; language, light and which visit the tab is in may."""
    for name, page in visit.pages.items():
        kept = page.evaluate(KEPT)
        assert not [word for word in ("Tolvan", "19121212", "canary", "Eva") if word in kept], (name, kept)
