"""`carebag audit`: what an operator, a medical lead and a witness do with it, from the key to the refusal."""

import argparse
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from carebag.audit_bench import fill
from carebag.audit_changes import drop_triggers, example_event, make_whole
from carebag.cli import main
from carebag.database_argument import database_argument
from carebag_server.database import Database, make_engine
from carebag_server.migrate import upgrade


class Desk:
    """A hub's database, a folder of its keeper, and the command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.url = f"sqlite:///{folder}/hub.db"
        self.database = Database(self.url)
        self._rng = random.Random(5)

    def log(self, events: int) -> None:
        fill(self.database, [example_event(self._rng, number) for number in range(events)], 3)

    def run(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        status = main(["audit", *(word.replace("@", f"{self.folder}/") for word in words)])
        return status, self._capsys.readouterr().out

    def on_log(self, what: str, *words: str) -> tuple[int, str]:
        return self.run(what, *words, "--database", self.url)

    def file(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="module")
def empty_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("empty") / "hub.db"
    engine = make_engine(f"sqlite:///{file}")
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture
def desk(empty_hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    shutil.copy(empty_hub, tmp_path)
    made = Desk(tmp_path, capsys)
    status, public = made.run("key", "@key", "--name", "hub.example.se/access-log")
    assert status == 0
    made.file("public").write_text(public)
    yield made
    made.database.dispose()


def test_a_key_is_made_once_and_shown_again(desk: Desk) -> None:
    public = desk.file("public").read_text()
    assert public.startswith("hub.example.se/access-log+")
    assert desk.run("key", "@key") == (0, public)
    with pytest.raises(SystemExit, match=r"key of hub\.example\.se/access-log"):
        desk.run("key", "@key", "--name", "another")
    with pytest.raises(SystemExit, match="--name makes a key"):
        desk.run("key", "@none")
    with pytest.raises(SystemExit, match="neither spaces nor"):
        desk.run("key", "@none", "--name", "a b")
    assert not desk.file("none").exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_key_is_for_its_owner_only(desk: Desk) -> None:
    assert desk.file("key").stat().st_mode & 0o777 == 0o600


def test_a_whole_log_with_what_was_kept(desk: Desk) -> None:
    desk.log(4)
    said = json.loads(desk.on_log("verify", "--json")[1])
    desk.on_log("checkpoint", "--key", "@key", "--out", "@one")
    desk.log(3)
    assert desk.on_log("checkpoint", "--key", "@key")[1].split("\n")[:2] == ["hub.example.se/access-log", "7"]
    desk.on_log("checkpoint", "--key", "@key", "--out", "@two")
    words = ["--checkpoint", "@one", "@two", "--public-key", "@public", "--head", f"{said['events']}:{said['head']}"]
    status, text_said = desk.on_log("verify", *words)
    assert (status, text_said.split(",")[0]) == (0, "intact: 7 events")
    said = json.loads(desk.on_log("verify", *words, "--json")[1])
    assert (said["intact"], said["events"], said["why"], len(said["root"])) == (True, 7, None, 64)


def test_a_rewritten_log_is_whole_until_it_is_compared(desk: Desk) -> None:
    desk.log(4)
    desk.on_log("checkpoint", "--key", "@key", "--out", "@kept")
    head = json.loads(desk.on_log("verify", "--json")[1])["head"]
    with desk.database.engine.begin() as connection:
        drop_triggers(connection)
        connection.execute(text("UPDATE audit_event SET practitioner = 'Nobody' WHERE seq = 2"))
    status, said = desk.on_log("verify")
    assert (status, said) == (1, "BROKEN at event 2: changed (1 events read)\n")
    with desk.database.engine.begin() as connection:
        make_whole(connection)
    assert desk.on_log("verify")[0] == 0
    status, said = desk.on_log("verify", "--checkpoint", "@kept", "--public-key", "@public")
    assert status == 1
    assert said.startswith("BROKEN at event 1: other_history (4 events read); not in it: ")
    assert said.endswith("kept of 4 events\n")
    status, said = desk.on_log("verify", "--head", f"4:{head}", "--json")
    assert (status, json.loads(said)["against_events"]) == (1, 4)
    with pytest.raises(SystemExit, match="another history"):
        desk.on_log("checkpoint", "--key", "@key", "--since", "@kept")
    kept = desk.file("kept").read_bytes()
    with pytest.raises(SystemExit, match="nothing written"):
        desk.on_log("checkpoint", "--key", "@key", "--out", "@kept")
    assert desk.file("kept").read_bytes() == kept


def test_a_witness_of_its_own(desk: Desk) -> None:
    """It has the verifier's key and what it knows, and never the database."""
    witness = ("--known", "@known", "--public-key", "@public")
    desk.log(3)
    desk.on_log("checkpoint", "--key", "@key", "--out", "@first")
    assert desk.run("witness", "@first", *witness)[1].startswith("accepted: 3 events of hub.example.se/access-log, the")
    desk.log(5)
    desk.on_log("checkpoint", "--key", "@key", "--out", "@alone")
    assert desk.run("witness", "@alone", *witness)[0] == 1, "nobody can see what is between them"
    desk.on_log("checkpoint", "--key", "@key", "--since", "@known", "--out", "@grown")
    assert desk.run("witness", "@grown", *witness)[1].endswith("grown from 3\n")
    assert desk.file("known").read_bytes() == desk.file("alone").read_bytes()
    with pytest.raises(SystemExit, match="begins at 3"):
        desk.run("witness", "@grown", *witness)
    assert desk.run("witness", "@first", *witness)[0] == 1
    assert desk.file("known").read_bytes() == desk.file("alone").read_bytes()


