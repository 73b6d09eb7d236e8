"""From the device to what a person perceives: times taken at both ends of one machine, whose clock both share."""

import json
import urllib.request
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

WATCH = """
() => {
  window.__shown = {}
  window.__rendered = []
  const look = () => {
    const now = performance.timeOrigin + performance.now()
    for (const card of document.querySelectorAll('[data-reading-id]')) {
      window.__shown[card.dataset.readingId] ??= [card.dataset.testid, now / 1000]
    }
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true })
  look()
  document.addEventListener('carebag:rendered', event => {
    const { stream, sample, atMs, late, skipped } = event.detail
    window.__rendered.push([stream, sample, atMs / 1000, late ?? 0, skipped ?? 0])
  })
}
"""


@dataclass(frozen=True)
class Spread:
    """Of `n` durations, ms."""

    n: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def spread(durations_s: Sequence[float]) -> Spread:
    """Nearest-rank percentiles.

    Raises:
        ValueError: nothing was measured.
    """
    if not durations_s:
        raise ValueError("nothing was measured")
    ordered = sorted(durations_s)

    def rank(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    return Spread(len(ordered), rank(0.50), rank(0.99), round(ordered[-1] * 1000, 1))


def watch(page: Page) -> None:
    """From now on the page notes when each value appears and when each block of sound is rendered."""
    page.evaluate(WATCH)


def departures(control_url: str, device: str) -> list[float]:
    """Unix seconds when each measurement left the simulated device, in order."""
    return [float(left) for left in _asked(control_url, "departures")[device]]


def frames(control_url: str) -> list[list[float]]:
    """[first sample, unix seconds] of the stethoscope's frames, as they left."""
    found: list[list[float]] = _asked(control_url, "frames")
    return found


def _asked(control_url: str, what: str) -> Any:
    with urllib.request.urlopen(f"{control_url}/{what}", timeout=10) as answer:  # noqa: S310 (our own loopback address)
        return json.load(answer)


def shown_after(page: Page, kind: str, left: Sequence[float]) -> list[float]:
    """Seconds from each indication's leaving to its value of this kind in the page, in order.

    Raises:
        ValueError: another number of values appeared than left: they cannot be matched.
    """
    cards: list[list[Any]] = page.evaluate("Object.values(window.__shown)")
    shown = sorted(at for name, at in cards if name == f"value-{kind}")
    if len(shown) != len(left):
        raise ValueError(f"{len(left)} values left the device, {len(shown)} appeared")
    return [there - gone for gone, there in zip(sorted(left), shown, strict=True)]


def rendered_after(page: Page, frames: Sequence[Sequence[float]]) -> list[float]:
    """Seconds from each frame's leaving the stethoscope to its first sample's being rendered.

    Args:
        frames: [first sample, unix seconds when it left] of one stream.
    """
    reports: list[list[Any]] = page.evaluate("window.__rendered")
    blocks = sorted((report[1], report[2]) for report in reports if report[1] >= 0)
    starts = [start for start, _ in blocks]
    durations = []
    for first, left in frames:
        block = bisect_right(starts, first) - 1
        if 0 <= block < len(blocks) - 1:
            durations.append(blocks[block][1] - left)
    return durations
