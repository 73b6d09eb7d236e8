"""What a backup says about itself: read as written, and no flipped bit passes."""

import hashlib
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag.backup.manifest import (
    AuditAt,
    BadManifest,
    File,
    Lacking,
    Manifest,
    Rows,
    read_manifest,
    read_media_list,
    write_manifest,
    write_media_list,
)
from carebag.backup.rows import Row, Tally

DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
COUNTS = st.integers(0, 2**53)
FILES = st.builds(File, bytes_stored=COUNTS, sha256=DIGESTS)
LACKING = st.builds(Lacking, sha256=DIGESTS, why=st.sampled_from(["missing", "damaged", "unreadable"]))
MANIFESTS = st.builds(
    Manifest,
    carebag=st.text(),
    made_at=st.datetimes(timezones=st.just(UTC)),
    hub_id=st.uuids(),
    installation=st.sampled_from(["demo", "production"]),
    engine=st.sampled_from(["sqlite", "postgresql"]),
    revision=st.text(),
    database=FILES,
    tables=st.dictionaries(st.text(), st.builds(Rows, rows=COUNTS, sha256=DIGESTS), max_size=3),
    audit=st.builds(AuditAt, events=COUNTS, hash=DIGESTS),
    media_list=FILES,
    media_files=COUNTS,
    media_bytes=COUNTS,
    lacking=st.lists(LACKING, max_size=2),
)
ZERO = "0" * 64
PLAIN = write_manifest(
    Manifest(
        carebag="0.1.0",
        made_at=datetime(2026, 11, 27, tzinfo=UTC),
        hub_id=uuid.UUID(int=1),
        installation="demo",
        engine="sqlite",
        revision="0007",
        database=File(bytes_stored=1, sha256=ZERO),
        tables={"visit": Rows(rows=1, sha256=ZERO)},
        audit=AuditAt(events=0, hash=ZERO),
        media_list=File(bytes_stored=0, sha256=ZERO),
        media_files=0,
        media_bytes=0,
    )
)


@given(manifest=MANIFESTS)
def test_read_as_written(manifest: Manifest) -> None:
    assert read_manifest(write_manifest(manifest)) == manifest


@given(at=st.integers(0, len(PLAIN) - 2), bit=st.integers(0, 6))
def test_no_flipped_bit_passes(at: int, bit: int) -> None:
    flipped = PLAIN[:at] + chr(ord(PLAIN[at]) ^ 1 << bit) + PLAIN[at + 1 :]
    with pytest.raises(BadManifest):
        read_manifest(flipped)


@given(end=st.integers(0, len(PLAIN) - 2))
def test_what_is_cut_off_does_not_pass(end: int) -> None:
    with pytest.raises(BadManifest):
        read_manifest(PLAIN[:end])


@given(text=st.text())
def test_anything_else_is_no_manifest(text: str) -> None:
    with pytest.raises(BadManifest):
        read_manifest(text)


def test_a_manifest_of_another_form_is_named_so() -> None:
    body = PLAIN[: PLAIN.rindex(",")].replace("backup-1", "backup-2")
    other = f'{body},\n  "sealed": "{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'
    with pytest.raises(BadManifest, match="another form"):
        read_manifest(other)


@given(digests=st.lists(DIGESTS))
def test_the_list_of_files(digests: list[str]) -> None:
    assert read_media_list(write_media_list(digests)) == digests


@pytest.mark.parametrize(
    "line", ["x", f"{ZERO}  ../../media/00/{'1' * 64}", f"{ZERO}  ../../media/11/{ZERO}", f"{ZERO}  /etc/passwd"]
)
def test_a_line_that_names_something_else(line: str) -> None:
    with pytest.raises(BadManifest):
        read_media_list(line + "\n")


ROWS = st.lists(st.tuples(st.none() | st.integers() | st.text() | st.binary(), st.text()), max_size=6)


@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_does_not_matter_and_all_else_does(rows: list[Row], data: st.DataObject) -> None:
    def tally(those: list[Row]) -> Rows:
        made = Tally()
        assert list(made.through(those)) == those
        return made.result

    assert tally(data.draw(st.permutations(rows))) == tally(rows)
    assert tally([*rows, (None, "x")]) != tally(rows)
    if rows:
        assert tally(rows[1:]) != tally(rows)
        assert tally([*rows[1:], (*rows[0][:1], str(rows[0][1]) + "x")]) != tally(rows)
