"""A visit whose media go by way of a real coturn or not at all, and calls that only the kit can have made."""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from carebag import coturn
from carebag.coturn import Coturn
from carebag.demonstration import Options, running
from carebag.pages import DESK, SLOW_MS, TABLET, Doctor, Nurse, new_page
from carebag.processes import free_port
from carebag.walkthrough import PATIENT

pytestmark = pytest.mark.e2e
KEEP_CONNECTIONS = """
window.calls = []
const Real = RTCPeerConnection
window.RTCPeerConnection = class extends Real {
  constructor(...all) { super(...all); window.calls.push(this) }
}
"""
WAYS = """async () => {
  const ways = []
  for (const call of window.calls) {
    if (call.connectionState !== 'connected') continue
    const all = new Map([...(await call.getStats())])
    const transport = [...all.values()].find((one) => one.type === 'transport')
    const pair = all.get(transport.selectedCandidatePairId)
    ways.push(all.get(pair.localCandidateId).candidateType + ' ' + all.get(pair.remoteCandidateId).candidateType)
  }
  return ways.sort()
}"""
ANOTHER_CERTIFICATE = """
const Real = WebSocket
window.WebSocket = class extends Real {
  set onmessage(hear) {
    super.onmessage = (event) => {
      const changed = event.data.replace(/(a=fingerprint:sha-\\d+ )../g, '$100')
      hear(new MessageEvent('message', { data: changed }))
    }
  }
}
"""


@dataclass
class Visit:
    server: Coturn
    nurse: Nurse
    doctor: Doctor
    hub_url: str


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("relayed")
    with pytest.MonkeyPatch.context() as patch:
        try:
            with coturn.running(folder / "coturn", "of a demo") as server:
                patch.setenv("SSL_CERT_FILE", str(server.certificate))
                patch.setenv("CAREBAG_TURN", f"{server.udp},{server.tcp},{server.tls}")
                patch.setenv("CAREBAG_TURN_SECRET", "of a demo")
                patch.setenv("CAREBAG_RELAY_ONLY", "1")
                with running(Options(folder / "demo", port=free_port(0), mode="in_process")) as demo:
                    people = Nurse(new_page(chromium, TABLET)), Doctor(new_page(chromium, DESK))
                    yield begun(Visit(server, *people, demo.hub_url))
        except coturn.NoCoturn as missing:
            pytest.skip(str(missing))


def begun(visit: Visit) -> Visit:
    visit.nurse.enter(visit.hub_url)
    visit.nurse.open_visit(PATIENT)
    visit.doctor.page.context.add_init_script(KEEP_CONNECTIONS)
    visit.doctor.enter(visit.hub_url)
    visit.doctor.join(PATIENT)
    return visit


def test_picture_and_voices_go_by_way_of_the_relay_only(visit: Visit) -> None:
    visit.doctor.wait_for_video()
    visit.doctor.wait_for_talk()
    assert visit.doctor.page.evaluate(WAYS) == ["relay relay", "relay relay"]


def test_doctor_and_nurse_read_the_same_digits(visit: Visit) -> None:
    expect(visit.doctor.part("call-code")).to_have_text(re.compile(r"\d{3} \d{3}"), timeout=SLOW_MS)
    digits = re.findall(r"\d{3} \d{3}", visit.doctor.part("call-code").inner_text())
    expect(visit.nurse.part("call-code")).to_contain_text(digits[0], timeout=SLOW_MS)


def test_a_kit_with_another_key_is_shown_when_a_person_says_so(visit: Visit) -> None:
    doctor = visit.doctor
    doctor.page.evaluate(
        "for (const key of Object.keys(localStorage)) if (key.startsWith('carebag.kit-key.')) localStorage[key] = 'x'"
    )
    doctor.page.reload()
    expect(doctor.part("call-distrust")).to_have_attribute("data-code", "kit_key_changed", timeout=SLOW_MS)
    assert doctor.part("stage").get_attribute("data-picture") == "false"
    doctor.press("accept-key")
    doctor.wait_for_video()
    expect(doctor.part("call-distrust")).to_have_count(0)


def test_another_certificate_than_the_kits_is_not_shown(visit: Visit) -> None:
    doctor = visit.doctor
    doctor.page.context.add_init_script(ANOTHER_CERTIFICATE)
    doctor.page.reload()
    expect(doctor.part("call-distrust")).to_have_attribute("data-code", "call_forged", timeout=SLOW_MS)
    assert doctor.part("stage").get_attribute("data-picture") == "false"


def test_a_relay_that_is_gone_is_said_on_both_sides(visit: Visit) -> None:
    os.kill(int((visit.server.log.parent / "pid").read_text()), signal.SIGKILL)
    visit.doctor.page.reload()
    for person in (visit.doctor, visit.nurse):
        expect(person.part("relay-problem").first).to_be_visible(timeout=SLOW_MS)
