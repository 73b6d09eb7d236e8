"""A recorded session played again: when each value comes, and as a `Radio` for the kit's drivers.

What an instrument pushed is not tied to the clock but to what it was asked: a value comes as long after the
subscription or command before it as it did then. So a faster or slower host gets the same conversation.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import NamedTuple

from carebag_devices.errors import DeviceLost, DeviceRefused, DeviceSilent
from carebag_devices.lab.session_file import Line, Session
from carebag_devices.link import Advert, AskPasskey, Link, Receive, full_uuid

APART_S = 1e-6
"""The loop's timers of one moment have no order."""
ADVERT_EVERY_S = 0.5

Cause = tuple[str, str, int]
"""What was done (`subscribe`, `write`, or `connect`), to which characteristic, for which time."""
CONNECTED: Cause = ("connect", "", 1)


class Due(NamedTuple):
    """A `push` or `lost` line, and how long after its cause it came."""

    after_s: float
    line: Line


class Conversation:
    """One link's answers: reads in their order, pushes and refusals by what they followed."""

    def __init__(self, connected: Line, lines: list[Line]) -> None:
        self._reads: dict[str, deque[Line]] = defaultdict(deque)
        self._refused: dict[Cause, Line] = {}
        self._due: dict[Cause, list[Due]] = defaultdict(list)
        self._asked: Counter[tuple[str, str]] = Counter()
        self.present: set[str] = set()
        """Characteristics it has."""
        self.can: dict[str, set[str]] = {"read": set(), "write": set(), "subscribe": set()}
        """What was done with which."""
        cause, since = CONNECTED, connected.at_s
        counts: Counter[tuple[str, str]] = Counter()
        for line in lines:
            if line.what in ("pair", "subscribe", "write") and not line.error:
                counts[line.what, line.uuid] += 1
            if line.what in ("subscribe", "write") and not line.error:
                cause, since = (line.what, line.uuid, counts[line.what, line.uuid]), line.at_s
            self._know(line)
            if line.what in ("push", "lost"):
                self._due[cause].append(Due(line.at_s - since, line))
            elif line.what == "read":
                self._reads[line.uuid].append(line)
            elif line.error:
                self._refused[line.what, line.uuid, counts[line.what, line.uuid]] = line

    def _know(self, line: Line) -> None:
        if line.what in self.can and not line.error:
            self.can[line.what].add(line.uuid)
            self.present.add(line.uuid)
        elif line.what == "has" and line.yes:
            self.present.add(line.uuid)

    def read(self, uuid: str) -> bytes | None:
        """The next answer, or the last one again; None where it was never read. Raises what was raised then."""
        answers = self._reads.get(uuid)
        if not answers:
            return None
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        answer.raise_error()
        return answer.value

    def ask(self, what: str, uuid: str = "") -> list[Due]:
        """`connect`, `pair`, `subscribe`, `write`: what follows from it. Raises what was raised then."""
        self._asked[what, uuid] += 1
        asked = (what, uuid, self._asked[what, uuid])
        if asked in self._refused:
            self._refused[asked].raise_error()
        return self._due.pop(asked, [])


def conversations(session: Session, address: str) -> list[Conversation]:
    """Of one instrument, link after link."""
    return [Conversation(line, session.link(line.link)) for line in session.connects(address) if not line.error]


class ReplayRadio:
    """The session's instruments as a `Radio`: each advertises as long as recorded connections are left."""

    def __init__(self, session: Session) -> None:
        self.ask_passkey: AskPasskey | None = None
        self.written: list[tuple[str, str, bytes]] = []
        """Address, characteristic, value: what the host wrote this time."""
        self._adverts = {address: _last_advert(session, address) for address in session.addresses()}
        self._attempts = {
            address: deque(
                line if line.error else Conversation(line, session.link(line.link))
                for line in session.connects(address)
            )
            for address in self._adverts
        }
        self._links: dict[str, Link] = {}

    @property
    def finished(self) -> bool:
        """Every recorded connection was made again, and ended."""
        return not any(self._attempts.values()) and not any(map(self._busy, self._links))

    def _busy(self, address: str) -> bool:
        return address in self._links and not self._links[address].lost.is_set()

    async def scan(self, heard: Callable[[Advert], None]) -> None:
        while True:
            for address, advert in self._adverts.items():
                if self._attempts[address] and not self._busy(address):
                    heard(advert)
            await asyncio.sleep(ADVERT_EVERY_S)

    async def admit(self, address: str, *, passkey: bool = False) -> None:
        """Whatever was paired then is paired now."""

    async def connect(self, advert: Advert, *, pair_first: bool = False, bonded: bool = False) -> Link:
        waiting = self._attempts.get(advert.address)
        if not waiting:
            raise DeviceSilent("timeout")
        attempt = waiting.popleft()
        if isinstance(attempt, Line):
            attempt.raise_error()
            raise DeviceSilent("timeout")
        link = _ReplayLink(attempt, lambda uuid, data: self.written.append((advert.address, uuid, data)))
        self._links[advert.address] = link
        link.follow(attempt.ask("connect"))
        return link

    async def forget(self, address: str) -> None:
        """There is no bond."""


class _ReplayLink:
    def __init__(self, said: Conversation, wrote: Callable[[str, bytes], None]) -> None:
        self._said, self._wrote = said, wrote
        self._receivers: dict[str, Receive] = {}
        self._lost = asyncio.Event()
        self._latest = 0.0

    @property
    def lost(self) -> asyncio.Event:
        return self._lost

    def has(self, characteristic: str) -> bool:
        return full_uuid(characteristic) in self._said.present

    async def pair(self) -> None:
        await self._ask("pair")

    async def read(self, characteristic: str) -> bytes:
        await self._travel()
        value = self._said.read(full_uuid(characteristic))
        if value is None:
            raise DeviceRefused("att_0x02")
        return value

    async def write(self, characteristic: str, data: bytes) -> None:
        self._wrote(full_uuid(characteristic), data)
        await self._ask("write", full_uuid(characteristic))

    async def subscribe(self, characteristic: str, receive: Receive) -> None:
        uuid = full_uuid(characteristic)
        self._receivers[uuid] = receive
        await self._ask("subscribe", uuid)

    async def disconnect(self) -> None:
        self._lost.set()

    def follow(self, due: list[Due]) -> None:
        """What followed an earlier question comes before, also when this one is asked sooner than then."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for after_s, line in due:
            self._latest = max(began + after_s, self._latest + APART_S)
            loop.call_at(self._latest, self._happen, line)

    def _happen(self, line: Line) -> None:
        receive = self._receivers.get(line.uuid)
        if line.what == "lost":
            self._lost.set()
        elif receive is not None and not self._lost.is_set():
            receive(line.value)

    async def _ask(self, what: str, uuid: str = "") -> None:
        await self._travel()
        self.follow(self._said.ask(what, uuid))

    async def _travel(self) -> None:
        await asyncio.sleep(0)
        if self._lost.is_set():
            raise DeviceLost("link_broken")


def _last_advert(session: Session, address: str) -> Advert:
    """The one before the first connection; a device that was connected from before has none but its address."""
    heard = session.adverts(address)
    first = session.connects(address)[0].at_s
    before = [line for line in heard if line.at_s <= first] or heard
    return before[-1].advert() if before else Advert(address, "", frozenset())
