"""What the kit looks at four times a second, and now and then: disk, journal, lock, what was not saved."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from carebag_devices.bag import Instruments
from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.damage import DamageBook
from carebag_edge.disk_room import DiskRoom
from carebag_edge.intake import Intake
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.listening import Listening
from carebag_edge.live_port import LiveMedia
from carebag_edge.nurse_sessions import NurseSessions
from carebag_edge.page_keeper import PageKeeper

TICK_S = 0.25
DISK_EVERY_NS = 10_000_000_000
JOURNAL_EVERY_NS = 600_000_000_000
"""A whole look at the journal: some milliseconds for a day's."""


class Kit(Protocol):
    """The parts that are looked at, and who is told."""

    clock: Clock
    intake: Intake
    live_media: LiveMedia
    bedside: Bedside
    listening: Listening
    instruments: Instruments
    journal: Journal
    damage: DamageBook
    disk: DiskRoom
    sessions: NurseSessions
    keeper: PageKeeper

    def journaled(self, code: str) -> None: ...

    def changed(self, code: str | None = None) -> None: ...

    def forget_old_word(self) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...


class Rounds:
    """Made with the kit, before anything runs."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._page_was_open = True
        self._camera_told: str | None = None
        self._relay_told = kit.live_media.relay_state
        self._disk_at_ns = self._journal_at_ns = kit.clock.monotonic_ns()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            force = self._go()
            if force is not None:
                await asyncio.to_thread(force)

    def _go(self) -> Callable[[], None] | None:
        """Once around; gives what is to be forced to the disk, in a thread."""
        kit = self._kit
        kit.intake.tick()
        self._look_at_the_lock()
        self._look_at_live_media()
        if self._disk_due():
            kit.changed()
        self._look_at_the_journal()
        with contextlib.suppress(*DATABASE_ERRORS):
            kit.bedside.keeper.tick()
        if kit.bedside.unsaved and kit.bedside.retry_unsaved() == 0:
            kit.journaled("saved")
        kit.forget_old_word()
        if kit.listening.is_over():
            kit.spawn(kit.instruments.stop_listening())
        return kit.listening.force_due()

    def _look_at_live_media(self) -> None:
        live = self._kit.live_media
        if self._camera_told != live.camera_problem:
            self._camera_told = live.camera_problem
            self._kit.changed()
        if self._relay_told != live.relay_state:
            self._relay_told = live.relay_state
            self._kit.changed()

    def _look_at_the_journal(self) -> None:
        """What rotted is found while memory still holds it, and said."""
        kit = self._kit
        if kit.clock.monotonic_ns() - self._journal_at_ns >= JOURNAL_EVERY_NS:
            self._journal_at_ns = kit.clock.monotonic_ns()
            kit.journal.look()
        with contextlib.suppress(*DATABASE_ERRORS):
            before = kit.damage.not_taken
            if kit.damage.look():
                kit.bedside.refresh()
                kit.changed("journal_damaged")
            elif before != kit.damage.not_taken:
                kit.changed()

    def _look_at_the_lock(self) -> None:
        """Whoever left the page alone: it is covered now, not at the next thing that happens."""
        with contextlib.suppress(*DATABASE_ERRORS):
            self._kit.sessions.forget_what_is_over()
        is_open, before = self._kit.keeper.is_open, self._page_was_open
        self._page_was_open = is_open
        if is_open != before:
            self._kit.changed()

    def _disk_due(self) -> bool:
        """Look at the disk now and then; True where there is something new to say of it."""
        kit = self._kit
        if kit.clock.monotonic_ns() - self._disk_at_ns < DISK_EVERY_NS:
            return False
        self._disk_at_ns, before = kit.clock.monotonic_ns(), (kit.disk.word, kit.disk.used_percent)
        kit.disk.look()
        return (kit.disk.word, kit.disk.used_percent) != before
