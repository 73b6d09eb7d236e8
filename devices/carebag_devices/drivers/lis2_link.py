"""LIS2-A2 in LIS01-A2 frames over any stream of bytes: what the kit answers, and when.

The frame that completes a message is acknowledged only after its results are kept: `LabChart.keep` is synchronous.
"""

import asyncio
from collections.abc import Callable

from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.codecs.lis01 import RECEIVER_TIMEOUT_S, Ended, Received, Receiver, Reply, Started, Verdict
from carebag_devices.codecs.lis2 import Message, Result, ends_message, iso_time
from carebag_devices.drivers.lab_chart import RUN_LASTS_S, LabChart, LabResult
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import Malformed
from carebag_devices.events import DeviceState

CASSETTE_AT_MOST_S = RUN_LASTS_S
"""Then nothing is awaited any more."""


class Lis2Link:
    """One connection. `send` takes the answers, at once and in order."""

    def __init__(self, report: Reporter, chart: LabChart, send: Callable[[bytes], None]) -> None:
        self._report, self._chart, self._send = report, chart, send
        self._receiver = Receiver(self._keep)
        self._awaited: set[str] = set()
        self._idle_detail = ""
        self._frame_timer: asyncio.TimerHandle | None = None
        self._cassette_timer: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """A result is arriving or awaited."""
        return self._receiver.receiving or self._cassette_timer is not None

    def ready(self) -> None:
        if not self.busy:
            self._report.enter(DeviceState.READY)

    def close(self) -> None:
        """The connection is gone: what was not complete comes again, whole."""
        self._receiver = Receiver(self._keep)
        self._cancel_frame_timer()
        self._cancel_cassette_timer()

    def feed(self, data: bytes) -> None:
        """Any piece of the stream."""
        for happened in self._receiver.feed(data):
            self._take(happened)
        self._cancel_frame_timer()
        if self._receiver.receiving:
            loop = asyncio.get_running_loop()
            self._frame_timer = loop.call_later(RECEIVER_TIMEOUT_S, self._frame_overdue)

    def _frame_overdue(self) -> None:
        self._frame_timer = None
        for happened in self._receiver.timeout():
            self._take(happened)

    def _take(self, happened: Received) -> None:
        match happened:
            case Reply():
                self._send(happened.data)
            case Started():
                self._idle_detail = ""
                reading = self._cassette_timer is not None
                self._report.enter(DeviceState.MEASURING, "cassette_reading" if reading else "result_arriving")
            case Ended():
                # what has no terminator was never acknowledged as a whole: the analyser sends all of it again
                if happened.text or happened.discarded:
                    self._idle_detail = "transfer_incomplete"
                self._rest()

    def _rest(self) -> None:
        if self._cassette_timer is None:
            self._report.enter(DeviceState.READY, self._idle_detail)
        else:
            self._report.enter(DeviceState.MEASURING, "cassette_reading")

    def _keep(self, text: bytes) -> Verdict:
        """Asked by the receiver before it answers the frame that ended this text."""
        if not ends_message(text):
            return Verdict.MORE
        try:
            kept = self._keep_message(Message.parse(text), text)
        except Malformed as error:
            kept = self._chart.keep_unreadable(text, error.reason, live=bool(self._awaited))
            self._finished(self._awaited)
        return Verdict.KEPT if kept else Verdict.REFUSED

    def _keep_message(self, message: Message, raw: bytes) -> bool:
        name, firmware, serial = message.sender
        self._chart.meet(name=name, serial=serial, firmware=firmware)
        self._await(message.begun)
        if message.has_other_results:
            self._idle_detail = "control_not_charted"
        results = [result for result in message.chart_results() if result.final or result.failed]
        if not self._chart.keep_all([_lab_result(result, message.sent, raw) for result in results]):
            return False
        self._finished({result.sample for result in results})
        return True

    def _await(self, samples: tuple[str, ...]) -> None:
        if not samples:
            return
        self._awaited |= set(samples)
        for sample in samples:
            self._chart.begun(sample)
        self._cancel_cassette_timer()
        loop = asyncio.get_running_loop()
        self._cassette_timer = loop.call_later(CASSETTE_AT_MOST_S, self._cassette_overdue)

    def _finished(self, samples: set[str]) -> None:
        self._awaited -= samples
        if not self._awaited:
            self._cancel_cassette_timer()

    def _cassette_overdue(self) -> None:
        self._cassette_timer = None
        self._awaited.clear()
        self._report.enter(DeviceState.READY, "no_result")

    def _cancel_frame_timer(self) -> None:
        if self._frame_timer is not None:
            self._frame_timer.cancel()
            self._frame_timer = None

    def _cancel_cassette_timer(self) -> None:
        if self._cassette_timer is not None:
            self._cassette_timer.cancel()
            self._cassette_timer = None


def _lab_result(result: Result, sent: str, raw: bytes) -> LabResult:
    return LabResult(
        sample=result.sample,
        code=result.code,
        value=LabValue(result.text, result.value, result.comparator, result.refused),
        unit=result.unit,
        raw=raw,
        completed=iso_time(result.completed),
        sent=iso_time(sent),
        failed=result.failed,
        corrected=result.corrected,
        resent=result.resent,
    )
