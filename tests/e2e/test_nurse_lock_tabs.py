"""The nurse's page locks after a minute: said before, heard under the cover, in all tabs, and alone without its kit."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from carebag.demonstration import Demo, Options, running
from carebag.pages import SLOW_MS
from carebag.processes import free_port
from carebag.walkthrough import PATIENT, Walk
from carebag_server import sessions
from carebag_server.database import Database
from carebag_server.tables import Commission, Practitioner

pytestmark = pytest.mark.e2e
PIN = "407162"
MEDIA = """
  window.heard = new Set()
  const kept = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject')
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
    ...kept,
    set(stream) { window.heard.add(this); kept.set.call(this, stream) },
  })
"""
HEARS = """async () => {
  const live = () => [...window.heard].filter((one) => !one.muted && !one.paused
    && one.srcObject?.getAudioTracks().some((track) => track.readyState === 'live' && !track.muted))
  const before = new Map(live().map((one) => [one, one.currentTime]))
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return [...before].some(([one, time]) => one.currentTime > time)
}"""
"""Whether an element that is not muted plays a live voice, and goes on: in the document or taken out of it."""
LATER = "ms => { const now = Date.now; Date.now = () => now.call(Date) + ms }"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    options = Options(tmp_path_factory.mktemp("demo"), port=free_port(0), of_kit=("--lock-after", "1"))
    with running(options) as started:
        yield started


@pytest.fixture(scope="module")
def walk(demo: Demo, chromium: Browser) -> Walk:
    visit = Walk(demo, chromium)
    visit.nurse.page.context.add_init_script(MEDIA)
    visit.nurse.enter(demo.hub_url)
    visit.nurse.open_visit(PATIENT)
    choose_pin(visit)
    return visit


def choose_pin(visit: Walk) -> None:
    visit.nurse.press("settings")
    visit.nurse.press("pin-choose")
    for _ in range(2):
        visit.nurse.part("pin").fill(PIN)
        visit.nurse.press("pin-done")
    expect(visit.nurse.part("choose-pin")).to_be_hidden(timeout=SLOW_MS)


def cover(page: Page) -> None:
    expect(page.get_by_test_id("locked")).to_be_visible(timeout=90_000)
    assert PATIENT not in page.content()


def opened(page: Page) -> None:
    page.get_by_test_id("pin").fill(PIN)
    page.get_by_test_id("pin-done").click()
    expect(page.get_by_test_id("locked")).to_be_hidden(timeout=SLOW_MS)


def test_said_before_heard_under_the_cover_and_the_same_in_every_tab(demo: Demo, walk: Walk) -> None:
    page = walk.nurse.page
    walk.doctor.enter(demo.hub_url)
    walk.doctor.join(PATIENT)
    walk.doctor.wait_for_talk()
    # with a minute in all, the warning comes as soon as no hand was there for some seconds
    expect(walk.nurse.part("lock-soon")).to_be_visible(timeout=SLOW_MS)
    page.mouse.move(300, 300)
    expect(walk.nurse.part("lock-soon")).to_be_hidden(timeout=SLOW_MS)
    page.keyboard.press("Alt+KeyL")
    cover(page)
    assert page.evaluate(HEARS)

    other = page.context.new_page()
    other.goto(demo.kit_url)
    cover(other)
    opened(other)
    expect(page.get_by_test_id("locked")).to_be_hidden(timeout=SLOW_MS)
    page.bring_to_front()
    page.keyboard.press("Alt+KeyL")
    cover(other)
    opened(page)
    expect(other.get_by_test_id("locked")).to_be_hidden(timeout=SLOW_MS)
    other.close()


def way_in_of_a_colleague(demo: Demo) -> str:
    with Database(demo.database).transaction() as session:
        nurse = session.scalars(select(Commission).where(Commission.role == "nurse")).first()
        assert nurse is not None
        colleague = Practitioner(id=uuid4(), name="Berit Dahl", title="distriktssköterska")
        session.add(colleague)
        session.flush()
        of_her = Commission(
            id=uuid4(),
            practitioner_id=colleague.id,
            organization_id=nurse.organization_id,
            unit=nurse.unit,
            role="nurse",
        )
        session.add(of_her)
        session.flush()
        return f"{demo.hub_url}/enter/#token={sessions.issue_link(session, of_her.id, datetime.now(UTC))}"


def test_a_colleague_sees_nothing_of_the_open_visit_until_she_takes_it_over(
    demo: Demo, walk: Walk, accessible: Callable[[Page], None]
) -> None:
    page = walk.nurse.page.context.new_page()
    page.goto(way_in_of_a_colleague(demo))
    expect(page.get_by_test_id("held")).to_contain_text("Anna Lind", timeout=SLOW_MS)
    assert PATIENT not in page.content()
    accessible(page)
    page.get_by_test_id("held-close").click()
    accessible(page)
    page.get_by_text("Avbryt", exact=True).click()
    page.get_by_test_id("held-take").click()
    expect(page.get_by_test_id("patient-name")).to_contain_text(PATIENT, timeout=SLOW_MS)
    walk.nurse.page = page


def test_alone_without_its_kit_the_page_covers_itself(demo: Demo, walk: Walk) -> None:
    page = walk.nurse.page
    choose_pin(walk)
    expect(page.get_by_test_id("patient-name")).to_be_visible(timeout=SLOW_MS)
    demo.parts.stop("kit", kill=True)
    expect(page.get_by_test_id("kit-lost")).to_be_visible(timeout=90_000)
    assert not page.get_by_test_id("locked").is_visible()
    page.evaluate(LATER, 120_000)
    cover(page)
