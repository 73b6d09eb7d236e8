"""A simulated POCT1-A2 analyser: it dials, gives away its memory, and stays for more if the kit wants so."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from carebag_devices.catalog import SIMULATOR_MAKER
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.codecs.poct1a import (
    NORMAL,
    START_CONTINUOUS,
    Acknowledgement,
    Analyte,
    Body,
    Directive,
    EndOfTopic,
    Hello,
    KeepAlive,
    Message,
    Observations,
    Request,
    Service,
    Status,
    Termination,
)
from carebag_devices.codecs.xml_document import Document, Framing, Splitter
from carebag_devices.errors import DeviceLost
from carebag_devices.sim.lab_wire import RETRY_S, Plug
from carebag_devices.wired.stream import Stream

ANSWER_WITHIN_S = 15.0


@dataclass
class Poct1aFaults:
    """Counters: how many of the next results go wrong in this way."""

    repeated_messages: int = 0
    """The answer was lost: the same message again."""
    damaged_documents: int = 0
    """A byte of the markup is wrong; the connection is of no use then."""
    document_types: int = 0
    """With a DOCTYPE, as an attacker would."""
    in_pieces: int = 0
    """One byte at a time."""
    hang_up: Literal["", "before_ack", "after_ack"] = ""
    """The connection breaks there, once."""

    def take(self, name: str) -> bool:
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0


class Poct1aAnalyser:
    """`continuous`: it can stay connected. `framing`: how it wraps its documents."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        framing: Framing = Framing.RAW,
        continuous: bool = True,
        serial: str = "POCT-0001",
        timeout_s: int | None = None,
    ) -> None:
        self.faults = Poct1aFaults()
        self.memory: deque[Observations] = deque()
        """Oldest first; taken out only when the kit acknowledged it."""
        self.refusals = 0
        """Results that the kit could not keep."""
        self._now, self._framing, self._continuous = now, framing, continuous
        self._hello = Hello(
            device=f"sim^{serial}",
            model="CRP",
            serial=serial,
            software="1.0",
            name="Simulated POCT1-A",
            maker=SIMULATOR_MAKER,
            timeout_s=timeout_s,
            directives=(START_CONTINUOUS,) if continuous else (),
        )
        self._samples = 0
        self._news = asyncio.Event()

    def give(
        self,
        value: str = "12",
        *,
        unit: str = "mg/L",
        code: str = "48421-2",
        interpretation: str = "",
        status: str = "A",
        reason: str = "NEW",
        role: str = "OBS",
        ago_s: float = 0.0,
    ) -> None:
        """A result of a patient; `role` LQC and others make it a control in the wrong message."""
        analyte = Analyte(code, LabValue.parse(value, interpretation), unit, "CRP", "M", status, interpretation)
        self._samples += 1
        service = Service(role, self._stamp(-ago_s), (analyte,), f"P{self._samples}", "", NORMAL, reason)
        self._queue(Observations((service,)))

    def give_control(self, value: str = "33") -> None:
        analyte = Analyte("48421-2", LabValue.parse(value), "mg/L")
        self._queue(Observations((Service("LQC", self._stamp(), (analyte,)),), control=True))

    def _queue(self, observations: Observations) -> None:
        self.memory.append(observations)
        self._news.set()

    async def run(self, plug: Plug) -> None:
        """Dial whenever there is something to tell, until cancelled. The first time in any case."""
        while True:
            stream = await plug()
            with contextlib.suppress(DeviceLost, TimeoutError):
                try:
                    await _Talk(self, stream).run()
                finally:
                    await asyncio.shield(stream.close())
            await asyncio.sleep(RETRY_S)
            if not self._continuous and not self.memory:
                self._news.clear()
                await self._news.wait()

    def _stamp(self, add_s: float = 0.0) -> str:
        return datetime.fromtimestamp(self._now() + add_s, UTC).isoformat(timespec="seconds")


