"""The nurse's open pages: the whole state at every change, at most ten times a second, and live messages in between.

What is of a patient is marked so, and whoever sends it looks at the lock first. A page that does not read never holds
up the others: of the state it gets the newest, of live messages the last ones.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from carebag_wire.calls import Relay
from carebag_wire.messages import LinkReport, Signal
from carebag_wire.nurse_messages import KitState
from carebag_wire.page_lock import PageLock
from carebag_wire.visit import ListeningState, LiveVitals

STATE_EVERY_S = 0.1
KEPT = 128


class NursePage:
    """What waits to be sent to one page."""

    def __init__(self) -> None:
        self._state: tuple[str, bool] | None = None
        self._messages: deque[tuple[str, bool]] = deque(maxlen=KEPT)
        self._due = asyncio.Event()

    def state(self, text: str, *, of_patient: bool = True) -> None:
        self._state = (text, of_patient)
        self._due.set()

    def message(self, text: str, *, of_patient: bool = False) -> None:
        """`of_patient`: for an open page alone."""
        self._messages.append((text, of_patient))
        self._due.set()

    async def next(self) -> tuple[str, bool]:
        """The next text to send, and whether it is of a patient; the state goes first."""
        while True:
            if self._state is not None:
                state, self._state = self._state, None
                return state
            if self._messages:
                return self._messages.popleft()
            self._due.clear()
            await self._due.wait()


class NursePages:
    """All pages that said Hello; the latest one takes part in the call."""

    def __init__(self, shown: Callable[[], KitState | PageLock]) -> None:
        """`shown`: everything, or of a locked page the lock."""
        self._shown = shown
        self._pages: list[NursePage] = []
        self._dirty = asyncio.Event()
        self._relay: Relay | None = None

    @property
    def present(self) -> bool:
        return bool(self._pages)

    def join(self, page: NursePage) -> None:
        self._pages.append(page)
        shown = self._shown()
        page.state(shown.model_dump_json(), of_patient=isinstance(shown, KitState))
        if self._relay is not None:
            page.message(self._relay.model_dump_json())

    def relay(self, relay: Relay) -> None:
        """TURN credentials for the page's own call; kept for the page that comes next."""
        self._relay = relay
        for page in self._pages:
            page.message(relay.model_dump_json())

    def leave(self, page: NursePage) -> None:
        if page in self._pages:
            self._pages.remove(page)

    def changed(self) -> None:
        """Something that `KitState` shows is different now."""
        self._dirty.set()

    def tell(self, message: LiveVitals | ListeningState | LinkReport) -> None:
        text = message.model_dump_json() if self._pages else ""
        for page in self._pages:
            page.message(text, of_patient=True)

    def signal(self, signal: Signal) -> None:
        """Call set-up is for the latest page only: one person, one call."""
        if self._pages:
            self._pages[-1].message(signal.model_dump_json())

    def speaks(self, page: NursePage) -> bool:
        """Whether it is this page that takes part in the call; what another says of it would break it."""
        return bool(self._pages) and self._pages[-1] is page

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if self._pages:
                shown = self._shown()
                text = shown.model_dump_json()
                for page in self._pages:
                    page.state(text, of_patient=isinstance(shown, KitState))
            await asyncio.sleep(STATE_EVERY_S)
