"""CRP analysers that speak LIS2-A2 in LIS01-A2 frames over a serial port on GATT (Nordic UART or alike)."""

import asyncio
import contextlib

from carebag_devices.catalog import Model
from carebag_devices.drivers.lab_chart import LabChart
from carebag_devices.drivers.lis2_link import Lis2Link
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceError
from carebag_devices.link import Link


class CrpDriver:
    """Answers every frame, in order, by write with response; a cassette in reading is `measuring`."""

    def __init__(self, link: Link, report: Reporter, model: Model) -> None:
        self._link, self._uart = link, model.uart
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self._lis2 = Lis2Link(report, LabChart(report, model), self._answers.put_nowait)

    @property
    def busy(self) -> bool:
        return self._lis2.busy

    async def subscribe(self) -> None:
        self._writer = asyncio.create_task(self._write_answers())
        await self._link.subscribe(self._uart.tx, self.on_bytes)

    def ready(self) -> None:
        self._lis2.ready()

    async def synchronise(self) -> bool:
        """Nothing is asked for: what it has, it sends by itself."""
        return True

    def close(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        self._lis2.close()

    def on_bytes(self, data: bytes) -> None:
        """TX: any piece of the stream."""
        self._lis2.feed(data)

    async def _write_answers(self) -> None:
        while True:
            answer = await self._answers.get()
            # a link that broke shows itself by `lost`; the analyser begins anew
            with contextlib.suppress(DeviceError):
                await self._link.write(self._uart.rx, answer)
