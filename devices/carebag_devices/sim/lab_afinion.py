"""A simulated Afinion: its memory of records, and the packets in which it gives them away."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from carebag_devices.catalog import SIMULATOR_MAKER
from carebag_devices.codecs import afinion
from carebag_devices.codecs.afinion import ACK, NAK, Assay, Packet, Record, Splitter
from carebag_devices.errors import DeviceLost, Malformed
from carebag_devices.sim.lab_wire import Plug
from carebag_devices.wired.stream import Stream

CONTROLS = b"0024:record.control@"


@dataclass
class AfinionFaults:
    """Counters: how many of the next replies (or questions) go wrong in this way."""

    wrong_checksums: int = 0
    short_replies: int = 0
    repeated_replies: int = 0
    ignored_questions: int = 0
    refused_questions: int = 0
    """Answered by NAK."""
    errors: int = 0
    """Answered by `cmderr`."""
    hang_up: Literal["", "before_reply", "before_ack", "after_ack"] = ""
    """The cable is pulled there, once."""

    def take(self, name: str) -> bool:
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0

    def breaks(self, where: str) -> bool:
        now = self.hang_up == where
        if now:
            self.hang_up = ""
        return now


class AfinionAnalyser:
    """`clock_s` is added to the time it writes into its records."""

    def __init__(self, *, now: Callable[[], float] = time.time, clock_s: float = 0.0) -> None:
        self.faults = AfinionFaults()
        self.memory: list[Record] = []
        """Oldest first. It keeps everything."""
        self.taken = 0
        """Replies that the kit acknowledged."""
        self._now, self.clock_s = now, clock_s
        self._number, self._since = 100, 0.0

    def give(
        self, result: str = "12.3", *, code: str = "CRP", unit: str = "mg/L", decimals: int = 1, ago_s: float = 0.0
    ) -> Record:
        """A run that is done. Beyond 5 to 200 it will print `<5` and `>200`."""
        assay = Assay(code, unit, Decimal(5), Decimal(200), Decimal(result), decimals)
        run = len(self.memory) + 1
        seconds = int(self._now() + self.clock_s - ago_s)
        record = Record(run, run, SIMULATOR_MAKER, f"ID{run}", seconds, (assay,))
        self.memory.append(record)
        return record

    def give_failed(self) -> None:
        """A run without valid result."""
        run = len(self.memory) + 1
        self.memory.append(Record(run, run, SIMULATOR_MAKER, "", int(self._now() + self.clock_s), ()))

    async def run(self, plug: Plug) -> None:
        """Be on the wire until cancelled."""
        while True:
            stream = await plug()
            with contextlib.suppress(DeviceLost):
                try:
                    await self._talk(stream)
                finally:
                    await asyncio.shield(stream.close())

    async def _talk(self, stream: Stream) -> None:
        splitter = Splitter()
        await stream.write(b"Afinion ready\r")
        await stream.write(self._packet(CONTROLS + bytes(afinion.RECORD_SIZE)))
        while True:
            for raw in splitter.feed(await stream.read()):
                with contextlib.suppress(Malformed):
                    await self._heard(stream, Packet.parse(raw))

    async def _heard(self, stream: Stream, packet: Packet) -> None:
        if packet.body == ACK:
            await self._break(stream, "after_ack")
        elif packet.body == NAK:
            await self._reply(stream)
        elif packet.body == afinion.COMMAND_TAKEN:
            self.taken += 1
            await stream.write(bytes(Packet(packet.number, ACK)))
        elif packet.body.startswith(afinion.PATIENT_RECORDS):
            await self._asked(stream, packet)

    async def _asked(self, stream: Stream, packet: Packet) -> None:
        if self.faults.take("ignored_questions"):
            return
        if self.faults.take("refused_questions"):
            await stream.write(bytes(Packet(packet.number, NAK)))
            return
        await stream.write(bytes(Packet(packet.number, ACK)))
        await self._break(stream, "before_reply")
        if self.faults.take("errors"):
            await stream.write(self._packet(b"0025:cmderr@"))
            return
        self._since = datetime.strptime(packet.body[-17:].decode(), "%Y%m%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        await self._reply(stream)

    async def _reply(self, stream: Stream) -> None:
        chosen = [bytes(record) for record in self.memory if record.seconds >= self._since][: afinion.RECORDS]
        chosen += [afinion.EMPTY] * (afinion.RECORDS - len(chosen))
        body = afinion.PATIENT_RECORDS + b"".join(chosen)
        packet = self._packet(body[:-1] if self.faults.take("short_replies") else body)
        if self.faults.take("wrong_checksums"):
            await stream.write(packet[:-6] + b"ZZZZ" + packet[-2:])
            return
        await stream.write(packet * (2 if self.faults.take("repeated_replies") else 1))
        await self._break(stream, "before_ack")

    async def _break(self, stream: Stream, where: str) -> None:
        if self.faults.breaks(where):
            await stream.close()
            raise DeviceLost("link_broken")

    def _packet(self, body: bytes) -> bytes:
        self._number = self._number % 9999 + 1
        return bytes(Packet(self._number, body))