class _Talk:
    """One connection."""

    def __init__(self, owner: Poct1aAnalyser, stream: Stream) -> None:
        self._owner, self._stream = owner, stream
        self._splitter = Splitter()
        self._heard: deque[Message] = deque()
        self._control = 10_000

    async def run(self) -> None:
        """Raises `DeviceLost`, `TimeoutError`."""
        owner = self._owner
        await self._tell(owner._hello)
        await self._tell(Status(len(owner.memory), "R"))
        while True:
            message = await self._listen()
            match message.body:
                case Request():
                    await self._agree(message)
                    await self._give_memory()
                    await self._tell(EndOfTopic("OBS"))
                case Directive():
                    await self._agree(message)
                    await self._stay()
                case Termination():
                    await self._agree(message)
                    return
                case _:
                    await self._agree(message)

    async def _stay(self) -> None:
        """Tell what comes, until the connection ends."""
        owner = self._owner
        await self._tell(KeepAlive())
        while True:
            owner._news.clear()
            await self._give_memory()
            if not owner._news.is_set():
                await self._until_news()

    async def _until_news(self) -> None:
        """Wait for a result to tell; agree to what the kit says meanwhile."""
        waiting = asyncio.create_task(self._owner._news.wait())
        reading = asyncio.create_task(self._stream.read())
        try:
            await asyncio.wait({waiting, reading}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                for message in self._messages(reading.result()):
                    await self._agree(message)
        finally:
            for task in (waiting, reading):
                task.cancel()
            await asyncio.gather(waiting, reading, return_exceptions=True)

    async def _give_memory(self) -> None:
        memory, faults = self._owner.memory, self._owner.faults
        while memory:
            accepted = await self._tell(memory[0])
            if accepted and faults.take("repeated_messages"):
                accepted = await self._tell(memory[0])
            if not accepted:
                self._owner.refusals += 1
                await asyncio.sleep(RETRY_S)
                continue
            memory.popleft()

    async def _tell(self, body: Body) -> bool:
        """Send it and wait for its acknowledgement."""
        self._control += 1
        control, faults = str(self._control), self._owner.faults
        is_result = isinstance(body, Observations)
        raw = bytes(Message(control, self._owner._stamp(), body))
        await self._send(self._spoiled(raw) if is_result else raw)
        if is_result and faults.hang_up == "before_ack":
            await self._break()
        answer = await self._answer(control)
        if is_result and faults.hang_up == "after_ack":
            await self._break()
        return answer.accepted

    async def _answer(self, control: str) -> Acknowledgement:
        others: list[Message] = []
        while True:
            message = await self._listen()
            if isinstance(message.body, Acknowledgement) and message.body.of == control:
                self._heard.extendleft(reversed(others))
                return message.body
            others.append(message)

    def _spoiled(self, raw: bytes) -> bytes:
        if self._owner.faults.take("damaged_documents"):
            return raw.replace(b"</SVC>", b"</SVX>")
        if self._owner.faults.take("document_types"):
            return b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + raw
        return raw

    async def _break(self) -> None:
        self._owner.faults.hang_up = ""
        await self._stream.close()
        raise DeviceLost("link_broken")

    async def _agree(self, message: Message) -> None:
        if not isinstance(message.body, Acknowledgement):
            self._control += 1
            answer = Message(str(self._control), self._owner._stamp(), Acknowledgement(message.control))
            await self._send(bytes(answer))

    async def _send(self, raw: bytes) -> None:
        data = bytes(Document(raw, self._owner._framing))
        size = 1 if self._owner.faults.take("in_pieces") else len(data)
        for at in range(0, len(data), size):
            await self._stream.write(data[at : at + size])

    async def _listen(self) -> Message:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while not self._heard:
                self._heard += self._messages(await self._stream.read())
        return self._heard.popleft()

    def _messages(self, data: bytes) -> list[Message]:
        return [Message.parse(document.raw) for document in self._splitter.feed(data)]
