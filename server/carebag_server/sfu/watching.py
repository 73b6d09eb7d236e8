"""Who of a room has to do with the SFU: the kit that sends its picture there, and those who may have it. Pure."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from carebag_server.seats import Action, Connection, Console, GuestHere, KitHere, Send
from carebag_wire.base import Wire
from carebag_wire.calls import SfuServes
from carebag_wire.messages import Problem, Signal

SFU_LINE = 0
"""The connection's number that stands for the SFU's desk; those of sockets begin at 1."""


class Watching(Wire):
    """The same by participant id, for the desk; never leaves the hub."""

    visit_id: uuid.UUID
    kit: str | None
    """None: it is not there now."""
    viewers: tuple[str, ...]


@dataclass(frozen=True)
class SfuRoom:
    visit_id: uuid.UUID
    kit: KitHere | None
    viewers: Mapping[Connection, str]

    @classmethod
    def of(
        cls,
        visit_id: uuid.UUID,
        consoles: Iterable[Console],
        guests: Iterable[GuestHere],
        kits: Mapping[uuid.UUID, KitHere],
    ) -> Self:
        """Of those in the room: doctors, guests with a host's word, and the kit where it is in that home."""
        seated = {one.connection: one for one in consoles if one.seat is not None and one.seat.shown}
        shown = {one.connection: one for one in guests if one.examined}
        ids = {one.seat.kit_id for one in seated.values() if one.seat} | {one.kit_id for one in shown.values()}
        here = (kits[kit_id] for kit_id in ids if kit_id in kits)
        kit = next((one for one in here if one.participant.id in one.behind(visit_id)), None)
        viewers = {line: one.participant.id for line, one in seated.items()}
        return cls(visit_id, kit, viewers | {line: one.participant.id for line, one in shown.items()})

    @property
    def watching(self) -> Watching:
        kit = self.kit.participant.id if self.kit else None
        return Watching(visit_id=self.visit_id, kit=kit, viewers=tuple(self.viewers.values()))

    def say(self, connection: Connection, message: Signal) -> list[Action]:
        """Call set-up for the SFU, with the true sender; refused from anybody else."""
        of_kit = self.kit is not None and self.kit.connection == connection
        sender = self.watching.kit if of_kit else self.viewers.get(connection)
        if sender is None or (of_kit and message.sender not in {"", sender}):
            return [Send(connection, Problem(code="not_here"))]
        return [Send(SFU_LINE, message.model_copy(update={"sender": sender}))]

    def hear(self, message: Signal | SfuServes) -> list[Action]:
        """What the desk says to one of them, who may have left meanwhile."""
        if self.kit is not None and message.to == self.watching.kit:
            return [Send(self.kit.connection, message)]
        return [Send(line, message) for line, viewer in self.viewers.items() if viewer == message.to]
