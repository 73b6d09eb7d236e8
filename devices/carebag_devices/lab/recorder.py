"""A `Radio` around another one that writes down everything its links say: `carebag kit --record-devices DIR`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from carebag_devices.errors import DeviceError
from carebag_devices.lab.session_file import Line, Write
from carebag_devices.link import Advert, AskPasskey, Link, Radio, Receive, full_uuid

ADVERT_AGAIN_S = 10.0
"""The same advertisement is written once in so long."""


class RecordingRadio:
    """`write` gets each line; `clock` is seconds from the session's beginning."""

    def __init__(self, radio: Radio, write: Write, clock: Callable[[], float]) -> None:
        self._radio, self._write, self._clock = radio, write, clock
        self._heard: dict[str, tuple[Advert, float]] = {}
        self._links = 0

    @property
    def ask_passkey(self) -> AskPasskey | None:
        return self._radio.ask_passkey

    @ask_passkey.setter
    def ask_passkey(self, ask: AskPasskey | None) -> None:
        self._radio.ask_passkey = ask

    async def scan(self, heard: Callable[[Advert], None]) -> None:
        def hear(advert: Advert) -> None:
            self._note_advert(advert)
            heard(advert)

        await self._radio.scan(hear)

    async def admit(self, address: str, *, passkey: bool = False) -> None:
        await self._radio.admit(address, passkey=passkey)

    async def connect(self, advert: Advert, *, pair_first: bool = False, bonded: bool = False) -> Link:
        try:
            link = await self._radio.connect(advert, pair_first=pair_first, bonded=bonded)
        except DeviceError as error:
            self._write(Line(self._clock(), "connect", address=advert.address, error=error.code, reason=error.reason))
            raise
        self._links += 1
        self._write(Line(self._clock(), "connect", link=self._links, address=advert.address))
        return _RecordedLink(link, self._links, self._write, self._clock)

    async def forget(self, address: str) -> None:
        await self._radio.forget(address)

    def _note_advert(self, advert: Advert) -> None:
        now, before = self._clock(), self._heard.get(advert.address)
        if before is not None and before[0] == advert and now - before[1] < ADVERT_AGAIN_S:
            return
        self._heard[advert.address] = (advert, now)
        self._write(
            Line(
                now,
                "advert",
                address=advert.address,
                name=advert.name,
                services=tuple(sorted(advert.services)),
                rssi=advert.rssi,
                limited=advert.limited,
                companies=tuple(sorted(advert.companies)),
            )
        )


class _RecordedLink:
    def __init__(self, link: Link, number: int, write: Write, clock: Callable[[], float]) -> None:
        self._link, self._number, self._write, self._clock = link, number, write, clock
        self._ending = asyncio.create_task(self._note_end())

    @property
    def lost(self) -> asyncio.Event:
        return self._link.lost

    def has(self, characteristic: str) -> bool:
        answer = self._link.has(characteristic)
        uuid = full_uuid(characteristic)
        self._write(Line(self._clock(), "has", link=self._number, uuid=uuid, yes=answer))
        return answer

    async def pair(self) -> None:
        with self._noted(Line(0.0, "pair")):
            await self._link.pair()

    async def read(self, characteristic: str) -> bytes:
        asked = Line(0.0, "read", uuid=full_uuid(characteristic))
        with self._noted(asked, told=False):
            value = await self._link.read(characteristic)
        self._write(Line(self._clock(), "read", link=self._number, uuid=asked.uuid, value=value))
        return value

    async def write(self, characteristic: str, data: bytes) -> None:
        with self._noted(Line(0.0, "write", uuid=full_uuid(characteristic), value=data)):
            await self._link.write(characteristic, data)

    async def subscribe(self, characteristic: str, receive: Receive) -> None:
        uuid = full_uuid(characteristic)

        def push(raw: bytes) -> None:
            self._write(Line(self._clock(), "push", link=self._number, uuid=uuid, value=raw))
            receive(raw)

        with self._noted(Line(0.0, "subscribe", uuid=uuid)):
            await self._link.subscribe(characteristic, push)

    async def disconnect(self) -> None:
        await self._link.disconnect()

    @contextmanager
    def _noted(self, line: Line, *, told: bool = True) -> Iterator[None]:
        """Write the line when it began, because pushes may come before its answer; and its error, if it has one."""
        began = self._clock()
        if told:
            self._write(Line(began, line.what, link=self._number, uuid=line.uuid, value=line.value))
        try:
            yield
        except DeviceError as error:
            at_s = self._clock()
            self._write(Line(at_s, line.what, link=self._number, uuid=line.uuid, error=error.code, reason=error.reason))
            raise

    async def _note_end(self) -> None:
        await self._link.lost.wait()
        self._write(Line(self._clock(), "lost", link=self._number))
