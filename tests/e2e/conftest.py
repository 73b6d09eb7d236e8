"""A running demo and a real browser; each module has its own, each with its own folder and ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from carebag.demonstration import Demo, Options, running
from carebag.pages import browser
from carebag.processes import free_port

SPEED = 4.0
"""The simulated cuff and analyser take seconds, not tens of them."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with running(Options(folder, port=free_port(0), speed=SPEED)) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script, to be evaluated in a page."""
    script = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")
