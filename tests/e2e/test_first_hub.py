"""From an empty database to the first visit of a production hub, with the commands of docs/how-to/first-hub.md alone.

Real processes, real browsers with their own authenticators; no demo, no test numbers, no sign-in by link.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.pages import DESK, SLOW_MS, TABLET, Nurse, new_page
from carebag.processes import Parts, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.without_call]
NUMBER = "198112289874"
"""The example of Skatteverket's SKV 704."""


class FirstHub:
    def __init__(self, folder: Path, parts: Parts) -> None:
        self.folder, self.parts = folder, parts
        self.port, self.kit_port = free_port(0), free_port(0)
        self.origin = f"http://localhost:{self.port}"
        self.database = f"sqlite:///{folder / 'hub.sqlite'}"

    def start(self) -> None:
        arguments = [
            "hub",
            "--database",
            self.database,
            "--media",
            str(self.folder / "media"),
            "--port",
            str(self.port),
        ]
        arguments += ["--origin", self.origin, "--kit-origin", f"http://localhost:{self.kit_port}"]
        self.parts.start("hub", arguments)
        self.parts.wait_for("hub", f"http://127.0.0.1:{self.port}/api/health")

    def admin(self, *words: str, said: str = "") -> Any:
        """One command, as an operator gives it."""
        origin = ["--origin", self.origin] if words[0] == "link" or words[:2] == ("kit", "add") else []
        command = [sys.executable, "-m", "carebag.cli", "admin", *words, *origin, "--database", self.database, "--json"]
        ran = subprocess.run(command, input=said, capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def enrol(self, code: str) -> None:
        command = [sys.executable, "-m", "carebag.cli", "kit", "enrol", "--data", str(self.folder / "kit")]
        ran = subprocess.run([*command, "--code", code], capture_output=True, text=True, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr

    def start_kit(self) -> None:
        """At the hub that it was enrolled at: that need not be said again."""
        arguments = ["kit", "--data", str(self.folder / "kit"), "--port", str(self.kit_port), "--camera", "off"]
        self.parts.start("kit", arguments)
        self.parts.wait_for("kit", f"http://127.0.0.1:{self.kit_port}/")


@pytest.fixture
def first(tmp_path: Path) -> Iterator[FirstHub]:
    with Parts(tmp_path / "logs") as parts:
        yield FirstHub(tmp_path, parts)


def comes_in(page: Page, link: str) -> None:
    """Make a passkey by the link, then sign in with it."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**device, "isUserVerified": True}})
    page.goto(link)
    page.get_by_test_id("passkey-make").click()
    expect(page.get_by_test_id("passkey-made")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("link").click()
    page.get_by_test_id("passkey-sign-in").click()


def test_from_an_empty_database_to_the_first_visit(first: FirstHub, chromium: Browser) -> None:
    first.start()
    first.admin("organization", "add", "--name", "Ånge kommun")
    first.admin("organization", "add", "--name", "Distans AB", "--hsa-id", "SE5565594230-A1")
    first.admin("unit", "add", "--organization", "Ånge kommun", "--name", "Ånge hemsjukvård")
    first.admin("unit", "add", "--organization", "SE5565594230-A1", "--name", "Distansläkare")
    first.admin("agreement", "add", "--home", "Ånge kommun", "--doctors", "Distans AB")
    links = {}
    for name, title, role, unit in [
        ("Maja Nordin", "sjuksköterska", "nurse", "Ånge hemsjukvård"),
        ("Ilse Brandt", "specialist i allmänmedicin", "doctor", "Distansläkare"),
    ]:
        person = first.admin("person", "add", "--name", name, "--title", title)["id"]
        first.admin("commission", "add", "--person", person, "--role", role, "--unit", unit)
        links[role] = first.admin("link", name)["url"]
    scanned = first.admin("kit", "add", "--name", "Väska Ånge", "--unit", "Ånge hemsjukvård")["qr"]
    first.enrol(scanned)
    first.start_kit()

    nurse = Nurse(new_page(chromium, TABLET))
    comes_in(nurse.page, links["nurse"])
    nurse.page.wait_for_url(f"http://localhost:{first.kit_port}/**")
    patient = first.admin("patient", "add", "--place", "Storgatan 1, Ånge", said=f"Prov Provsson\n{NUMBER}\n")["id"]
    now = datetime.now(ZoneInfo("Europe/Stockholm"))
    plan = ["visit", "plan", "--patient", patient, "--kit", "Väska Ånge", "--nurse", "Maja Nordin"]
    first.admin(*plan, "--at", now.isoformat(timespec="minutes"), "--reason", "Feber")
    # with real patients nothing is shown before she chose what opens her page again
    expect(nurse.part("choose-pin")).to_be_visible(timeout=SLOW_MS)
    assert "Prov Provsson" not in nurse.page.content()
    for _ in range(2):
        nurse.part("pin").fill("407162")
        nurse.press("pin-done")
    # planned beside the hub, it comes to the bag that is connected
    nurse.open_visit("Prov Provsson")
    expect(nurse.part("patient-id")).to_have_text("19811228-9874")

    doctor = Nurse(new_page(chromium, DESK))
    comes_in(doctor.page, links["doctor"])
    waiting = doctor.part("queue-visit").filter(has_text="Prov Provsson")
    expect(waiting).to_have_attribute("data-state", "open", timeout=SLOW_MS)
    assert NUMBER not in "".join(path.read_text() for path in first.parts.logs.iterdir())
