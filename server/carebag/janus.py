"""A Janus of one's own for a while: for tests and benchmarks, and to try an SFU on one machine."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aioice.ice import get_host_addresses

from carebag.tied_children import tied

START_S = 20.0
_PLUGIN = "libjanus_videoroom.so"


class NoJanus(Exception):
    """There is no Janus here, or no address but loopback; says what to do."""


@dataclass
class Janus:
    """A Janus that can be killed and started again; its API is on loopback only."""

    folder: Path
    address: str
    port: int
    secret: str
    program: str
    libraries: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def setting(self) -> str:
        """What `carebag hub --sfu` takes."""
        return f"janus:{self.url}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self) -> None:
        """Returns when its API listens.

        Raises:
            NoJanus: it does not start.
        """
        with self.log.open("ab") as log:
            command = [self.program, "-F", str(self.folder), "-C", str(self.folder / "janus.jcfg")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, preexec_fn=tied())  # noqa: S603
        until = time.monotonic() + START_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                raise NoJanus("janus does not start:\n" + self.log.read_text("utf-8", "replace")[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """At once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running(folder: Path, secret: str, address: str | None = None) -> Iterator[Janus]:
    """Start Janus with its VideoRoom and nothing else; it is gone afterwards.

    Args:
        address: at which media reaches it; without, an address of this machine that is not loopback.

    Raises:
        NoJanus: it is not installed, or does not start.
    """
    program = shutil.which("janus")
    libraries = next((found.parents[1] for found in Path("/usr/lib").glob(f"**/janus/plugins/{_PLUGIN}")), None)
    if program is None or libraries is None:
        raise NoJanus("no janus: apt-get install janus")
    folder.mkdir(parents=True, exist_ok=True)
    janus = Janus(folder, address or _own_address(), _free_port(), secret, program, libraries)
    _write_config(janus)
    try:
        janus.start()
        yield janus
    finally:
        janus.kill()


def _own_address() -> str:
    found = get_host_addresses(use_ipv4=True, use_ipv6=False)
    if not found:
        raise NoJanus("no address but loopback: media needs a real one")
    return found[0]


def _write_config(janus: Janus) -> None:
    """No STUN, no admin API, no plugin but VideoRoom: nothing of /etc is read."""
    main = f"""
general: {{
  configs_folder = "{janus.folder}"
  plugins_folder = "{janus.libraries / "plugins"}"
  transports_folder = "{janus.libraries / "transports"}"
  events_folder = "{janus.folder}"
  loggers_folder = "{janus.folder}"
  api_secret = "{janus.secret}"
  debug_level = 3
  log_to_stdout = true
}}
media: {{ ipv6 = false }}
nat: {{ ice_enforce_list = "{janus.address}"  full_trickle = false }}
plugins: {{ disable = "{_others(janus.libraries / "plugins", _PLUGIN)}" }}
transports: {{ disable = "{_others(janus.libraries / "transports", "libjanus_websockets.so")}" }}
events: {{ broadcast = false }}
"""
    socket_config = f"""
general: {{ json = "compact"  ws = true  ws_port = {janus.port}  ws_ip = "127.0.0.1"  wss = false }}
admin: {{ admin_ws = false  admin_wss = false }}
"""
    private = os.open(janus.folder / "janus.jcfg", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(private, "w", encoding="utf-8") as file:
        file.write(main)
    (janus.folder / "janus.transport.websockets.jcfg").write_text(socket_config, encoding="utf-8")
    (janus.folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n", encoding="utf-8")


def _others(folder: Path, wanted: str) -> str:
    return ",".join(sorted(found.name for found in folder.glob("*.so") if found.name != wanted))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
