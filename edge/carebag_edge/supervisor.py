"""Keeps the kit's ways to hub and doctors alive, and says on which rung of the ladder the visit stands.

A connection that broke is noticed by its own part (`hub_link`, `live.call`, the page); here is what they cannot see:
another address, and the whole of it.
"""

import asyncio
from datetime import timedelta
from typing import Protocol

from carebag_edge.clock import Clock
from carebag_edge.hub_link import HubLink
from carebag_edge.ladder import Climber, Seen, Standing
from carebag_edge.live_port import LiveMedia
from carebag_edge.network_watch import watch_addresses
from carebag_wire.ladder import Ladder

LOOK_EVERY_S = 0.5


class SupervisorOwner(Protocol):
    """What the supervisor asks of the kit."""

    def changed(self, code: str | None = None) -> None:
        """The pages and the hub should be told."""

    def visit_is_open(self) -> bool: ...

    def doctors_present(self) -> int:
        """In the open visit's room, as the hub told last."""


class Supervisor:
    def __init__(
        self,
        owner: SupervisorOwner,
        link: HubLink,
        live: LiveMedia,
        clock: Clock,
    ) -> None:
        self._owner = owner
        self._link = link
        self._live = live
        self._clock = clock
        self._climber = Climber()
        self._standing: Standing | None = None
        self._since = clock.utc()
        self.telephone = ""
        """Of the doctors, as the hub told."""
        self.moves = 0
        """How often the kit got another address and reached the hub by it."""
        self._moving = False

    @property
    def shown(self) -> Ladder | None:
        """What pages and hub are told; None while there is nobody to be live with."""
        standing = self._standing
        if standing is None:
            return None
        return Ladder(rung=standing.rung, why=standing.why, since=self._since, telephone=self.telephone)

    @property
    def nobody_reached(self) -> bool:
        """What a doctor sees and hears is not known, or nothing."""
        return self._standing is not None and self._standing.rung in ("store_and_forward", "telephone")

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_addresses(self.moved))
            group.create_task(self._look_often())

    def moved(self) -> None:
        """The kit has another address: what was connected before goes nowhere."""
        self._moving = True
        self._link.renew()
        self._live.renew(moved=True)

    def hub_is_back(self) -> None:
        """Calls that broke meanwhile could not be offered anew: now they can, the pages' own too."""
        self.moves += self._moving
        self._moving = False
        self._live.renew(moved=False)

    async def _look_often(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Measure once, and act on another rung."""
        if not self._owner.visit_is_open():
            self._climber = Climber()
            standing = None
        else:
            standing = self._climber.step(self._now_s(), self._seen())
        before, self._standing = self._standing, standing
        if standing == before:
            return
        if standing is not None:
            self._since = self._clock.utc() - timedelta(seconds=self._now_s() - standing.since_s)
        self._live.limit_video(standing.video if standing is not None else "full")
        self._owner.changed()

    def _seen(self) -> Seen:
        return Seen(
            hub=self._link.core.state == "online",
            doctors=self._owner.doctors_present(),
            paths=tuple(self._live.quality().values()),
        )

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9
