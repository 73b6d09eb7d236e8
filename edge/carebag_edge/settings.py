"""What somebody who runs a kit decides; everything else follows from it."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from carebag_edge.page_lock import IDLE_S


def is_plain(hub_url: str) -> bool:
    """Whether what goes to this hub could be read on the way: anything but `https`, beyond this machine."""
    try:
        parts = urlsplit(hub_url)
        host = parts.hostname or ""
    except ValueError:
        return True
    try:
        near = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    return parts.scheme != "https" and not near


@dataclass(frozen=True)
class KitSettings:
    """Settings of one kit.

    Args:
        data: folder of the journal, the key, the media; belongs to this kit alone.
        hub_url: `http://…` or `https://…`, without a path.
        page_origin: how the nurse's browser reaches the kit's page, as the browser sends it in `Origin`.
        kit_id: the id under which the hub knows the kit; None: the one in the data folder, made at first start.
        simulator_url: control address of the simulated instruments; used only when `simulated`.
        data_key: where the key of the disk is: `file` (in `data`), `keyring`, or a path.
        reserve_bytes: of the disk, kept for values: about 3 kB each, with their share of the journal's log.
        news2: whether NEWS2 is worked out here.
        lock_after_s: without a touch the nurse's page locks itself, 60 to 900.
        pin_required: whether the nurse chooses a PIN before her page shows anything: wherever patients are real.
        telephone: of the nurse or the bag, for the doctor to call when nothing else works.
    """

    data: Path
    hub_url: str = "http://127.0.0.1:8470"
    host: str = "127.0.0.1"
    port: int = 8471
    page_origin: str = "http://localhost:8471"
    kit_id: UUID | None = None
    kit_name: str = "Carebag"
    simulated: bool = False
    simulator_url: str | None = None
    telephone: str = ""
    data_key: str = "file"
    reserve_bytes: int = 32 * 2**20
    news2: bool = True
    lock_after_s: int = IDLE_S
    pin_required: bool = False

    @property
    def journal(self) -> Path:
        return self.data / "journal.sqlite"

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def recordings(self) -> Path:
        """Sounds being recorded; they move to `media` when they are complete."""
        return self.data / "recordings"

    def origins(self, port: int) -> frozenset[str]:
        """Origins whose pages may act here; `port` is the one really listened on."""
        return frozenset({self.page_origin.rstrip("/"), f"http://localhost:{port}", f"http://127.0.0.1:{port}"})
