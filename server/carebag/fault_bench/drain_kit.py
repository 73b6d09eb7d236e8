"""A kit's process without instruments: `python -m carebag.fault_bench.drain_kit DATA HUB_URL`."""

import asyncio
import sys
from pathlib import Path

from carebag_devices.bag import Instruments
from carebag_devices.events import Kind, UdiSaid
from carebag_devices.pairing_desk import WINDOW_S
from carebag_edge.kit import run_kit
from carebag_edge.settings import KitSettings


class NoInstruments(Instruments):
    """A bag that nobody switched on."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def listen(self, stream: int, rate_hz: int = 4000) -> None: ...

    async def stop_listening(self) -> None: ...

    def start_pairing(self, kind: Kind, window_s: float = WINDOW_S) -> None: ...

    def choose(self, device_id: str) -> None: ...

    def give_passkey(self, number: int) -> None: ...

    def stop_pairing(self) -> None: ...

    def retry(self, device_id: str) -> None: ...

    def forget(self, device_id: str) -> None: ...

    def note_label(self, device_id: str, udi: UdiSaid | None) -> bool:
        return False


if __name__ == "__main__":
    asyncio.run(run_kit(KitSettings(data=Path(sys.argv[1]), hub_url=sys.argv[2]), lambda sink: NoInstruments()))
