"""CRP analysers that speak LIS2-A2 in LIS01-A2 frames over a serial port on GATT (Nordic UART)."""

import asyncio
import contextlib

from carebag_devices.catalog import UART_RX, UART_TX, UCUM, Model
from carebag_devices.codecs.lis01 import RECEIVER_TIMEOUT_S, Ended, Received, Receiver, Reply, Started
from carebag_devices.codecs.lis2 import Message, Result
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import DeviceError, Malformed
from carebag_devices.events import DeviceState, Measured, Value
from carebag_devices.link import Link
from carebag_devices.plausible import doubts

CASSETTE_AT_MOST_S = 15 * 60.0
"""No cassette takes longer; then nothing is awaited any more."""


class CrpDriver:
    """Answers every frame, in order, by write with response; a cassette in reading is `measuring`."""

    def __init__(self, link: Link, report: Reporter, model: Model) -> None:
        self._link, self._report, self._model = link, report, model
        self._receiver = Receiver()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self._frame_timer: asyncio.TimerHandle | None = None
        self._cassette_timer: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        return self._receiver.receiving or self._cassette_timer is not None

    async def subscribe(self) -> None:
        self._writer = asyncio.create_task(self._write_answers())
        await self._link.subscribe(UART_TX, self.on_bytes)

    def ready(self) -> None:
        if not self.busy:
            self._report.enter(DeviceState.READY)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        self._receiver = Receiver()
        self._cancel_frame_timer()
        self._cancel_cassette_timer()

    async def _write_answers(self) -> None:
        while True:
            answer = await self._answers.get()
            # a link that broke shows itself by `lost`; the analyser begins anew
            with contextlib.suppress(DeviceError):
                await self._link.write(UART_RX, answer)

    def on_bytes(self, data: bytes) -> None:
        """TX: any piece of the stream."""
        for happened in self._receiver.feed(data):
            self._take(happened)
        self._cancel_frame_timer()
        if self._receiver.receiving:
            loop = asyncio.get_running_loop()
            self._frame_timer = loop.call_later(RECEIVER_TIMEOUT_S, self._frame_overdue)

    def _take(self, happened: Received) -> None:
        match happened:
            case Reply():
                self._answers.put_nowait(happened.data)
            case Started():
                self._report.enter(DeviceState.MEASURING, self._report.detail or "result_arriving")
            case Ended():
                self._on_text(happened.text)

    def _frame_overdue(self) -> None:
        self._frame_timer = None
        for happened in self._receiver.timeout():
            self._take(happened)

    def _on_text(self, text: bytes) -> None:
        """One transfer is over. What is not a whole message is told as unreadable; nothing at all is not told."""
        try:
            message = Message.parse(text) if text else None
            if message is not None and message.pending:
                self._await_result()
                return
            for result in message.chart_results() if message else ():
                self._on_result(result, message.sender[2] if message else "", text)
        except Malformed as error:
            self._tell((), error.code, (error.reason,), text, None, ("",))
        if text:
            self._cancel_cassette_timer()
        if self._cassette_timer is None:
            self._report.enter(DeviceState.READY)

    def _cancel_frame_timer(self) -> None:
        if self._frame_timer is not None:
            self._frame_timer.cancel()
            self._frame_timer = None

    def _cancel_cassette_timer(self) -> None:
        if self._cassette_timer is not None:
            self._cassette_timer.cancel()
            self._cassette_timer = None

    def _await_result(self) -> None:
        loop = asyncio.get_running_loop()
        self._cancel_cassette_timer()
        self._cassette_timer = loop.call_later(CASSETTE_AT_MOST_S, self._cassette_overdue)
        self._report.enter(DeviceState.MEASURING, "cassette_reading")

    def _cassette_overdue(self) -> None:
        self._cassette_timer = None
        self._report.enter(DeviceState.READY, "no_result")

    def _on_result(self, result: Result, serial: str, raw: bytes) -> None:
        if not result.final and result.status != "X":
            return
        name, unit = self._model.tests.get(result.code), UCUM.get(result.unit)
        values: tuple[Value, ...] = ()
        problem: str | None = None
        if name is None:
            problem = "unknown_test"
        elif result.status == "X" or result.value is None:
            problem = "cassette_error"
        elif unit is None:
            problem = "unknown_unit"
        else:
            values = (Value(name, result.value, unit, result.comparator),)
        flags = ("corrected",) if result.status == "C" else ()
        identity = (serial, result.sample, result.completed, result.code, result.status)
        self._tell(values, problem, (*flags, *doubts(values)), raw, _iso(result.completed), identity)

    def _tell(
        self,
        values: tuple[Value, ...],
        problem: str | None,
        flags: tuple[str, ...],
        raw: bytes,
        time: str | None,
        identity: tuple[str, ...],
    ) -> None:
        self._report.measured(
            Measured(
                identity=self._report.identity,
                kind="crp",
                values=values,
                problem=problem,
                flags=flags,
                device_time=time,
                raw=raw,
                measurement_id=self._report.measurement_id(*identity, raw=b"" if any(identity) else raw),
            )
        )


def _iso(stamp: str) -> str | None:
    """`20261122101530` as ISO without zone; anything shorter or other as it is sent, nothing as None."""
    if len(stamp) == 14 and stamp.isdigit():
        return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}"
    return stamp or None
