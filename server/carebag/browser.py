"""Finds a Chromium for the walk-through and the browser tests, or says the one command that brings one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


class NoBrowser(Exception):
    """No Chromium here and none could be installed; the text is the one command to run."""


def installed() -> str | None:
    """Path of an installed Chromium, Chrome or Edge; `CAREBAG_CHROMIUM` wins."""
    named = os.environ.get("CAREBAG_CHROMIUM")
    if named:
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or next((place for place in PLACES if Path(place).exists()), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    """Chromium that `playwright install chromium` put into its cache, if any."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and Path(path).exists() else None


def install() -> str:
    """Debian's package where apt may be used, else Playwright's download.

    Raises:
        NoBrowser: with the command to run by hand.
    """
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run([apt, "update", "-qq"], env=environment, check=False)  # noqa: S603
        subprocess.run([apt, "install", "-y", "-qq", "chromium"], env=environment, check=False)  # noqa: S603
    elif not apt:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    found = installed()
    if found:
        return found
    command = "sudo apt-get install chromium" if apt else f"{sys.executable} -m playwright install chromium"
    raise NoBrowser(f"no Chromium or Chrome was found; run:  {command}")


def find_or_install() -> str:
    return installed() or install()
