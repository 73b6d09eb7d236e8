"""The key of the kit's disk: made once, never replaced, and what it closes opens with nothing else."""

import stat
import sys
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.data_key import (
    DataKey,
    KeyFile,
    Seal,
    key_place,
    load_or_create_data_key,
    put_mark,
)
from carebag_edge.errors import KitError, WrongJournal

KIT = UUID(int=5)
KEY, OTHER = DataKey(bytes(range(32))), DataKey(bytes(32))


class Ring(ModuleType):
    """Stands for the package `keyring`, which is optional: two functions and an error."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.errors = ModuleType("keyring.errors")
        self.errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = self.forgets = False

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise self.errors.KeyringError
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        if not self.forgets:
            self.kept[service, name] = password


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    made = Ring()
    monkeypatch.setitem(sys.modules, "keyring", made)
    monkeypatch.setitem(sys.modules, "keyring.errors", made.errors)
    return made


def test_the_key_stays_the_same_and_is_its_owners_alone(tmp_path: Path) -> None:
    place = key_place("file", tmp_path, KIT)
    first = load_or_create_data_key(tmp_path, place)
    assert load_or_create_data_key(tmp_path, place) == first
    assert len(first.secret) == 32
    assert stat.S_IMODE((tmp_path / "data_key").stat().st_mode) == 0o600
    assert first.secret.hex() not in repr(first)


def test_a_key_that_is_gone_is_never_replaced(tmp_path: Path) -> None:
    place = key_place("file", tmp_path, KIT)
    put_mark(tmp_path, load_or_create_data_key(tmp_path, place))
    (tmp_path / "data_key").unlink()
    with pytest.raises(WrongJournal, match=r"missing.*Put it back.*Nothing was changed"):
        load_or_create_data_key(tmp_path, place)
    assert not (tmp_path / "data_key").exists()


def test_a_damaged_key_is_named_and_left(tmp_path: Path) -> None:
    (tmp_path / "data_key").write_bytes(b"short")
    with pytest.raises(WrongJournal, match="damaged"):
        load_or_create_data_key(tmp_path, key_place("file", tmp_path, KIT))
    assert (tmp_path / "data_key").read_bytes() == b"short"


def test_a_path_may_lie_elsewhere_and_one_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "credentials" / "key"
    with pytest.raises(WrongJournal, match="cannot be kept"):
        load_or_create_data_key(tmp_path, key_place(str(elsewhere), tmp_path, KIT))
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(KEY.secret)
    assert load_or_create_data_key(tmp_path, key_place(str(elsewhere), tmp_path, KIT)) == KEY


def test_a_key_in_the_folder_moves_to_the_keyring(tmp_path: Path, ring: Ring) -> None:
    made = load_or_create_data_key(tmp_path, key_place("file", tmp_path, KIT))
    put_mark(tmp_path, made)
    for _ in range(2):
        assert load_or_create_data_key(tmp_path, key_place("keyring", tmp_path, KIT)) == made
    assert not (tmp_path / "data_key").exists()
    assert list(ring.kept) == [("carebag", f"kit {KIT}")]


def test_a_keyring_that_forgets_costs_no_key(tmp_path: Path, ring: Ring) -> None:
    load_or_create_data_key(tmp_path, key_place("file", tmp_path, KIT))
    ring.forgets = True
    with pytest.raises(WrongJournal, match="cannot be kept"):
        load_or_create_data_key(tmp_path, key_place("keyring", tmp_path, KIT))
    assert (tmp_path / "data_key").exists()


def test_a_locked_keyring_says_what_to_do(tmp_path: Path, ring: Ring) -> None:
    ring.locked = True
    with pytest.raises(WrongJournal, match="unlock it"):
        load_or_create_data_key(tmp_path, key_place("keyring", tmp_path, KIT))


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(WrongJournal, match=r"carebag\[keyring\]"):
        key_place("keyring", tmp_path, KIT)


def test_purposes_and_keys_have_nothing_in_common() -> None:
    derived = [one.derived(purpose) for one in (KEY, OTHER) for purpose in ("journal", "media", "mark")]
    assert len({*derived, KEY.secret, OTHER.secret}) == 8
    assert KEY.mark != OTHER.mark
    # HKDF-SHA256 by hand (hmac); another value means that no folder of today opens any more
    assert KEY.mark == "f13959bc85b9253b"


@given(content=st.binary(max_size=300), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_what_was_closed_opens_whole_or_not_at_all(content: bytes, place: int, bit: int) -> None:
    seal = Seal(KEY)
    closed = seal.close("a", content)
    assert seal.open("a", closed) == content
    damaged = bytearray(closed)
    damaged[place % len(closed)] ^= 1 << bit
    for name, text, opener in (("a", bytes(damaged), seal), ("b", closed, seal), ("a", closed, Seal(OTHER))):
        with pytest.raises(KitError):
            opener.open(name, text)


@given(st.binary(max_size=40))
def test_any_bytes_are_refused(closed: bytes) -> None:
    with pytest.raises(KitError):
        Seal(KEY).open("a", closed)


@given(content=st.binary(min_size=1, max_size=200), first=st.integers(0, 200), size=st.integers(0, 200))
def test_a_stream_opens_from_any_place(content: bytes, first: int, size: int) -> None:
    stream = Seal(KEY).stream(b"salt")
    closed = stream.at(0, content)
    assert stream.at(first, closed[first : first + size]) == content[first : first + size]
    assert Seal(KEY).stream(b"another").at(0, closed) != content or len(content) < 4


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongJournal, match="cannot be read"):
        KeyFile(tmp_path).read()
