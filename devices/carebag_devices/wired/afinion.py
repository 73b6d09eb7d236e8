"""Afinion on a wire: its memory is read once for each connection, then asked every few seconds for what is new.

It does not say when a run begins, nor what its clock shows. So a record is `live` only if it was not in the memory when
the connection was made, and its time lies in this connection; everything else is `stored`.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from carebag_devices.catalog import SIMULATOR_MAKER, Model
from carebag_devices.codecs.afinion import ANSWER_WITHIN_S, RECORDS, Host, Outcome, Record
from carebag_devices.drivers.lab_chart import LabChart, LabResult
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceSilent, Malformed
from carebag_devices.events import DeviceState
from carebag_devices.wired.stream import Stream

POLL_S = 10.0
FROM_THE_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(hours=25)
"""Each question goes back so far before the newest record: a clock that was set back hides nothing."""
TOLD_S = 24 * 3600.0
"""Older than this when the connection is made: read, and not told. It belongs to other days and other patients."""


class AfinionSession:
    """`Session` for `afinion_wired`."""

    busy = False

    def __init__(self, report: Reporter, model: Model) -> None:
        self._report, self._model = report, model

    async def serve(self, stream: Stream) -> None:
        await _Reading(self._report, self._model, stream).run()

    def close(self) -> None:
        """Nothing outlives a connection."""


class _Reading:
    def __init__(self, report: Reporter, model: Model, stream: Stream) -> None:
        self._report, self._stream = report, stream
        self._chart = LabChart(report, model)
        self._host = Host(self._keep_page)
        self._known: set[bytes] = set()
        self._page: list[Record] = []
        self._read_once = False

    async def run(self) -> None:
        newest = await self._read_from(FROM_THE_BEGINNING)
        while True:
            self._report.enter(DeviceState.READY)
            await self._idle(POLL_S)
            newest = await self._read_from(newest - OVERLAP) or newest

    async def _read_from(self, since: datetime) -> datetime:
        """All pages from then on; the time of the last record, else `since`."""
        complete = False
        while not complete:
            outcome = await self._ask(since)
            if not self._read_once:
                self._report.enter(DeviceState.SYNCING, "enquiring")
            if outcome in (Outcome.NOT_KEPT, Outcome.REFUSED):
                return since
            page = self._page if outcome is Outcome.ANSWERED else []
            after = _after(page[-1]) if page else since
            # a page that leads nowhere would be asked for ever
            complete = len(page) < RECORDS or after <= since
            since = max(after, since)
        self._read_once = True
        return since

    async def _ask(self, since: datetime) -> Outcome:
        """One question to its end. Raises `DeviceSilent` after three without answer, `DeviceLost`."""
        await self._stream.write(self._host.ask(max(since, FROM_THE_BEGINNING)))
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    happened = self._host.feed(await self._stream.read())
            except TimeoutError:
                happened = self._host.timeout()
            outcome = await self._do(happened)
            if outcome is Outcome.SILENT:
                raise DeviceSilent()
            if outcome is not None:
                return outcome

    async def _idle(self, seconds: float) -> None:
        """Answer what it says on its own for a while."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._do(self._host.feed(await self._stream.read()))
        except TimeoutError:
            return

    async def _do(self, happened: list[bytes | Outcome]) -> Outcome | None:
        await self._stream.write(b"".join(one for one in happened if isinstance(one, bytes)))
        return next((one for one in happened if isinstance(one, Outcome)), None)

    def _keep_page(self, records: list[bytes]) -> bool:
        """Before they are acknowledged: whether the kit has all of them now."""
        self._page = []
        kept = [self._keep_record(raw) for raw in records if any(raw)]
        return all(kept)

    def _keep_record(self, raw: bytes) -> bool:
        try:
            record = Record.parse(raw)
        except Malformed as error:
            return raw in self._known or self._noted(raw, self._chart.keep_unreadable(raw, error.reason, live=False))
        if not record.assays:
            return True
        self._page.append(record)
        if raw in self._known:
            return True
        if not self._read_once and self._chart.age_s(record.completed) > TOLD_S:
            return self._noted(raw, True)
        if record.lot == SIMULATOR_MAKER:
            self._chart.meet(maker=SIMULATOR_MAKER)
        return self._noted(raw, self._chart.keep_all(self._results(record, raw)))

    def _noted(self, raw: bytes, kept: bool) -> bool:
        if kept:
            self._known.add(raw)
        return kept

    def _results(self, record: Record, raw: bytes) -> list[LabResult]:
        live = self._read_once and self._chart.on_this_connection(record.completed)
        return [
            LabResult(
                sample=f"{record.run}/{record.identity}",
                code=assay.code,
                value=assay.printed,
                unit=assay.unit,
                raw=raw,
                completed=record.completed,
                proved_live=live,
                resent=not live,
            )
            for assay in record.assays
        ]


def _after(record: Record) -> datetime:
    return datetime.fromisoformat(record.completed) + timedelta(seconds=1)
