"""A bus of our own, and plain words where there can be none."""

import shutil
import stat
import sys
from pathlib import Path

import pytest

from carebag_devices.errors import RadioMissing
from carebag_devices.radio import private_bus
from carebag_devices.radio.private_bus import PrivateBus
from carebag_devices.radio.simulated_radio import SimulatedRadio, best_mode

needs_bus = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("dbus-daemon"), reason="no dbus-daemon on this machine"
)


def mode(path: Path) -> int:
    return path.stat().st_mode


@pytest.mark.radio
@needs_bus
async def test_the_socket_is_ours_alone_and_goes_away() -> None:
    async with PrivateBus() as bus:
        socket = Path(bus.address.removeprefix("unix:path=").split(",")[0])
        assert stat.S_ISSOCK(mode(socket))
        assert stat.S_IMODE(mode(socket.parent)) == 0o700
    with pytest.raises(FileNotFoundError):
        mode(socket.parent)


async def test_without_dbus_daemon_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_bus.shutil, "which", lambda _name: None)
    assert best_mode() == "in_process"
    with pytest.raises(RadioMissing) as missing:
        await PrivateBus().__aenter__()
    assert missing.value.reason == "no_dbus_daemon"


@pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/false")
async def test_a_daemon_that_ends_at_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(private_bus.shutil, "which", lambda _name: "/bin/false")
    with pytest.raises(RadioMissing) as missing:
        async with SimulatedRadio("dbus"):
            pass
    assert missing.value.reason == "dbus_daemon_ended"
    assert "dbus-daemon ended" in caplog.text
