"""What an operator may say of the SFU."""

import argparse
from pathlib import Path

import pytest

from carebag_server.settings import Settings, UnsafeSettings, settings_from
from carebag_server.sfu.janus import JanusSfu
from carebag_server.sfu.settings import SfuSettings

SECRET = "c2a1f09e8b7d6a5f4e3d2c1b0a998877"
HERE = "janus:ws://127.0.0.1:8188"


def test_without_a_place_there_is_none() -> None:
    assert SfuSettings().fault(demo=False) is None
    assert SfuSettings().make() is None


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (HERE, None),
        ("janus:ws://[::1]:8188", None),
        ("janus:wss://sfu.example.se/janus", None),
        ("janus:ws://sfu.example.se:8188", "sfu_without_tls"),
        ("ws://127.0.0.1:8188", "bad_sfu_url"),
        ("livekit:ws://127.0.0.1:8188", "bad_sfu_url"),
        ("janus:http://127.0.0.1:8088/janus", "bad_sfu_url"),
        ("janus:ws://me:secret@127.0.0.1:8188", "bad_sfu_url"),
        ("janus:ws://127.0.0.1:99999", "bad_sfu_url"),
        ("janus:ws://[::1", "bad_sfu_url"),
        ("janus:", "bad_sfu_url"),
    ],
)
def test_places(place: str, fault: str | None) -> None:
    assert SfuSettings(place=place, secret=SECRET).fault(demo=False) == fault


def test_secrets(tmp_path: Path) -> None:
    assert SfuSettings(place=HERE).fault(demo=True) == "sfu_without_secret"
    assert SfuSettings(place=HERE, secret="short").fault(demo=False) == "weak_sfu_secret"
    assert SfuSettings(place=HERE, secret="short").fault(demo=True) is None
    with pytest.raises(UnsafeSettings, match="sfu_without_secret"):
        Settings(sfu=SfuSettings(place=HERE)).check()
    assert SECRET not in repr(SfuSettings(place=HERE, secret=SECRET))


def test_from_the_command_line_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    said = settings_from(argparse.Namespace(sfu=HERE), {"CAREBAG_SFU_SECRET_FILE": str(file)}).sfu
    assert said == SfuSettings(place=HERE, secret=SECRET)
    assert isinstance(said.make(), JanusSfu)
    assert settings_from(argparse.Namespace(), {"CAREBAG_SFU": HERE, "CAREBAG_SFU_SECRET": SECRET}).sfu == said
    with pytest.raises(UnsafeSettings, match="no_sfu_secret_file"):
        settings_from(argparse.Namespace(), {"CAREBAG_SFU_SECRET_FILE": str(tmp_path / "none")})
