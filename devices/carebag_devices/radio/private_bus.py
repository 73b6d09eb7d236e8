"""A D-Bus of our own: one dbus-daemon on a socket that only this user reaches."""

import asyncio
import contextlib
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Self

from carebag_devices.errors import RadioMissing

log = logging.getLogger(__name__)

START_S = 10.0
"""A dbus-daemon answers within milliseconds; this only bounds a broken one."""

CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """`async with PrivateBus() as bus`: `bus.address` is what `DBUS_SYSTEM_BUS_ADDRESS` wants."""

    def __init__(self) -> None:
        self.address = ""
        self._folder: Path | None = None
        self._daemon: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Raises `RadioMissing` when there is no dbus-daemon, or it does not start."""
        program = shutil.which("dbus-daemon")
        if program is None:
            raise RadioMissing("no_dbus_daemon")
        self._folder = Path(tempfile.mkdtemp(prefix="carebag-bus-"))  # 0700: nobody else reaches the socket
        try:
            await self._start(program, self._folder)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start(self, program: str, folder: Path) -> None:
        configuration = folder / "bus.conf"
        configuration.write_text(CONFIGURATION.format(socket=folder / "socket"), encoding="utf-8")
        complaints = folder / "complaints"  # it grumbles about limits in containers; told only when it fails
        with complaints.open("wb") as stderr:
            self._daemon = await asyncio.create_subprocess_exec(
                program,
                "--nofork",
                "--nopidfile",
                "--print-address=1",
                f"--config-file={configuration}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
            )
        assert self._daemon.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                self.address = (await self._daemon.stdout.readline()).decode().strip()
        except TimeoutError:
            raise RadioMissing("dbus_daemon_silent") from None
        if not self.address:
            log.error("dbus-daemon ended: %s", complaints.read_text(encoding="utf-8", errors="replace").strip())
            raise RadioMissing("dbus_daemon_ended")

    async def stop(self) -> None:
        """End the daemon and remove its folder; may be called twice."""
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            with contextlib.suppress(ProcessLookupError):
                daemon.terminate()
            # Reads to the end of its output: only then is the pipe closed, too.
            await daemon.communicate()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self.address = ""
