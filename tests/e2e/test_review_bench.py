"""The medical lead finds the planted improper access: at most six clicks and two minutes, in a real Chromium."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.demonstration import Demo
from carebag.pages import DESK, SLOW_MS, Doctor, Reviewer, new_page
from carebag_server.audit import verify_database
from carebag_server.demo_history import JONAS

Accessible = Callable[[Page], None]


@pytest.fixture(scope="module")
def karin(demo: Demo, chromium: Browser) -> Iterator[Reviewer]:
    reviewer = Reviewer(new_page(chromium, DESK))
    yield reviewer
    reviewer.page.context.close()


def test_1_the_improper_access_is_found_in_six_clicks_and_two_minutes(demo: Demo, karin: Reviewer) -> None:
    began, clicks = time.monotonic(), 1
    karin.enter(demo.hub_url)  # one: the door
    for name in ("room-sample", "sample-draw"):
        karin.press(name)
        clicks += 1
    found = karin.part("sampled").filter(has_text="Inget samband med vården")
    expect(found).to_have_count(1, timeout=SLOW_MS)
    found.click()
    clicks += 1
    expect(karin.part("access")).to_have_attribute("data-relation", "none", timeout=SLOW_MS)
    expect(karin.part("why")).to_contain_text("Inget samband finns.")
    expect(karin.part("access")).to_contain_text(JONAS)
    karin.press("verdict-improper")
    karin.part("verdict-words").fill("Granne till patienten, ingen del i vården.")
    karin.press("verdict-keep")
    clicks += 2
    expect(karin.part("judgement")).to_have_attribute("data-verdict", "improper", timeout=SLOW_MS)
    assert clicks <= 6
    assert time.monotonic() - began < 120


def test_2_the_sample_says_why_each_was_drawn(karin: Reviewer, accessible: Accessible) -> None:
    lines = karin.part("sampled").all_inner_texts()
    assert sum("Nödåtkomst" in line for line in lines) == 1
    assert any("Samma efternamn som patienten" in line for line in lines)
    assert any("5 dagar efter besöket" in line and "På natten" in line for line in lines)
    accessible(karin.page)


def test_3_a_doctor_is_asked_and_answers_on_her_own_page(
    demo: Demo, karin: Reviewer, chromium: Browser, accessible: Accessible
) -> None:
    karin.part("sampled").filter(has_text="Nödåtkomst").click()
    karin.press("question-open")
    karin.part("question-text").fill("Vad var nödläget?")
    karin.press("question-send")
    expect(karin.part("question")).to_have_attribute("data-answered", "false", timeout=SLOW_MS)
    elena = Doctor(new_page(chromium, DESK))
    elena.enter(demo.hub_url)
    expect(elena.part("asked")).to_contain_text("Vad var nödläget?", timeout=SLOW_MS)
    accessible(elena.page)
    elena.part("asked-answer").fill("Hon ringde om ny yrsel och svarade sedan inte.")
    elena.press("asked-send")
    expect(elena.part("asked")).to_have_count(0, timeout=SLOW_MS)
    elena.page.context.close()
    karin.press("room-questions")
    expect(karin.part("question-line").first).to_contain_text("svarade sedan inte", timeout=SLOW_MS)


def test_4_all_are_judged_and_the_minutes_signed(karin: Reviewer, accessible: Accessible) -> None:
    karin.press("room-sample")
    lines = karin.part("sampled")
    expect(lines.first).to_be_visible(timeout=SLOW_MS)
    for number in range(lines.count()):
        lines.nth(number).click()
        seq = lines.nth(number).get_attribute("data-seq")
        card = karin.page.locator(f'[data-testid="access"][data-seq="{seq}"]')
        expect(card).to_be_visible(timeout=SLOW_MS)
        if card.get_by_test_id("judgement").count() == 0:
            card.get_by_test_id("verdict-in_order").click()
            card.get_by_test_id("verdict-keep").click()
            expect(card.get_by_test_id("judgement")).to_be_visible(timeout=SLOW_MS)
    karin.part("minutes-words").fill("En åtkomst anmäls till verksamhetschefen.")
    karin.press("minutes-sign")
    sheet = karin.part("minutes")
    expect(sheet).to_have_attribute("data-whole", "true", timeout=SLOW_MS)
    expect(sheet).to_contain_text("Otillbörlig")
    accessible(karin.page)


def test_5_the_patients_list_says_which_unit_and_no_name(karin: Reviewer, accessible: Accessible) -> None:
    karin.press("room-log")
    karin.press("earlier")
    karin.part("review-visit").filter(has_text="Andfådd, uppföljning").click()
    karin.press("patient-list-open")
    sheet = karin.part("patient-list")
    expect(sheet).to_contain_text("Premicare distansvård", timeout=SLOW_MS)
    assert JONAS not in sheet.inner_text()
    accessible(karin.page)


def test_6_the_log_proves_itself_against_a_kept_checkpoint(karin: Reviewer, accessible: Accessible) -> None:
    karin.press("room-proof")
    with karin.page.expect_download() as taken:
        karin.press("checkpoint-take")
    karin.part("checkpoint-file").set_input_files(taken.value.path())
    karin.press("checkpoint-compare")
    expect(karin.part("compared")).to_have_attribute("data-fits", "true", timeout=SLOW_MS)
    lines = karin.part("checkpoint-text").input_value().splitlines()
    other = "\n".join([lines[0], str(int(lines[1]) - 1), *lines[2:3]]) + "\n"
    karin.part("checkpoint-text").fill(other)
    karin.press("checkpoint-compare")
    expect(karin.part("compared")).to_have_attribute("data-fits", "false", timeout=SLOW_MS)
    accessible(karin.page)
    karin.press("room-quality")
    expect(karin.part("quality")).to_be_visible(timeout=SLOW_MS)
    accessible(karin.page)


def test_7_a_day_shows_rows_of_no_visit_and_the_log_stays_whole(
    demo: Demo, karin: Reviewer, accessible: Accessible
) -> None:
    karin.press("room-log")
    karin.press("day-open")
    expect(karin.part("day")).to_contain_text("loggade in", timeout=SLOW_MS)
    accessible(karin.page)
    assert verify_database(demo.database).intact
    assert "?" not in karin.page.url
