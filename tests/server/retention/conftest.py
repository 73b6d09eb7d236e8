"""The command on a hub's database, years later."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from carebag import retention
from carebag.cli import parser_for


class Office:
    """An operator at the hub's machine: runs `carebag retention`, keeps what it said."""

    def __init__(self, hub: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.hub, self._capsys = hub, capsys

    def __call__(self, *words: str, years: float = 0, login: str = "siri") -> tuple[int, str]:
        """Exit status, and all that was printed.

        Args:
            years: after the hub's own time.
            login: who sits at the machine.
        """
        import argparse

        parser = argparse.ArgumentParser()
        parser_for("retention", parser)
        with_store = words[0] != "rules"
        store = ["--database", self.hub.url, "--media", str(self.hub.settings.media_folder)] if with_store else []
        args = parser.parse_args([*words, *store])
        self._capsys.readouterr()
        status = retention.run(args, lambda: self.later(years), lambda: login)
        out = self._capsys.readouterr()
        return status, out.out + out.err

    def propose(self, *what: str, years: float) -> tuple[str, str]:
        """Siri proposes. Returns: number of the proposal, and of what would go."""
        status, said = self("propose", *what, "--decision", "RS 2026/118", "--by", "Siri", years=years)
        assert status == 0, said
        number = said.split("approve ")[-1].split()[0]
        return number, self("approve", number, years=years)[1].split("--removing ")[1].split()[0]

    def remove(self, *what: str, years: float) -> tuple[int, str]:
        """Siri proposes, and Maj, at her own login, approves."""
        number, count = self.propose(*what, years=years)
        return self("approve", number, "--removing", count, "--by", "Maj", years=years, login="maj")

    def later(self, years: float) -> datetime:
        from datetime import timedelta

        at: datetime = self.hub.clock() + timedelta(days=365.25 * years)
        return at

    def settle(self, country: str = "SE", *words: str) -> None:
        """Every care provider of the demo is in one country."""
        for provider in ("Timrå kommun", "Premicare"):
            said = self("set", "--provider", provider, "--country", country, "--by", "Siri", *words)
            assert said[0] == 0, said


@pytest.fixture
def office(hub: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    return Office(hub, capsys)


@pytest.fixture
def small_office(small_hub: Any, capsys: pytest.CaptureFixture[str]) -> Office:
    """On SQLite alone, for what does not touch the store's kind."""
    return Office(small_hub, capsys)