def test_an_event_is_proved_to_somebody_without_the_database(desk: Desk) -> None:
    desk.log(6)
    desk.on_log("prove", "5", "--key", "@key", "--out", "@proof")
    status, said = desk.run("check", "@proof", "--public-key", desk.file("public").read_text())
    event, _, last = said.rpartition("}\n")
    assert (status, json.loads(event + "}")["seq"]) == (0, 5)
    assert last == "proved: in the first 6 events of hub.example.se/access-log\n"
    desk.file("proof").write_bytes(desk.file("proof").read_bytes().replace(b"index 4", b"index 3"))
    status, said = desk.run("check", "@proof", "--public-key", "@public")
    assert (status, said.split(":")[0]) == (1, "NOT PROVED")
    with pytest.raises(SystemExit, match="has 6"):
        desk.on_log("prove", "7", "--key", "@key")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["verify", "--checkpoint", "@key"], "needs --public-key"),
        (["verify", "--checkpoint", "@key", "--public-key", "@public"], "not a signed note"),
        (["verify", "--checkpoint", "@none", "--public-key", "@public"], "none: no such file"),
        (["verify", "--checkpoint", "@odd", "--public-key", "@public"], "not a text"),
        (["verify", "--checkpoint", "@key", "--public-key", "@key"], "verifier's key"),
        (["checkpoint", "--key", "@public"], "not a signing key"),
        (["checkpoint", "--key", "@none"], "no such file"),
        (["prove", "1", "--key", "@key"], "has 0"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(desk: Desk, words: list[str], why: str) -> None:
    desk.file("odd").write_bytes(b"\xff")
    with pytest.raises(SystemExit, match=why):
        desk.on_log(*words)


def test_a_database_that_is_none(desk: Desk) -> None:
    desk.file("odd.db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    for place in ("odd.db", "empty.db"):
        desk.file("empty.db").touch()
        for words in (["verify"], ["checkpoint", "--key", "@key"]):
            with pytest.raises(SystemExit, match="cannot be read"):
                desk.run(*words, "--database", f"sqlite:///{desk.folder}/{place}")
    with pytest.raises(SystemExit, match="cannot be read"):
        desk.run("verify", "--database", "no address")


def test_the_database_is_the_hubs_by_the_same_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    monkeypatch.setenv("CAREBAG_DATABASE", "sqlite:///hub.sqlite")
    database_argument(parser)
    assert parser.parse_args([]).database == "sqlite:///hub.sqlite"
    assert parser.parse_args(["--database", "sqlite:///other"]).database == "sqlite:///other"
    monkeypatch.delenv("CAREBAG_DATABASE")
    asks = argparse.ArgumentParser()
    database_argument(asks)
    with pytest.raises(SystemExit):
        asks.parse_args([])
