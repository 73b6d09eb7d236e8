"""The demo on both sides of a link: kit, instruments and the nurse's tablet here, hub and the doctor's desk there."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from carebag.browser import FLAGS, find_or_install
from carebag.demonstration import Demo, Options
from carebag.link_emulator.link import HOSPITAL, Link
from carebag.link_emulator.namespaces import Namespace
from carebag.pages import DESK, LOCALE, SLOW_MS, TABLET, Doctor, Nurse
from carebag.processes import Parts, answers

WATCH = Path(__file__).with_name("watch.js")


@dataclass(frozen=True)
class Stand:
    """A running demo over a running link, with a person before each of its pages."""

    link: Link
    demo: Demo
    nurse: Nurse
    doctor: Doctor


class PartsOnLink(Parts):
    """Each part in the namespace of its side."""

    def __init__(self, logs: Path, link: Link, ahead: bool) -> None:
        super().__init__(logs)
        self._link, self._ahead = link, ahead

    def _side(self, name: str) -> Namespace:
        return self._link.hospital if name == "hub" else self._link.kitchen

    def command(self, name: str, arguments: Sequence[str]) -> list[str]:
        return self._side(name).command(super().command(name, arguments))

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        super().start(name, arguments, environment)
        if self._ahead:
            put_ahead()

    def answers(self, name: str, url: str) -> bool:
        return self._side(name).run(lambda: answers(url))


@contextmanager
def standing(link: Link, options: Options, *, ahead: bool = False) -> Iterator[Stand]:
    """Everything started; nothing is left of it afterwards.

    `ahead`: see `put_ahead`.

    Raises:
        PartFailed, NoBrowser: naming what did not start.
    """
    with ExitStack() as stack:
        parts = stack.enter_context(PartsOnLink(options.folder / "logs", link, ahead))
        demo = Demo(parts, options)
        port = demo.hub_port
        demo.hub_for_kit = f"http://{HOSPITAL}:{port}"
        # the demo's hub is for loopback only: a door on each side, and the link between them
        link.open_door(link.hospital, HOSPITAL, port, "127.0.0.1", port)
        link.open_door(link.kitchen, "127.0.0.1", port, HOSPITAL, port)
        demo.start()
        playwright = stack.enter_context(sync_playwright())
        nurse = _page(stack, playwright, link.kitchen, options.folder / "chromium-nurse", TABLET)
        doctor = _page(stack, playwright, link.hospital, options.folder / "chromium-doctor", DESK)
        if ahead:
            put_ahead()
        yield Stand(link, demo, Nurse(nurse), Doctor(doctor))


def _page(stack: ExitStack, playwright: Playwright, side: Namespace, script: Path, size: dict[str, int]) -> Page:
    running: Browser = playwright.chromium.launch(executable_path=_chromium(side, script), args=_flags())
    stack.callback(running.close)
    context = running.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale=LOCALE,
        reduced_motion="reduce",  # without a graphics card an edge that breathes costs as much as the picture
        bypass_csp=True,  # our recorder is no script of the page's own
        permissions=["camera", "microphone"],
    )
    context.add_init_script(path=WATCH)
    page = context.new_page()
    page.set_default_timeout(2 * SLOW_MS)
    return page


def _flags() -> list[str]:
    """Faces at ten pictures a second: twice as many in two browsers are all that a small machine can do."""
    return [f"{flag}=fps=10" if flag == "--use-fake-device-for-media-stream" else flag for flag in FLAGS]


def _chromium(side: Namespace, script: Path) -> str:
    """A script that runs Chromium in the namespace: Playwright starts one program, without words before it."""
    words = " ".join(f"'{word}'" for word in side.command([find_or_install()]))
    script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def put_ahead() -> None:
    """Let all that was started go before everybody else on a shared machine, where the kernel has autogroups.

    Each started part is a session and so a group of its own, whose weight counts, not its processes' niceness.
    """
    ourselves = psutil.Process()
    for process in (ourselves, *ourselves.children(recursive=True)):
        with contextlib.suppress(OSError):
            Path(f"/proc/{process.pid}/autogroup").write_text("-20")


def machine_load() -> str:
    """Load averages of 1, 5 and 15 minutes: beside a figure they tell how much of it is the neighbours'."""
    return " ".join(f"{one:.1f}" for one in os.getloadavg()) if sys.platform != "win32" else ""
