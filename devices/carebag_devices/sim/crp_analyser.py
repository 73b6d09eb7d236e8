"""A simulated CRP analyser: LIS2-A2 records in LIS01-A2 frames over the Nordic UART, with real ACK and NAK."""

import asyncio
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.catalog import UART_RX, UART_SERVICE, UART_TX
from carebag_devices.codecs import lis01
from carebag_devices.codecs.lis01 import Outcome, Sender
from carebag_devices.codecs.lis2 import Message
from carebag_devices.errors import DeviceLost
from carebag_devices.events import Value
from carebag_devices.sim.lab_lis2 import READING_S, Lis2Speaker, LisFaults
from carebag_devices.sim.peripheral import Clock, Departure, Gatt, Label, Peripheral
from carebag_devices.sim.truth import Taken


class CrpAnalyser(Peripheral):
    """Tells that a cassette is in (an order with report type I, "in instrument"), reads in silence, sends the result.

    `speed` 2 reads in half the time. `faults`: what goes wrong with the next frames.
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
        self.speaker = Lis2Speaker(label.model, label.serial, now)
        self._speed = speed
        self._samples = 0
        self.taken: list[Taken] = []
        """Every cassette that was read, newest last."""
        self._reading = asyncio.Lock()
        self._waiting = 0
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._tx = Gatt(UART_TX, push="notify")
        self.serve(UART_SERVICE, [Gatt(UART_RX, write=self._answers.put_nowait), self._tx])

    @property
    def faults(self) -> LisFaults:
        return self.speaker.faults

    @property
    def corrupt_frames(self) -> int:
        """How many of the next frames leave with one byte damaged."""
        return self.faults.corrupt_frames

    @corrupt_frames.setter
    def corrupt_frames(self, frames: int) -> None:
        self.faults.corrupt_frames = frames

    def insert_cassette(self, value: str = "12", status: str = "F", *, unit: str = "mg/L") -> None:
        """A hand puts a cassette in. `value` as it is printed: `12`, `<5`; `status` X: it could not be read."""
        self._waiting += 1
        self._spawn(self._read_cassette(value, status, unit))

    def insert_control(self, value: str = "33") -> None:
        """A control cassette, marked as such in its order: a check of the analyser, nobody's result."""
        self._waiting += 1
        self._spawn(self._read_cassette(value, "F", "mg/L", control=True))

    @property
    def busy(self) -> bool:
        """A cassette is being read, or its result has not been taken yet."""
        return self._waiting > 0

    def link_lost(self) -> None:
        # Whoever waits for an answer must not wait 15 s for one that cannot come.
        self._answers.put_nowait(b"")

    async def _read_cassette(self, value: str, status: str, unit: str, *, control: bool = False) -> None:
        speak = self.speaker
        async with self._reading:
            self._samples += 1
            sample = f"S-{self._samples:04}"
            if not control:
                await self._announce(speak.message([speak.order(sample, "I")]))
            self.taken.append(self._found(value, status, unit, control))
            order = speak.order(sample, "F", "Q" if control else "")
            await self.transmit(speak.message([order, speak.result(value, status, unit)]))
            self._waiting -= 1

    async def _announce(self, message: Message) -> None:
        """That a cassette is in; it is read meanwhile, whether anybody hears or not."""
        announced = asyncio.ensure_future(self.transmit(message))
        try:
            await asyncio.sleep(READING_S / self._speed)
        finally:
            announced.cancel()
            await asyncio.gather(announced, return_exceptions=True)

    def _found(self, value: str, status: str, unit: str, control: bool) -> Taken:
        comparator: Literal["<", ">"] | None = "<" if value[:1] == "<" else ">" if value[:1] == ">" else None
        problem = "quality_control" if control else "" if status == "F" else "cassette_error"
        number = () if problem else (Value("crp", Decimal(value.lstrip("<>")), unit, comparator),)
        return Taken("crp", self._now(), number, problem=problem)

    async def transmit(self, message: Message) -> None:
        """Send until the kit has taken it: a broken link or a refusal begins anew from ENQ."""
        while True:
            await self.until_subscribed(self._tx)
            while not self._answers.empty():
                self._answers.get_nowait()
            try:
                outcome = await self.speaker.attempt(Sender(message.lines()), self)
            except DeviceLost:
                continue
            if outcome is Outcome.DONE:
                return
            wait_s = lis01.CONTENTION_WAIT_S if outcome is Outcome.CONTENTION else lis01.BUSY_WAIT_S
            await asyncio.sleep(wait_s / self._speed if self.connected else 0)

    async def receive(self, within_s: float) -> bytes:
        """The kit's next answer. Raises `DeviceLost`, `TimeoutError`."""
        async with asyncio.timeout(within_s):
            answer = await self._answers.get()
        if not answer or not self.connected:
            raise DeviceLost("link_broken")
        return answer

    async def send(self, data: bytes) -> None:
        """In pieces as the radio takes them. Raises `DeviceLost`."""
        if not self.connected:
            raise DeviceLost("link_broken")
        self.departures.append(Departure(self._now(), data))
        size = self.mtu - 3
        for at in range(0, len(data), size):
            await self.notify(self._tx, data[at : at + size])

    async def hang_up(self) -> None:
        """The link is closed from here; it advertises again at once."""
        await self.break_link()
