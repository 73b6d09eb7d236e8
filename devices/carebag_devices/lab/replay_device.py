"""A recorded instrument as a simulated one: advertises as it did, answers as it did, pushes what it pushed.

Its maker is ours all the same: whatever is played again must never pass for a measurement of today.
"""

import asyncio
import contextlib
import zlib
from collections.abc import Mapping
from typing import Any

from carebag_devices.catalog import CATALOG
from carebag_devices.errors import DeviceError
from carebag_devices.lab.replay import Conversation, Due, conversations
from carebag_devices.lab.session_file import Line, Session
from carebag_devices.link import full_uuid
from carebag_devices.sim.advertising import ADVERTISING_MAX
from carebag_devices.sim.body import Body
from carebag_devices.sim.handled import Air, HandledBag
from carebag_devices.sim.hands import actions_of
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral, Refused
from carebag_devices.sim.station import UNLIKELY, USER_ENDED

_CLOCKS, _DATE_TIME = ("2A2B",), "2A08"
_SERVICES: Mapping[str, tuple[str, ...]] = {
    "1810": ("2A35", "2A36", "2A49", "2B34", "2B35", "2B36", "2A52", _DATE_TIME),
    "1822": ("2A5E", "2A5F", "2A60"),
    "1809": ("2A1C", "2A1E", "2A1D", "2A21"),
    "181D": ("2A9D", "2A9E"),
    "1808": ("2A18", "2A34", "2A51"),
    "1805": _CLOCKS,
}
"""Where characteristics stand; a Link does not say it, and our drivers do not ask."""
_INDICATED = frozenset(map(full_uuid, ("2A35", "2B34", "2A5E", "2A1C", "2A9D", "2A52")))
_OURS = frozenset(map(full_uuid, ("2A29", "2A24", "2A25", "2A26", "2A19")))
_BASE = "-0000-1000-8000-00805f9b34fb"


class ReplayDevice(Peripheral):
    """Each connection is the next recorded one; after the last, that one again."""

    def __init__(self, hci_source: Any, hci_sink: Any, session: Session, address: str, *, now: Clock) -> None:
        said = conversations(session, address)
        super().__init__(hci_source, hci_sink, _label(session, address), now=now, battery=_battery(session, address))
        self._session, self._recorded, self._turn = session, address, -1
        self._said: Conversation = said[0]
        self._gatts: dict[str, Gatt] = {full_uuid("2A19"): self._battery}
        self._listening: set[str] = set()
        self._in_order = asyncio.Lock()
        for service, uuids in _layout(set().union(*(one.present for one in said)) - _OURS).items():
            gatts = [self._gatt(uuid, said) for uuid in uuids]
            self._gatts |= {full_uuid(gatt.uuid): gatt for gatt in gatts}
            self.serve(service, gatts)

    def _gatt(self, uuid: str, said: list[Conversation]) -> Gatt:
        pushes = any(uuid in one.can["subscribe"] for one in said)
        push = "indicate" if uuid in _INDICATED else "notify"
        return Gatt(
            short(uuid),
            read=(lambda: self._read(uuid)) if any(uuid in one.can["read"] for one in said) else None,
            write=(lambda _raw: self._written(uuid)) if any(uuid in one.can["write"] for one in said) else None,
            push=push if pushes else None,  # type: ignore[arg-type]
        )

    def _read(self, uuid: str) -> bytes:
        with contextlib.suppress(DeviceError):
            return self._said.read(uuid) or b""
        return b""

    def _written(self, uuid: str) -> None:
        try:
            self._follow(self._said.ask("write", uuid))
        except DeviceError as error:
            code = error.reason.removeprefix("att_0x")
            raise Refused(int(code, 16) if code != error.reason else UNLIKELY) from None

    def linked(self) -> None:
        every = conversations(self._session, self._recorded)
        self._turn = min(self._turn + 1, len(every) - 1)
        self._said = every[self._turn]
        self._listening.clear()
        self._in_order = asyncio.Lock()
        self._follow(self._said.ask("connect"))

    def subscriptions_changed(self) -> None:
        for uuid, gatt in self._gatts.items():
            if gatt.push and self.subscribers(gatt) and uuid not in self._listening:
                self._listening.add(uuid)
                with contextlib.suppress(DeviceError):
                    self._follow(self._said.ask("subscribe", uuid))
        super().subscriptions_changed()

    def _follow(self, due: list[Due]) -> None:
        if due:
            self._spawn(self._say(due, self._said))

    async def _say(self, due: list[Due], said: Conversation) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        # what followed an earlier question came before this, also when the next one is asked sooner than then
        async with self._in_order:
            for after_s, line in due:
                await asyncio.sleep(max(0.0, began + after_s - loop.time()))
                if said is not self._said or not self.connected:
                    return
                await self._happen(line)

    async def _happen(self, line: Line) -> None:
        gatt = self._gatts.get(line.uuid)
        if line.what == "lost":
            await self.station.hang_up(USER_ENDED)
        elif gatt is not None and gatt.push == "indicate":
            await self.indicate_once(gatt, line.value)
        elif gatt is not None:
            await self.notify(gatt, line.value)


class ReplayBag(HandledBag):
    """Every instrument of a session that was connected to, by its recorded address."""

    def __init__(self, link: Air, session: Session, *, now: Clock) -> None:
        super().__init__(link)
        for address in session.addresses():
            hci = link.new_hci(address)
            device = ReplayDevice(hci.source, hci.sink, session, address, now=now)
            self.add(address, device, actions_of(device, Body()))


def short(uuid: str) -> str:
    """`2A35` for its 128 bits."""
    return uuid[4:8].upper() if uuid.startswith("0000") and uuid.endswith(_BASE) else uuid


def _label(session: Session, address: str) -> Label:
    heard = session.adverts(address)
    name, services = (heard[0].name, heard[0].services) if heard else ("Replay", ())
    listed = tuple(short(service) for service in services)[:1]
    room = ADVERTISING_MAX - 3 - 2 - sum(2 + (2 if len(service) == 4 else 16) for service in listed)
    made = zlib.crc32(address.encode()).to_bytes(4, "big")
    own = ":".join(f"{byte:02X}" for byte in (0xC6, 0x02, *made))
    name = name.encode()[:room].decode(errors="ignore")
    paired = any(line.what == "pair" and not line.error for line in session.lines)
    return Label(name or "Replay", f"Replayed {name}"[:40], "RE-0001", own, listed, encrypted=paired)


def _battery(session: Session, address: str) -> int:
    numbers = {line.link for line in session.connects(address)}
    levels = [
        line.value[0]
        for line in session.lines
        if line.link in numbers and line.what == "read" and line.uuid == full_uuid("2A19") and len(line.value) == 1
    ]
    return min(100, levels[0]) if levels else 90


def _layout(present: set[str]) -> dict[str, list[str]]:
    """Service → characteristics."""
    known = {full_uuid(uuid): service for service, uuids in _SERVICES.items() for uuid in uuids}
    for model in CATALOG:
        known |= {full_uuid(end): model.uart.service for end in (model.uart.rx, model.uart.tx)}
    found: dict[str, list[str]] = {}
    for uuid in sorted(present):
        found.setdefault(known.get(uuid, uuid), []).append(uuid)
    return found
