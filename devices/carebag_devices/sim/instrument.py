"""A meter that takes single readings: its clock, its memory, and how readings get from there to the kit.

    measured ─▶ memory ─▶ due ─▶ pushed ─▶ confirmed: sent (and forgotten, where the model deletes)
                  ▲               │ link breaks
                  └───────────────┘

Due are: a new reading while somebody listens; and when somebody begins to listen, what the model's habits say. With
`racp` nothing is due then: the central asks for records.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from carebag_devices.codecs import racp
from carebag_devices.codecs.racp import Count, Opcode, Operator, Request, Response, ResponseCode
from carebag_devices.errors import Malformed
from carebag_devices.sim.device_clock import SimulatedClock, Wrong
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.memory import Entry, Memory
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral, Refused
from carebag_devices.sim.station import CCCD_IMPROPERLY_CONFIGURED, PROCEDURE_ALREADY_IN_PROGRESS, USER_ENDED
from carebag_devices.sim.truth import Taken

BATTERY_STEPS = (100, 66, 40, 33)
FILL = 60

Part = tuple[Gatt, bytes]


class Instrument(Peripheral):
    """Subclasses give `result` (the characteristic of finished readings), `parts` and `measure`."""

    result: Gatt
    pushes_live = True
    """Sends a reading at once when somebody listens; else only on request."""
    keeps = True
    """What could not be delivered waits for the next link, also without a memory that deserves the name."""

    def __init__(
        self, hci_source: Any, hci_sink: Any, label: Label, *, now: Clock, battery: int, habits: Habits, speed: float
    ) -> None:
        super().__init__(
            hci_source, hci_sink, label, now=now, battery=BATTERY_STEPS[0] if habits.battery_steps else battery
        )
        self.habits = habits
        self.clock = SimulatedClock(now, refuses=habits.clock_refuses)
        self.memory = Memory(habits.capacity)
        self.taken: list[Taken] = []
        """Everything its sensor ever found, newest last."""
        self.entries: list[Entry] = []
        """The same as they were kept, also those that the memory has lost or forgotten."""
        self.spoilt: list[Entry] = []
        """Left in pieces, and this device never sends them again."""
        self.user: int | None = None
        """Whose turn it is, by the device's own keys; 255: nobody chose."""
        self.passkey_display = habits.passkey
        self._speed = speed
        self._due: deque[Entry] = deque()
        self._fresh: set[Entry] = set()
        """Measured on this link."""
        self._listened = False
        self._linked_at = 0.0
        self._leaving: asyncio.TimerHandle | None = None
        self._reporting: asyncio.Task[Any] | None = None
        self._control_point = Gatt("2A52", write=self._asked, push="indicate", answers=True)

    def serve_meter(self, service: str, gatts: Sequence[Gatt]) -> None:
        """The measuring service, with control point, clock and private commands where the model has them."""
        clock = [self.clock.gatt(self.habits.clock)] if self.habits.clock else []
        own = list(gatts) + ([self._control_point] if self.habits.memory == "racp" else [])
        # Date Time stands inside the measuring service, Current Time in one of its own
        self.serve(service, own + [gatt for gatt in clock if gatt.uuid != "2A2B"])
        if clock and clock[0].uuid == "2A2B":
            self.serve("1805", clock)
        self._serve_commands()

    def _serve_commands(self) -> None:
        wanted = [command for command in (self.habits.command, self.habits.farewell) if command]
        if not wanted:
            return
        uuid = wanted[0][0]
        self.serve(uuid, [Gatt(uuid, write=self._commanded)])

    def _commanded(self, raw: bytes) -> None:
        if self.habits.farewell and raw == self.habits.farewell[1]:
            self._spawn(self._leave())
        elif self.habits.command and raw == self.habits.command[1]:
            self._make_due(list(self.memory))

    # for subclasses

    def parts(self, entry: Entry, *, stored: bool) -> list[Part]:
        """The values to push for one reading, in order."""
        raise NotImplementedError

    def now(self) -> float:
        return self._now()

    def keep(self, taken: Taken, content: Any, *, at_s: float | None = None) -> Entry:
        """A reading is finished (`at_s`: it was taken then, by the present clock)."""
        self.taken.append(taken)
        entry = self.memory.add(taken, self.clock.shows(at_s), content)
        self._fresh |= {entry} if at_s is None else set()
        if at_s is None and self._listened and self.pushes_live:
            self._make_due([entry])
        elif not self.keeps:
            self.memory.drop(entry)
        self.entries.append(entry)
        return entry

    # life on the air

    async def start(self) -> None:
        await super().start()
        self._spawn(self._deliver())

    async def stop(self) -> None:
        self._stop_leaving()
        await super().stop()

    def linked(self) -> None:
        self._linked_at = asyncio.get_running_loop().time()
        self._stay_a_little()

    def link_lost(self) -> None:
        self._listened = False
        self._due.clear()
        self._fresh.clear()
        self._stop_leaving()
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None

    def subscriptions_changed(self) -> None:
        listening = self.subscribers(self.result) > 0
        if listening and not self._listened:
            hurried = asyncio.get_running_loop().time() - self._linked_at < self.habits.deaf_s
            self._due.extend([] if hurried else self._backlog())
            self._listened = not hurried
        super().subscriptions_changed()

    def _backlog(self) -> list[Entry]:
        if self.habits.memory in ("racp", "command"):
            return []
        entries = list(self.memory)
        if self.habits.sends_all:
            return entries
        unsent = [entry for entry in entries if not entry.sent]
        return unsent if self.habits.memory == "none" else unsent[::-1]

    def _make_due(self, entries: Sequence[Entry]) -> None:
        self._due.extend(entry for entry in entries if entry not in self._due)
        self._spawn(self._notice_subscription())

    async def _deliver(self) -> None:
        while True:
            async with self._subscribed:
                await self._subscribed.wait_for(lambda: self._due and self.subscribers(self.result) > 0)
            entry = self._due[0]
            delivered = await self._send(entry)
            if self._due and self._due[0] is entry:
                self._due.popleft()
            if not delivered:
                self._due.clear()
                if not self.keeps:
                    self.memory.drop(entry)

    async def _send(self, entry: Entry) -> bool:
        """One reading with all its parts; false when the link broke on the way."""
        self._stay_a_little()
        if entry.sent_at_s is None:
            entry.sent_at_s, entry.fresh = self.now(), entry in self._fresh
        for gatt, value in self.parts(entry, stored=entry not in self._fresh):
            sent = await self.indicate_once(gatt, value) if gatt.push == "indicate" else await self.notify(gatt, value)
            if not sent:
                return False
            if self.bent and not self._sends_again:
                self.spoilt.append(entry)
        entry.sent = True
        if self.habits.deletes:
            self.memory.forget(entry)
        self._stay_a_little()
        return True

    @property
    def _sends_again(self) -> bool:
        return not self.habits.deletes and (self.habits.sends_all or self.habits.memory in ("racp", "command"))

    def _stay_a_little(self) -> None:
        self._stop_leaving()
        if self.habits.leaves_after_s is not None:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(self.habits.leaves_after_s, lambda: self._spawn(self._leave()))

    def _stop_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    async def _leave(self) -> None:
        if not self.inviting:
            await self.sleep()

    # Record Access Control Point

    def _asked(self, raw: bytes) -> None:
        if not self.subscribers(self._control_point):
            raise Refused(CCCD_IMPROPERLY_CONFIGURED)
        try:
            request = racp.parse(raw)
        except Malformed:
            self._answer(Response(raw[0] if raw else 0, ResponseCode.OPCODE_NOT_SUPPORTED))
            return
        busy = self._reporting is not None and not self._reporting.done()
        if isinstance(request, Request) and request.opcode is Opcode.ABORT:
            if self._reporting is not None:
                self._reporting.cancel()
            self._answer(Response(Opcode.ABORT, ResponseCode.SUCCESS))
        elif busy:
            raise Refused(PROCEDURE_ALREADY_IN_PROGRESS)
        elif isinstance(request, Request):
            self._reporting = self._spawn(self._obey(request))

    def _answer(self, answer: Response | Count) -> None:
        self._spawn(self.indicate_once(self._control_point, bytes(answer)))

    async def _obey(self, request: Request) -> None:
        try:
            chosen = self.memory.selected(request)
        except ValueError:
            code = (
                ResponseCode.OPERATOR_NOT_SUPPORTED
                if request.operator is Operator.NULL
                else ResponseCode.OPERAND_NOT_SUPPORTED
            )
            self._answer(Response(request.opcode, code))
            return
        match request.opcode:
            case Opcode.COUNT:
                self._answer(Count(Opcode.COUNT_RESPONSE, len(chosen)))
            case Opcode.REPORT:
                await self._report(request, chosen)
            case Opcode.DELETE:
                for entry in chosen:
                    self.memory.forget(entry)
                self._answer(Response(request.opcode, _found(chosen)))
            case _:
                self._answer(Response(request.opcode, ResponseCode.OPCODE_NOT_SUPPORTED))

    async def _report(self, request: Request, chosen: Sequence[Entry]) -> None:
        for entry in chosen:
            if not await self._send(entry):
                return
        self._answer(Response(request.opcode, _found(chosen)))

    # what a hand does, besides measuring

    def set_clock_wrong(self, how: Wrong = "clock_12h") -> None:
        self.clock.go_wrong(how)

    def fill_memory(self, count: int = FILL, *, apart_s: float = 12 * 3600.0) -> None:
        """So many readings of the past, the newest half a day old, as if the person had measured at home."""
        for back in range(count, 0, -1):
            self.remember(self.now() - back * apart_s)

    def remember(self, at_s: float) -> None:
        """A reading taken at `at_s`, when nobody listened."""
        raise NotImplementedError

    async def use_battery(self, percent: int) -> None:
        """In steps, where the model knows no others."""
        steps = [step for step in BATTERY_STEPS if step >= percent]
        await self.set_battery(min(steps) if self.habits.battery_steps and steps else percent)

    async def drop_link(self) -> None:
        await self.station.hang_up(USER_ENDED)


def _found(chosen: Sequence[Entry]) -> ResponseCode:
    return ResponseCode.SUCCESS if chosen else ResponseCode.NO_RECORDS
