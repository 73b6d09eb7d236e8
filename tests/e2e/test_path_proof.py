"""The sound path is proved before anybody listens: in a visit over the real stacks."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from carebag.walkthrough import PATIENT, Walk

pytestmark = pytest.mark.e2e
UNHURT = ("good", "interrupted", "slow")
"""What a machine that is busy with other things may make of a path that changes nothing."""


def proved(page: Page) -> str:
    path = page.get_by_test_id("sound-path")
    expect(path).to_have_attribute("data-state", "proved", timeout=60_000)
    return path.get_attribute("data-word") or ""


def test_with_the_sound_on_the_path_is_proved_by_itself_and_kept(walk: Walk) -> None:
    doctor = walk.doctor
    expect(doctor.part("sound-path")).to_have_attribute("data-state", "off")
    doctor.press("listen-audio-on")
    word = proved(doctor.page)
    for _ in range(5):
        if word == "good":
            break
        doctor.press("path-again")
        word = proved(doctor.page)
    assert word in UNHURT
    if word == "good":
        expect(doctor.part("path-text")).to_have_text(re.compile(r"20–1\s?000 Hz, \d+ ms$"))
    doctor.press("path-details")
    measurement = doctor.part("path-measurement")
    expect(measurement).to_contain_text("sparad i besöket")
    levels = [level for level in measurement.locator("td").all_inner_texts() if not level.startswith("–")]
    assert len(levels) > 5
    assert {abs(float(level.replace(",", ".").replace("−", "-"))) <= 0.1 for level in levels} == {True}
    # it was never body sound: nothing was drawn, nothing recorded
    expect(doctor.part("listening")).to_have_attribute("data-state", "none")
    expect(doctor.part("sound")).to_have_count(0)


def test_the_check_of_the_headphones_is_remembered_and_says_what_will_be_missed(
    walk: Walk, accessible: Callable[[Page], None]
) -> None:
    doctor = walk.doctor
    doctor.press("phones-open")
    doctor.press("phones-play")
    doctor.press("phones-next")
    doctor.press("phones-left")
    doctor.press("phones-right")
    check = doctor.part("phones-check")
    expect(check).to_have_attribute("data-sounding", "true")
    doctor.press("phones-heard")
    expect(check).to_have_attribute("data-sounding", "false")
    doctor.press("phones-nothing")
    doctor.press("phones-nothing")
    expect(doctor.part("phones-result")).to_contain_text("ingenting under 150 Hz")
    accessible(doctor.page)
    doctor.press("phones-close")
    expect(doctor.part("phones-text")).to_contain_text("S3 och muller kan missas")
    kept = json.loads(doctor.page.evaluate("localStorage.getItem('carebag.headphones')"))
    assert [one["lowestHz"] for one in kept] == [150]


def test_the_aid_is_labelled_and_off_in_one_press(walk: Walk) -> None:
    doctor = walk.doctor
    expect(doctor.part("aid-on")).to_have_count(0)
    doctor.press("aid-2")
    expect(doctor.part("aid-on")).to_contain_text("inte det äkta ljudet")
    doctor.press("aid-raw")
    expect(doctor.part("aid-on")).to_have_count(0)
    expect(doctor.part("aid-0")).to_have_attribute("aria-pressed", "true")


def test_the_medical_lead_sees_that_it_was_proved_and_reads_the_measurement(walk: Walk) -> None:
    reviewer = walk.reviewer
    reviewer.enter(walk.demo.hub_url)
    reviewer.open_visit(PATIENT)
    told = reviewer.page.locator('[data-testid="event"][data-action="sound_path_proved"]')
    expect(told.first).to_contain_text("Elena Ruiz")
    expect(told.first).to_contain_text(re.compile("bra|i bitar|sent"))
    reviewer.press("proofs-read")
    expect(reviewer.part("proof").first).to_contain_text("Elena Ruiz")


HANDS_FREE = """
navigator.mediaDevices.enumerateDevices = async () => [
  {kind: 'audiooutput', deviceId: 'default', groupId: 'a', label: 'Default - Headset (WH-1000XM3 Hands-Free AG Audio)'},
  {kind: 'audiooutput', deviceId: 'x', groupId: 'a', label: 'Headset (WH-1000XM3 Hands-Free AG Audio)'},
]
"""


def test_a_headset_that_goes_into_call_mode_is_warned_of(walk: Walk) -> None:
    page = walk.doctor.page
    expect(page.get_by_test_id("call-mode")).to_have_count(0)
    page.evaluate(HANDS_FREE)
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    expect(page.get_by_test_id("call-mode")).to_have_attribute("data-mode", "certain")
    expect(page.get_by_test_id("call-mode")).to_contain_text("samtalsläge")


# Faults in the way: a kit in this process and a bare page
