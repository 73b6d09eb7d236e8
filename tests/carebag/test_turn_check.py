"""`carebag turn-check` against a real coturn: what answers, what does not and why, and no secret on the screen."""

import shutil
from pathlib import Path

import pytest

from carebag import coturn
from carebag.cli import main

SECRET = "c2a1f09e8b7d6a5f4e3d2c1b0a998877"
pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None, reason="no turnserver: apt-get install coturn")


def test_each_address_is_tried_with_the_hubs_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        with coturn.running(tmp_path, SECRET) as server:
            monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
            monkeypatch.setenv("CAREBAG_TURN_SECRET", SECRET)
            assert main(["turn-check", "--turn", f"{server.udp},{server.tcp},{server.tls}"]) == 0
            assert capsys.readouterr().out.count("ok    turn") == 3
            monkeypatch.setenv("CAREBAG_TURN_SECRET", SECRET[::-1])
            monkeypatch.delenv("SSL_CERT_FILE")
            assert main(["turn-check", "--turn", f"{server.udp},{server.tls}"]) == 1
            out = capsys.readouterr().out
    except coturn.NoCoturn as missing:
        pytest.skip(str(missing))
    assert "turn_refused: login refused" in out
    assert "turn_certificate: certificate not trusted" in out
    assert SECRET not in out
    assert SECRET[::-1] not in out


def test_without_a_server_it_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREBAG_TURN", raising=False)
    with pytest.raises(SystemExit, match="give --turn or CAREBAG_TURN"):
        main(["turn-check"])
    with pytest.raises(SystemExit, match="turn_without_secret"):
        main(["turn-check", "--turn", "turn:t.example"])
