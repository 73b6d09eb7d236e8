"""POCT1-A2 over a wire: the analyser says who it is, gives what waits in its memory, then tells results as they come.

What was asked for from its memory is `stored`. What comes on its own is `live` only if its time lies well within this
connection and its clock is right.
"""

import asyncio
import logging
from datetime import UTC, datetime

from carebag_devices.catalog import Model
from carebag_devices.codecs.poct1a import Analyte, Hello, Message, Observations, Service
from carebag_devices.codecs.poct1a_host import Broken, Ended, Fetching, Happened, Host, Met, Settled, Silent
from carebag_devices.drivers.lab_chart import LabChart, LabResult
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceLost, DeviceSilent
from carebag_devices.events import DeviceState
from carebag_devices.wired.stream import Stream

log = logging.getLogger(__name__)


class Poct1aSession:
    """`Session` for `poct1a_wired`."""

    def __init__(self, report: Reporter, model: Model) -> None:
        self._report, self._model = report, model
        self._talk: _Talk | None = None
        self._unreadable: set[bytes] = set()

    @property
    def busy(self) -> bool:
        """It is giving away its memory."""
        return self._talk is not None and self._talk.fetching

    async def serve(self, stream: Stream) -> None:
        self._talk = _Talk(self._report, LabChart(self._report, self._model), self._unreadable)
        await self._talk.run(stream)

    def close(self) -> None:
        self._talk = None


class _Talk:
    """One connection. `unreadable`: what was told already, on whatever connection."""

    def __init__(self, report: Reporter, chart: LabChart, unreadable: set[bytes]) -> None:
        self.fetching = False
        self._report, self._chart, self._unreadable = report, chart, unreadable
        self._host = Host(self._keep, _now)
        self._detail = ""

    async def run(self, stream: Stream) -> None:
        """Until the farewell. Raises `DeviceLost`, `DeviceSilent`."""
        while True:
            try:
                async with asyncio.timeout(self._host.silence_s):
                    data = await stream.read()
                happened = self._host.feed(data)
            except TimeoutError:
                happened = self._host.timeout()
            await stream.write(b"".join(one for one in happened if isinstance(one, bytes)))
            ends = [self._ends(one) for one in happened]
            if any(ends):
                return

    def _ends(self, happened: Happened) -> bool:
        match happened:
            case Met():
                self._meet(happened.hello)
                self._report.enter(DeviceState.READY)
            case Fetching():
                self.fetching = True
                self._report.enter(DeviceState.SYNCING, "enquiring")
            case Settled():
                self.fetching = False
                self._report.enter(DeviceState.READY, self._detail)
            case Broken():
                self._tell_unreadable(happened)
                raise DeviceLost("link_broken")
            case Silent():
                raise DeviceSilent()
        return isinstance(happened, Ended)

    def _meet(self, hello: Hello) -> None:
        self._chart.meet(
            name=hello.name or hello.model or hello.vendor,
            serial=hello.serial or hello.device,
            firmware=hello.software,
            maker=hello.maker,
        )

    def _tell_unreadable(self, broken: Broken) -> None:
        """Once, or it would be told at each attempt that follows. Only what is about results concerns a nurse."""
        log.warning("a document was refused: %s", broken.reason)
        # the header is new each time
        results = broken.raw[broken.raw.find(b"<SVC") :]
        if b"<OBS.R01" in broken.raw and results not in self._unreadable:
            self._unreadable.add(results)
            self._chart.keep_unreadable(broken.raw, broken.reason, live=False)

    def _keep(self, message: Message, observations: Observations, raw: bytes, from_memory: bool) -> bool:
        """Before they are acknowledged: whether the kit has all of them now."""
        if len(observations.of_patients) < len(observations.services):
            self._detail = "control_not_charted"
            if not from_memory:
                self._report.enter(DeviceState.READY, self._detail)
        kept = [
            self._chart.keep_all([_result(message, one, test, raw, from_memory) for test in one.tests])
            for one in observations.of_patients
        ]
        return all(kept)


def _result(message: Message, service: Service, test: Analyte, raw: bytes, from_memory: bool) -> LabResult:
    return LabResult(
        sample=f"{service.order}/{service.patient}",
        code=test.code,
        value=test.value,
        unit=test.unit,
        raw=raw,
        completed=service.observed or None,
        sent=message.created or None,
        failed=not test.valid,
        corrected=service.reason == "EDT",
        resent=from_memory or service.reason == "RES",
        flags=("lock_overridden",) if service.status == "OVR" else (),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
