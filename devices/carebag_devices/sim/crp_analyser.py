"""A simulated CRP analyser: LIS2-A2 records in LIS01-A2 frames over the Nordic UART, with real ACK and NAK."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from carebag_devices.catalog import UART_RX, UART_SERVICE, UART_TX
from carebag_devices.codecs import lis01
from carebag_devices.codecs.lis01 import Outcome, Sender
from carebag_devices.codecs.lis2 import Message, Record, Separators, field, record
from carebag_devices.sim.peripheral import Clock, Departure, Gatt, Label, Peripheral

READING_S = 6.0
TEST = field("", "", "", "48421-2", "CRP", "LN")
"""LOINC 48421-2: C reactive protein in capillary blood."""


class CrpAnalyser(Peripheral):
    """Tells that a cassette is in (an order with report type I, "in instrument"), reads in silence, sends the result.

    `speed` 2 reads in half the time. `corrupt_frames`: how many of the next frames leave with one byte damaged.
    """

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        now: Clock,
        speed: float = 1.0,
        address: str = "C6:00:00:00:00:04",
    ) -> None:
        label = Label("CB CRP", "Simulated CRP analyser", "CRP-0001", address, (UART_SERVICE,))
        super().__init__(hci_source, hci_sink, label, now=now, battery=100)
        self._speed = speed
        self.corrupt_frames = 0
        self._samples = 0
        self._reading = asyncio.Lock()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._tx = Gatt(UART_TX, push="notify")
        self.serve(UART_SERVICE, [Gatt(UART_RX, write=self._answers.put_nowait), self._tx])

    def insert_cassette(self, value: str = "12", status: str = "F") -> None:
        """A hand puts a cassette in. `value` as it is printed: `12`, `<5`; `status` X: it could not be read."""
        self._spawn(self._read_cassette(value, status))

    def link_lost(self) -> None:
        # Whoever waits for an answer must not wait 15 s for one that cannot come.
        self._answers.put_nowait(lis01.EOT)

    async def _read_cassette(self, value: str, status: str) -> None:
        async with self._reading:
            self._samples += 1
            sample = f"S-{self._samples:04}"
            announced = asyncio.ensure_future(self.transmit(self._message([self._order(sample, "I")])))
            try:
                await asyncio.gather(announced, asyncio.sleep(READING_S / self._speed))
            finally:
                announced.cancel()
            await self.transmit(self._message([self._order(sample, "F"), self._result(value, status)]))

    def _message(self, body: Sequence[Record]) -> Message:
        sender = field(self.label.model, "1.0", self.label.serial)
        head = record("H", "\\^&", "", "", sender, "", "", "", "", "", "", "P", "LIS2-A2", self._stamp())
        return Message(Separators(), (head, record("P", "1"), *body, record("L", "1", "N")))

    def _order(self, sample: str, report: str) -> Record:
        rest = [""] * 7 + ["BLDC"] + [""] * 9 + [report]
        return record("O", "1", sample, "", TEST, "", "", self._stamp(), *rest)

    def _result(self, value: str, status: str) -> Record:
        flag = value[0] if value[:1] in ("<", ">") else ""
        ends = ("", "", "", self._stamp(), self.label.model)
        return record("R", "1", TEST, value, "mg/L", field("0", "10"), flag, "", status, *ends)

    def _stamp(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).astimezone().strftime("%Y%m%d%H%M%S")

    async def transmit(self, message: Message) -> None:
        """Send until the kit has taken it: a broken link or a refusal begins anew from ENQ."""
        while True:
            await self.until_subscribed(self._tx)
            outcome = await self._attempt(Sender(message.lines()))
            if outcome is Outcome.DONE:
                return
            wait_s = lis01.CONTENTION_WAIT_S if outcome is Outcome.CONTENTION else lis01.BUSY_WAIT_S
            await asyncio.sleep(wait_s / self._speed if self.connected else 0)

    async def _attempt(self, sender: Sender) -> Outcome:
        while not self._answers.empty():
            self._answers.get_nowait()
        await self._send(sender.start())
        while True:
            try:
                answer = await asyncio.wait_for(self._answers.get(), lis01.SENDER_TIMEOUT_S)
                actions = sender.feed(answer) if self.connected else sender.timeout()
            except TimeoutError:
                actions = sender.timeout()
            for action in actions:
                if isinstance(action, Outcome):
                    return action
                await self._send(action)

    async def _send(self, data: bytes) -> None:
        if len(data) > 1 and self.corrupt_frames > 0:
            self.corrupt_frames -= 1
            data = data[:3] + b"~" + data[4:]
        self.departures.append(Departure(self._now(), data))
        size = self.mtu - 3
        for at in range(0, len(data), size):
            await self.notify(self._tx, data[at : at + size])
