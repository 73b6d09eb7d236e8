"""The hub's parts, made once by `app.create_app` and handed to every route."""

import time
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from carebag_server.database import Database
from carebag_server.media import MediaStore
from carebag_server.refusals import Refused
from carebag_server.refused_kits import RefusedKits
from carebag_server.settings import Settings
from carebag_server.together import Together, Watch
from carebag_server.tries import Paces, Tries

if TYPE_CHECKING:
    from uuid import UUID

    from carebag_server.admin_acts import AdminActs
    from carebag_server.callers import PersonCaller
    from carebag_server.oidc.provider import Provider
    from carebag_server.sockets import LiveRooms
    from carebag_server.visit_lists import VisitList

Found = TypeVar("Found")
PACES = {"person": (600, 40.0), "guest": (200, 10.0), "kit": (2000, 200.0), "address": (600, 40.0)}
"""Requests at once, and each second in the long run. A page at its busiest asks for some 60 at once; a kit after days
alone sends some 20 a second; behind one address (those not signed in) may be a whole ward."""


@dataclass
class Hub:
    settings: Settings
    database: Database
    now: Callable[[], datetime]
    """Aware UTC."""
    media: MediaStore
    live: "LiveRooms"
    guest_tries: Tries = field(default_factory=Tries)
    """Guests' links that did not work, by address; forgotten at a restart."""
    paces: dict[str, Paces] = field(default_factory=lambda: {kind: Paces(*pace) for kind, pace in PACES.items()})
    """How fast each caller may ask, by kind of caller."""
    code_tries: Tries = field(default_factory=Tries)
    """Kits' codes and passkey links that did not work, by address; forgotten at a restart."""
    refused_kits: RefusedKits = field(default_factory=RefusedKits)
    provider: "Provider | None" = None
    """By whom people sign in beside their passkeys."""
    lists: "Together[PersonCaller, VisitList]" = field(init=False)
    seats: "Together[tuple[PersonCaller, UUID], bool]" = field(init=False)
    """Whether a doctor may stay in the room of a visit."""
    questions: "Together[UUID, list[UUID]]" = field(init=False)
    """What the medical lead asked each person and waits for."""
    admin_acts: "AdminActs" = field(init=False)
    signed_in: Watch = field(init=False)
    """Sessions behind the open sockets."""
    locked: Watch = field(init=False)
    """Those of them that are locked."""
    enrolled: Watch = field(init=False)
    """Kits behind the open sockets."""
    nurses: Watch = field(init=False)
    """Commissions of the nurses who are signed in at those kits."""

    def counted(
        self, tries: Tries, address: str, work: Callable[[Session], Found], wrong: Container[int] = (410,)
    ) -> Found:
        """Try a link or a code in a transaction of its own; too many that do not work, and the address has to wait.

        Args:
            wrong: statuses of a refusal that count as one that did not work.

        Raises:
            Refused: 429 `too_many_tries`, and as `work`.
        """
        now_s = self.now().timestamp()
        if not tries.allowed(address, now_s):
            raise Refused(429, "too_many_tries")
        try:
            with self.database.transaction() as session:
                return work(session)
        except Refused as refused:
            if refused.status in wrong:
                tries.failed(address, now_s)
            raise

    def keep_pace(self, kind: str, caller: str) -> None:
        """One more request of a caller.

        Raises:
            Refused: 429 `too_many_requests`.
        """
        if not self.paces[kind].take(caller, time.monotonic()):
            raise Refused(429, "too_many_requests")


def hub_of(connection: HTTPConnection) -> Hub:
    return cast("Hub", connection.app.state.hub)


TheHub = Annotated[Hub, Depends(hub_of)]
