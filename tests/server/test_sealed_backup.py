"""The drill of encrypted backups: the hub makes them, the key opens them elsewhere, and nothing else does."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.server.test_backup import (  # noqa: F401 (fixtures)
    FILES,
    empty_postgres_url,
    fill,
    opens_again,
    rows_of,
    target_url,
)

from carebag.backup.folder import BackupFault, BackupFolder, find_backup
from carebag.backup.making import make_backup
from carebag.backup.restoring import check, restore
from carebag.backup.sealed_folder import POOL_FOLDER, SealedFolder, opened_backup
from carebag.backup.sealing import BackupKey, make_key
from carebag.cli import main
from carebag_server.audit import verify_database
from carebag_server.media import MediaFolder


@pytest.fixture
def key() -> BackupKey:
    return make_key()


@pytest.fixture
def sealed_to(tmp_path: Path, key: BackupKey) -> SealedFolder:
    return SealedFolder(tmp_path / "sealed", key.address)


def back_up(hub: Any, to: BackupFolder, **options: Any) -> Any:
    return make_backup(hub.url, MediaFolder(hub.settings.media_folder), to, hub.clock(), **options)


def everything(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_the_drill(
    hub: Any,
    sealed_to: SealedFolder,
    key: BackupKey,
    target_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    """From either engine to either engine; every file of it is unreadable, and the second copies no file again."""
    hub.sign_in("doctor")
    visit = fill(hub)
    first = back_up(hub, sealed_to)
    assert (first.manifest.lacking, first.copied) == ([], 3)
    hub.kit.store("reading", visit)
    assert back_up(hub, sealed_to).copied == 0
    written = everything(sealed_to.path)
    names = " ".join(str(file) for file in sealed_to.path.rglob("*"))
    for sha256, content in FILES.items():
        assert content not in written
        assert sha256.encode() not in written
        assert sha256 not in names
    assert b"SQLite format" not in written
    assert visit["patient"]["name"].encode() not in written
    assert list(Path(hub.settings.media_folder).glob(".backup-*")) == []
    with opened_backup(sealed_to.path, key, tmp_path) as backup:
        assert check(backup) == []
        done = restore(backup, target_url, MediaFolder(tmp_path / "new" / "media"), hub.clock())
    assert list(tmp_path.glob("carebag-restore-*")) == []
    assert rows_of(target_url)[0] == rows_of(hub.url)[0]
    audit = backup.manifest.audit
    assert verify_database(target_url, (audit.events, audit.hash)).intact
    assert done.audit.intact
    opens_again(hub, target_url, tmp_path / "new" / "media", visit)


def refused(path: Path, key: BackupKey) -> str:
    with pytest.raises(BackupFault) as fault, opened_backup(path, key) as backup:
        check(backup)
    return str(fault.value)


def test_another_key_is_said_and_so_is_none(hub: Any, sealed_to: SealedFolder, key: BackupKey) -> None:
    back_up(hub, sealed_to)
    other = make_key()
    said = refused(sealed_to.path, other)
    assert key.address.mark in said
    assert other.address.mark in said
    with pytest.raises(BackupFault, match="--key"):
        find_backup(sealed_to.path)
    # who changes what it says of itself gains nothing
    about = next(sealed_to.backups.glob("*/about.json"))
    about.write_text(about.read_text().replace(key.address.mark, other.address.mark))
    assert "another key" in refused(sealed_to.path, other)


def test_open_and_encrypted_backups_and_those_of_other_keys_do_not_mix(
    hub: Any, sealed_to: SealedFolder, key: BackupKey, tmp_path: Path
) -> None:
    back_up(hub, sealed_to)
    with pytest.raises(BackupFault, match="encrypted"):
        back_up(hub, BackupFolder(sealed_to.path))
    with pytest.raises(BackupFault, match="another key"):
        back_up(hub, SealedFolder(sealed_to.path, make_key().address))
    clear = BackupFolder(tmp_path / "clear")
    back_up(hub, clear)
    with pytest.raises(BackupFault, match="not encrypted"):
        back_up(hub, SealedFolder(clear.path, key.address))
    assert "leave out --key" in refused(clear.path, key)
    with pytest.raises(BackupFault, match="cannot be read here"):
        back_up(hub, sealed_to, recheck=True)


def test_parts_and_files_in_each_others_places_are_found(hub: Any, sealed_to: SealedFolder, key: BackupKey) -> None:
    visit = fill(hub)
    older = back_up(hub, sealed_to).path
    hub.clock.forward(minutes=1)
    hub.kit.store("reading", visit)
    newer = back_up(hub, sealed_to).path
    one, two, *_ = sorted((sealed_to.path / POOL_FOLDER).glob("??/*"))
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    with opened_backup(newer, key) as backup:
        assert len(check(backup)) == 1
    one.write_bytes(kept)
    for name in ("hub.sqlite.sealed", "media.sha256.sealed", "manifest.json.sealed"):
        whole = (newer / name).read_bytes()
        (newer / name).write_bytes(whole[:-1])
        assert "cannot be used" in refused(newer, key)
        (newer / name).write_bytes(whole)
    for name in ("manifest.json.sealed", "hub.sqlite.sealed"):
        whole = (newer / name).read_bytes()
        shutil.copy(older / name, newer / name)  # an older one: true, and of another backup
        said = refused(newer, key)
        assert "was changed" in said or "copy of its database is damaged" in said
        (newer / name).write_bytes(whole)
    with opened_backup(newer, key) as backup:
        assert check(backup) == []


def test_by_command(
    hub: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(hub)
    secret, to = tmp_path / "key", tmp_path / "to"
    stores = ["--database", hub.url, "--media", str(hub.settings.media_folder)]
    assert main(["backup-key", str(secret)]) == 0
    assert secret.stat().st_mode & 0o077 == 0
    address = capsys.readouterr().out.strip()
    assert main(["backup-key", str(secret)]) == 2  # never written over
    assert main(["backup", "--to", str(to), *stores, "--encrypt-to", str(secret)]) == 2
    assert "secret key" in capsys.readouterr().err
    assert main(["backup", "--to", str(to), *stores, "--encrypt-to", address]) == 0
    capsys.readouterr()
    assert main(["restore", str(to), "--check"]) == 2
    assert "--key" in capsys.readouterr().err
    assert main(["restore", str(to), "--check", "--key", str(secret)]) == 0
    (tmp_path / "there").mkdir()
    place = ["--database", f"sqlite:///{tmp_path}/there/hub.sqlite", "--media", str(tmp_path / "there" / "media")]
    assert main(["restore", str(to), "--key", str(secret), *place]) == 0
    about = json.loads(next(to.glob("backups/*/about.json")).read_text())
    assert set(about) == {"format", "made_at", "hub_id", "key"}
