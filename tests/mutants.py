"""Mutants of what keeps records safe, single and with their patient, and calls going: each must be caught by the tests
named beside it.

    make mutants            # or: python tests/mutants.py [NAME ...]

Works on a copy of the tree, in a folder of its own; the tree itself is never touched. Exit status 0: all were caught.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("edge", "server", "devices", "signal", "tests")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "web_build", "*.wav", "node_modules")
BINDING, JOURNAL, RECORDS = (
    "edge/carebag_edge/binding.py",
    "edge/carebag_edge/journal.py",
    "server/carebag_server/records.py",
)
RECOVERY, RECOVERY_TESTS = "edge/carebag_edge/journal_recovery.py", "tests/edge/test_journal_recovery.py"
CONNECTION, ROWS = "edge/carebag_edge/journal_connection.py", "edge/carebag_edge/journal_rows.py"
MOVES = "server/carebag_server/moves.py"
LISTENING = "edge/carebag_edge/listening.py"
SEALED = "edge/carebag_edge/sealed_journal.py"
COMPANY, SOCKETS = "server/carebag_server/hubs/company.py", "server/carebag_server/sockets.py"
RESTARTS = "tests/server/hubs/test_restart.py"
LONGEST_S = 600


@dataclass(frozen=True)
class Mutant:
    """One edit: `old`, which stands in `file` once, becomes `new`; `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    # durability
    Mutant(
        "kit-forces-less",
        CONNECTION,
        "synchronous = FULL",
        "synchronous = NORMAL",
        "tests/carebag/fault_bench/test_power.py",
    ),
    Mutant("kit-never-commits", CONNECTION, 'self._db.execute("COMMIT")', "pass", "tests/edge/test_kill.py"),
    Mutant(
        "kit-commits-what-failed",
        CONNECTION,
        'self._db.execute("ROLLBACK")',
        'self._db.execute("COMMIT")',
        "tests/edge/test_journal.py",
    ),
    Mutant("kit-leaves-holes", JOURNAL, "MAX(kit_seq), 0) + 1", "MAX(kit_seq), 0) + 2", "tests/edge/test_journal.py"),
    Mutant(
        "kit-believes-the-wal",
        CONNECTION,
        'if mode not in ("wal", "memory"):',
        "if False:",
        "tests/edge/test_journal_file.py",
    ),
    Mutant(
        "kit-reads-one-row-of-the-wal",
        CONNECTION,
        '[(mode,)] = db.execute("PRAGMA journal_mode = WAL").fetchall()',
        '(mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()',
        "tests/edge/test_journal_file.py",
    ),
    Mutant("kit-writes-at-each-start", JOURNAL, "if version < VERSION:", "if True:", "tests/edge/test_journal_file.py"),
    Mutant(
        "kit-starts-on-a-half-forced-wal",
        "edge/carebag_edge/journal_file.py",
        "if not wal.exists():",
        "if True:",
        "tests/edge/test_journal_file.py",
    ),
    Mutant(
        "hub-forces-less",
        "server/carebag_server/database.py",
        '"synchronous=FULL"',
        '"synchronous=OFF"',
        "tests/carebag/fault_bench/test_hub_power.py",
    ),
    Mutant(
        "hub-starts-on-a-half-forced-wal",
        "server/carebag_server/store_start.py",
        "            wal.write(content)\n",
        '            wal.write(b"\\0" * len(content))\n',
        "tests/server/test_store_start.py",
    ),
    Mutant(
        "kit-forgets-what-the-disk-refused",
        "edge/carebag_edge/unsaved.py",
        "self._waiting.append(taken)",
        "pass",
        "tests/edge/test_unsaved.py",
    ),
    Mutant(
        "kit-ignores-a-hub-that-lost",
        JOURNAL,
        "if receipt.watermark < known:",
        "if False:",
        "tests/edge/test_journal.py tests/edge/test_sync.py",
    ),
    Mutant(
        "kit-takes-a-receipt-for-all",
        JOURNAL,
        "refusal = NULL WHERE id = ? AND received_at IS NULL",
        "refusal = NULL WHERE ? <> '' AND received_at IS NULL",
        "tests/edge/test_journal.py tests/edge/test_sync.py",
    ),
    Mutant(
        "kit-reads-the-first-packet-of-an-answer",
        "edge/carebag_edge/hub_client.py",
        "answer = await read_whole(response.content, MAX_ANSWER_BYTES)",
        "answer = await response.content.read(MAX_ANSWER_BYTES)",
        "tests/edge/test_whole_body.py",
    ),
    Mutant(
        "kit-gives-up-a-file-that-the-hub-has-begun",
        "edge/carebag_edge/sync.py",
        "if not asked and error.status == 409:",
        "if False:",
        "tests/edge/test_uploads.py",
    ),
    Mutant(
        "kit-hangs-on-a-line-that-broke",
        "edge/carebag_edge/sync.py",
        "            self._under_way.cancel()",
        "            pass",
        "tests/edge/test_sync.py",
    ),
    Mutant(
        "hub-takes-any-offset",
        "server/carebag_server/uploads.py",
        "if offset != self.offset(kit_id, sha256):",
        "if False:",
        "tests/server/test_uploads.py",
    ),
    # de-duplication
    Mutant(
        "kit-does-not-know-a-measurement",
        "edge/carebag_edge/journal.py",
        "return found is not None",
        "return False",
        "tests/edge/test_bedside.py tests/carebag/fault_bench/test_binding.py",
    ),
    Mutant(
        "kit-does-not-know-a-repeat",
        "edge/carebag_edge/unsaved.py",
        "            self._waiting.remove(found)\n",
        "            pass\n",
        "tests/edge/test_unsaved.py",
    ),
    Mutant(
        "hub-takes-other-content",
        RECORDS,
        "if any(row.sha256 != envelope.sha256 for row in known):",
        "if False:",
        "tests/server/test_records.py",
    ),
    Mutant(
        "hub-takes-the-same-twice",
        RECORDS,
        "if not known and removed is None:",
        "if removed is None:",
        "tests/server/test_records.py",
    ),
    Mutant("hub-watermark-over-a-hole", RECORDS, "if seq != reached + 1:", "if False:", "tests/server/test_records.py"),
    Mutant(
        "hub-takes-any-signature",
        RECORDS,
        "if not any(signed_by(key, envelope.signature, envelope.payload.encode()) for key in keys):",
        "if False:",
        "tests/server/test_records.py",
    ),
    Mutant(
        "hub-takes-another-kits-record",
        RECORDS,
        "if record.binding.kit_id != kit.id:",
        "if False:",
        "tests/server/test_records.py",
    ),
    Mutant(
        "hub-does-not-look-at-the-patient",
        RECORDS,
        "if visit.kit_id != binding.kit_id or visit.patient_id != binding.patient_id:",
        "if visit.kit_id != binding.kit_id:",
        "tests/server/test_records.py",
    ),
    # binding
    Mutant(
        "filed-when-it-arrives",
        BINDING,
        "whom = began.whom if began else self.now()",
        "whom = self.now()",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "no-doubt-after-a-lost-link",
        BINDING,
        "if began and began.doubtful and whom.visit_id",
        "if False and whom.visit_id",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "no-age-is-now",
        BINDING,
        "        if age is None:\n            return NOBODY\n",
        "        if age is None:\n            return self.now()\n",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "may-be-before-the-visit",
        BINDING,
        "since >= age.seconds + age.uncertainty_s",
        "since >= age.seconds - age.uncertainty_s",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "may-be-after-the-visit",
        BINDING,
        "since <= age.seconds - age.uncertainty_s",
        "since <= age.seconds + age.uncertainty_s",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "one-clock-is-enough",
        BINDING,
        "if at.ns is not None and now.ns is not None and now.ns >= at.ns:",
        "if False:",
        "tests/edge/test_binding.py tests/carebag/fault_bench/test_binding.py",
    ),
    Mutant(
        "a-late-stream-is-the-next-patients",
        LISTENING,
        "            return NOBODY\n",
        "            return self._binder.now()\n",
        "tests/edge/test_listening.py",
    ),
    Mutant(
        "the-next-doctor-hears-the-last-patient",
        LISTENING,
        "        if self._is_here:\n            self._live.sound(",
        "        if True:\n            self._live.sound(",
        "tests/edge/test_listening.py",
    ),
    Mutant(
        "the-next-page-shows-the-last-patients-heart-rate",
        LISTENING,
        "return self.message if self._is_here else None",
        "return self.message",
        "tests/edge/test_listening.py",
    ),
    Mutant(
        "her-own-listening-answers-the-doctor",
        LISTENING,
        "        if wanted.request_id is not None:\n",
        "        if True:\n",
        "tests/edge/test_listening.py",
    ),
    Mutant(
        "of-two-visits-the-first",
        BINDING,
        "return found[0] if len(found) == 1 else NOBODY",
        "return found[0] if found else NOBODY",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "one-person-moves-a-value",
        MOVES,
        "if move.proposed_by_id == caller.person.practitioner_id:",
        "if False:",
        "tests/server/test_moves.py",
    ),
    Mutant(
        "a-proposal-moves-a-value",
        MOVES,
        '    row.move = "proposed"\n',
        '    row.move = "proposed"\n    _carry(session, row, move, target)\n',
        "tests/server/test_moves.py",
    ),
    Mutant(
        "what-was-moved-counts-in-both",
        MOVES,
        'row.decision, row.decided_by, row.decided_at = "rejected", move.proposed_by, move.decided_at',
        "row.decided_by, row.decided_at = move.proposed_by, move.decided_at",
        "tests/server/test_moves.py",
    ),
    Mutant(
        "closed-visits-are-forgotten",
        BINDING,
        "self._past = list(self.past_after(at))",
        "self._past = []",
        "tests/edge/test_binding.py",
    ),
    Mutant(
        "unwatched-is-the-open-visits",
        "edge/carebag_edge/bedside.py",
        "if age_of(event) is not None and not self.binder.saw_begin(event.identity.id):",
        "if False:",
        "tests/edge/test_unwatched_values.py",
    ),
    Mutant(
        "kit-believes-what-it-reads",
        ROWS,
        "if payload_sha256(payload) != sha256:",
        "if False:",
        "tests/edge/test_journal.py tests/carebag/fault_bench/test_bit_rot.py",
    ),
    Mutant(
        "a-record-of-another-number",
        ROWS,
        "if (record.binding.kit_seq, str(record.id)) != (kit_seq, record_id):",
        "if False:",
        "tests/edge/test_journal.py",
    ),
    # after rot
    Mutant(
        "a-record-that-the-kit-did-not-sign",
        RECOVERY,
        "key.private.public_key().verify(base64.b64decode(str(signature)), str(payload).encode())",
        "base64.b64decode(str(signature))",
        RECOVERY_TESTS,
    ),
    Mutant(
        "numbers-of-lost-records-are-free",
        "edge/carebag_edge/journal_refill.py",
        "last = max([given, watermark, *found.records])",
        "last = max(found.records)",
        RECOVERY_TESTS,
    ),
    Mutant(
        "an-old-page-says-that-the-hub-has-it",
        RECOVERY,
        "row if image.knows_free else as_unsent(row)",
        "row",
        RECOVERY_TESTS,
    ),
    Mutant(
        "a-visit-of-an-old-page-is-open",
        RECOVERY,
        "if not image.knows_free:\n            # a page",
        "if False:\n            # a page",
        RECOVERY_TESTS,
    ),
    Mutant(
        "rot-in-the-log-is-a-torn-end",
        "edge/carebag_edge/sealed_image.py",
        "    committed += _behind(log[len(committed) :], image)\n",
        "",
        RECOVERY_TESTS,
    ),
    # at rest
    Mutant(
        "an-open-journal-with-holes-is-whole",
        SEALED,
        "if not count == last >= given:",
        "if False:",
        "tests/edge/test_store.py",
    ),
    Mutant(
        "a-copy-is-believed-unread",
        SEALED,
        "        _prove_equal(path, part, key)\n",
        "",
        "tests/edge/test_store.py",
    ),
    Mutant(
        "the-wal-of-before-stays",
        "edge/carebag_edge/journal_swap.py",
        """    for name in BESIDE:
        path.with_name(path.name + name).unlink(missing_ok=True)
    sync_folder""",
        "    sync_folder",
        "tests/edge/test_store.py",
    ),
    Mutant(
        "a-lost-key-is-made-anew",
        "edge/carebag_edge/data_key.py",
        "if secret is None and known_mark(folder) is not None:",
        "if False:",
        "tests/edge/test_data_key.py",
    ),
    Mutant(
        "any-key-will-do",
        "edge/carebag_edge/store.py",
        "return not is_there(journal) or is_plain(journal) or opens(journal, data_key)",
        "return True",
        "tests/edge/test_store.py",
    ),
    Mutant(
        "a-running-kit-believes-a-torn-end",
        "edge/carebag_edge/journal_renewal.py",
        "if image.is_sound and not (has_failed and is_behind(image, self._key, kept)):",
        "if image.is_sound:",
        "tests/edge/test_journal_renewal.py",
    ),
    Mutant(
        "rot-takes-what-memory-has",
        RECOVERY,
        "found.records = {**kept.records, **found.records}",
        "pass",
        "tests/edge/test_journal_renewal.py",
    ),
    Mutant(
        "after-rot-numbers-are-free",
        RECOVERY,
        "given = max(given, kept.last)",
        "pass",
        "tests/edge/test_journal_renewal.py",
    ),
    Mutant(
        "rot-closes-the-visit",
        RECOVERY,
        "found.state = dict(kept.states)",
        "pass",
        "tests/edge/test_journal_renewal.py",
    ),
    Mutant(
        "sealed-pieces-in-any-order",
        "server/carebag/backup/sealing.py",
        "return number.to_bytes(11) + bytes([is_last])",
        "return bytes(11) + bytes([is_last])",
        "tests/carebag/test_backup_sealing.py",
    ),
    Mutant(
        "a-sealed-file-anywhere",
        "server/carebag/backup/sealing.py",
        "+ what.encode()",
        "",
        "tests/carebag/test_backup_sealing.py",
    ),
    # who is in the rooms when all hubs end
    Mutant(
        "beside-a-hub-that-lives-the-store-is-asked",
        COMPANY,
        "self.is_first = self.is_first and not here.settled",
        "pass",
        "tests/server/hubs/test_company.py",
    ),
    Mutant(
        "every-hub-keeps-the-rooms",
        COMPANY,
        'return self.phase == "in" and self.number <= min(self._silent, default=self.number)',
        'return self.phase == "in"',
        "tests/server/hubs/test_company.py",
    ),
    Mutant(
        "a-kit-of-a-hub-that-ended-first-is-not-kept",
        SOCKETS,
        "                    self._keep_for_a_moment(event.line)\n",
        "                    pass\n",
        f"{RESTARTS}::test_who_comes_back_after_all_hubs_ended_was_never_gone[postgresql-15-True-kit]",
    ),
    Mutant(
        "the-first-hub-tells-nobody-whom-it-expects",
        SOCKETS,
        "            if events:\n                await self.happen",
        "            if False:\n                await self.happen",
        "tests/server/test_rooms_kept.py",
    ),
    Mutant(
        "people-are-let-in-before-it-is-known-who-is-expected",
        SOCKETS,
        "return self.sharing.is_in and self._is_settled",
        "return self.sharing.is_in",
        "tests/server/test_rooms_kept.py",
    ),
    Mutant(
        "whom-another-hub-kept-stays",
        "server/carebag_server/rooms_kept.py",
        "            self._is_empty = False  # another one may write there\n",
        "",
        "tests/server/test_rooms_kept.py",
    ),
    Mutant(
        "a-kit-that-is-expected-is-connected",
        "server/carebag_server/presence.py",
        "return people + guests, not kit.away",
        "return people + guests, True",
        "tests/server/hubs/test_expecting.py",
    ),
    Mutant(
        "who-is-back-is-expected-again",
        "server/carebag_server/hubs/expecting.py",
        "if _can_come_back(event) and not _is_there(rooms, event)}",
        "if _can_come_back(event)}",
        "tests/server/hubs/test_expecting.py",
    ),
)


def main(names: list[str]) -> int:
    """Exit status 0 if each was caught, and nothing was caught in the copy as it is."""
    chosen = [one for one in MUTANTS if not names or one.name in names]
    with tempfile.TemporaryDirectory(prefix="carebag-mutants-") as place:
        copy = Path(place)
        for part in PARTS:
            shutil.copytree(ROOT / part, copy / part, ignore=LEFT_OUT)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for tests in sorted({one.tests for one in chosen}):
            if not passes(copy, tests):
                print(f"not run: {tests} fails without a mutant")
                return 2
        survived = [one.name for one in chosen if not caught(copy, one)]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} caught")
    return 1 if survived else 0


def caught(copy: Path, mutant: Mutant) -> bool:
    """Whether its tests fail; the copy is as before afterwards."""
    with mutated(copy / mutant.file, mutant):
        found = not passes(copy, mutant.tests)
    print(f"{'caught' if found else 'SURVIVED':9} {mutant.name}", flush=True)
    return found


@contextmanager
def mutated(file: Path, mutant: Mutant) -> Iterator[None]:
    """Raises: ValueError: what it changes does not stand there once."""
    before = file.read_text(encoding="utf-8")
    if before.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: stands {before.count(mutant.old)} times in {mutant.file}: {mutant.old}")
    file.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(before, encoding="utf-8")


def passes(copy: Path, tests: str) -> bool:
    """Run these tests on the copy. A mutant that hangs is caught as well."""
    path = os.pathsep.join(str(copy / part) for part in PARTS[:-1])
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            words, cwd=copy, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
