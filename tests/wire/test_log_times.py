"""Log lines carry their moment in UTC, whatever the machine's zone."""

import logging
import time
from collections.abc import Iterator

import pytest

from carebag_wire.log_times import UtcLines


@pytest.fixture(params=["Europe/Helsinki", "America/Lima"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def line(created: float, message: str = "started") -> str:
    record = logging.LogRecord("carebag.hub", logging.INFO, "", 0, message, (), None)
    record.created = created
    return UtcLines().format(record)


@pytest.mark.usefixtures("zone")
def test_the_moment_is_utc_and_says_so() -> None:
    assert line(1_795_807_214.1239) == "2026-11-27T19:20:14.123Z INFO carebag.hub started"
    assert line(0.9999) == "1970-01-01T00:00:00.999Z INFO carebag.hub started"
