"""Meters whose memory is read by the Record Access Control Point: only what the kit does not have yet.

    newest record ──its number──▶ the same as before: nothing to fetch
                                  higher: everything from the one after the last
                                  lower, or never read: everything

The newest comes first, because it is what people wait for; a counter that fell back was cleared or has wrapped. Records
that come twice are one by number, time and content. How far the memory was read is noted only when all of it has come:
a link that breaks in between costs time, never a record.
"""

import asyncio
import contextlib
from typing import Any

from carebag_devices.codecs import racp
from carebag_devices.codecs.racp import Count, Opcode, Operator, Request, Response, ResponseCode, SequenceNumber
from carebag_devices.drivers.meter import MeterDriver
from carebag_devices.errors import DeviceLost, DeviceRefused, DeviceSilent, Malformed
from carebag_devices.events import DeviceState
from carebag_devices.meaning import Meaning

CONTROL_POINT = "2A52"
SILENCE_S = 10.0
"""Without a record or an answer for so long the transfer is given up; the next connection asks again."""


class RecordedMeterDriver(MeterDriver):
    """Without a control point it is a plain `MeterDriver`."""

    _answer: asyncio.Future[Count | Response] | None = None
    _expected = 0
    _fetched = 0
    _newest: int | None = None

    @property
    def has_memory(self) -> bool:
        return self._model.memory == "racp" and self._link.has(CONTROL_POINT)

    async def subscribe(self) -> None:
        await super().subscribe()
        if self.has_memory:
            await self._link.subscribe(CONTROL_POINT, self.on_control_point)

    async def synchronise(self) -> bool:
        if not self.has_memory:
            return await super().synchronise()
        self._synchronising = True
        try:
            self._report.enter(DeviceState.SYNCING)
            return await self._fetch() and not self.refused
        finally:
            self._synchronising = False
            self.settled()

    def settled(self) -> None:
        """The transfer is over, however it ended."""
        self._last_at = self._monotonic()
        if not self._link.lost.is_set() and not self.busy:
            self._report.enter(DeviceState.READY)

    def take(self, meant: Meaning, raw: bytes) -> None:
        super().take(meant, raw)
        if self._synchronising and self._newest is None:
            self._newest = meant.sequence
        if self._synchronising and self._expected:
            self._fetched += 1
            self._report.enter(DeviceState.SYNCING, "", min(1.0, self._fetched / self._expected))

    def on_control_point(self, raw: bytes) -> None:
        """0x2A52: the answer to the one request under way."""
        try:
            said = racp.parse(raw)
        except Malformed:
            return
        if isinstance(said, Count | Response) and self._answer is not None and not self._answer.done():
            self._answer.set_result(said)

    async def _fetch(self) -> bool:
        before, self._newest = self._report.last_sequence, None
        if not await self._ask(Request(Opcode.REPORT, Operator.LAST)):
            return True
        newest = self._newest
        if newest is None or newest != before:
            await self._fetch_rest(before, newest)
        if not self.refused:
            self._report.last_sequence = newest
            self._report.remember(last_sequence=newest)
        return True

    async def _fetch_rest(self, before: int | None, newest: int | None) -> None:
        rest = Request(Opcode.REPORT)
        if newest is not None and before is not None and newest > before:
            rest = Request(Opcode.REPORT, Operator.AT_LEAST, (SequenceNumber(before + 1),))
        self._expected, self._fetched = await self._count(rest), 0
        await self._ask(rest)

    async def _count(self, like: Request) -> int:
        """How many records there are, for the progress; 0 where the device does not count."""
        with contextlib.suppress(DeviceRefused):
            answer = await self._request(Request(Opcode.COUNT, like.operator, like.bounds))
            return answer.records if isinstance(answer, Count) else 0
        return 0

    async def _ask(self, request: Request) -> bool:
        """Records come meanwhile as results. False where there are none. Raises `DeviceError`."""
        answer = await self._request(request)
        return not (isinstance(answer, Response) and answer.code == ResponseCode.NO_RECORDS)

    async def _request(self, request: Request) -> Count | Response:
        self._answer = self._loop.create_future()
        try:
            await self._link.write(CONTROL_POINT, bytes(request))
            answer = await self._patiently(self._answer)
        finally:
            self._answer = None
        if isinstance(answer, Response) and not answer.done:
            raise DeviceRefused(f"racp_{answer.word}")
        return answer

    async def _patiently(self, answer: "asyncio.Future[Count | Response]") -> Count | Response:
        """Every record is a sign of life."""
        lost = asyncio.ensure_future(self._link.lost.wait())
        came = asyncio.ensure_future(self._came.wait())
        try:
            while True:
                came.cancel()
                self._came.clear()
                came = asyncio.ensure_future(self._came.wait())
                ends: set[asyncio.Future[Any]] = {answer, lost, came}
                done, _ = await asyncio.wait(ends, timeout=SILENCE_S, return_when=asyncio.FIRST_COMPLETED)
                if answer in done:
                    return answer.result()
                if lost in done:
                    raise DeviceLost("link_broken")
                if not done:
                    await self._abort()
                    raise DeviceSilent("racp_silent")
        finally:
            lost.cancel()
            came.cancel()

    async def _abort(self) -> None:
        with contextlib.suppress(DeviceRefused, DeviceSilent, DeviceLost):
            await self._link.write(CONTROL_POINT, bytes(racp.ABORT))
