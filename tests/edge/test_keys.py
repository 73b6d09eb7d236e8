import base64
import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from carebag_edge.errors import WrongJournal
from carebag_edge.keys import load_or_create

KIT = UUID("01920000-0000-7000-8000-00000000abcd")


def test_the_key_stays_the_same_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "kit", KIT, 0)
    again = load_or_create(tmp_path / "kit", None, 0)
    assert (again.kit_id, again.public) == (KIT, first.public)
    assert stat.S_IMODE((tmp_path / "kit" / "kit_key").stat().st_mode) == 0o600


def test_signatures_verify_with_the_printed_public_key(tmp_path: Path) -> None:
    key = load_or_create(tmp_path, None, 1_700_000_000_000)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public))
    public.verify(base64.b64decode(key.sign(b"record")), b"record")
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(key.sign(b"record")), b"another")


def test_the_folder_of_another_kit_is_refused(tmp_path: Path) -> None:
    load_or_create(tmp_path, KIT, 0)
    with pytest.raises(WrongJournal):
        load_or_create(tmp_path, UUID(int=7), 0)


@pytest.mark.parametrize(("name", "content"), [("kit_key", b"short"), ("kit_id", b"no id \xff")])
def test_damaged_files_are_refused_and_not_replaced(tmp_path: Path, name: str, content: bytes) -> None:
    load_or_create(tmp_path, KIT, 0)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongJournal):
        load_or_create(tmp_path, None, 0)
    assert (tmp_path / name).read_bytes() == content
