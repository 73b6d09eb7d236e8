"""`kill -9` at any moment: whatever the journal said it had, it has; and no number is missing."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create

PROGRAM = Path(__file__).with_name("appending_process.py")


@pytest.mark.parametrize("appends_before_the_kill", [1, 7, 40])
def test_no_acknowledged_append_is_lost(tmp_path: Path, appends_before_the_kill: int) -> None:
    said: list[int] = []
    for round_number in range(2):
        process = subprocess.Popen([sys.executable, PROGRAM, tmp_path], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(appends_before_the_kill + round_number):
            said.append(int(process.stdout.readline()))
        process.kill()
        rest, _ = process.communicate()
        said += [int(line) for line in rest.split("\n")[:-1]]
    key = load_or_create(tmp_path, None, 0)
    journal = Journal(tmp_path / "journal.sqlite", key)
    numbers = journal.numbers()
    assert set(said) <= set(numbers)
    assert numbers == list(range(1, len(numbers) + 1))
    for record in journal.unsent_records(10_000):
        key.private.public_key().verify(base64.b64decode(record.signature), record.payload.encode())
    journal.close()
