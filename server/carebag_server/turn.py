"""Short-lived TURN credentials: one for each participant of a live visit, made anew before it expires.

The scheme is coturn's `use-auth-secret` ("A REST API For Access To TURN Services", draft-uberti-behave-turn-rest-00):
the user name is `expiry:name`, the password is HMAC-SHA1 of it under a secret that hub and TURN server share. The name
binds it to room and user by pseudonyms, so that a log of the TURN server tells neither patient nor practitioner.
"""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from carebag_wire.calls import MAX_RELAY_URLS, Relay

LIFETIME_S = 3600
"""A call that stands goes on after that; a new one needs new credentials, which come at half this time."""
MIN_SECRET = 32
_PUBLISHED = frozenset({"north", "south", "secret", "changeme", "logen", "your-secret-here", "mysecret", "turnsecret"})
"""Secrets of examples and manuals."""
_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?(?P<query>\?\S*)?"
)
TurnFault = Literal["bad_turn_url", "turn_without_secret", "weak_turn_secret", "relay_only_without_turn"]


@dataclass(frozen=True, kw_only=True)
class TurnSettings:
    """What an operator says of the TURN servers; without URLs nobody is given anything."""

    urls: tuple[str, ...] = ()
    """RFC 7065, the best first: `turn:turn.example.se:3478?transport=udp`."""
    secret: str = field(default="", repr=False)
    """The same as coturn's `static-auth-secret`."""
    relay_only: bool = False
    """No media but by way of a TURN server."""
    lifetime_s: int = LIFETIME_S

    def fault(self, demo: bool) -> TurnFault | None:
        """Why the hub must not start like this; a demo, which nobody else can reach, may have a weak secret."""
        if not self.urls:
            return "relay_only_without_turn" if self.relay_only else None
        if len(self.urls) > MAX_RELAY_URLS or not all(_is_turn_url(url) for url in self.urls):
            return "bad_turn_url"
        if not self.secret:
            return "turn_without_secret"
        return "weak_turn_secret" if not demo and is_weak(self.secret) else None


def is_weak(secret: str) -> bool:
    """Whether a secret is short, from an example, or hardly random; `openssl rand -hex 32` makes a good one."""
    return len(secret) < MIN_SECRET or secret.strip().lower() in _PUBLISHED or len(set(secret)) < 10


def _is_turn_url(url: str) -> bool:
    found = _URL.fullmatch(url)
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        return False
    return found["query"] in {None, "?transport=tcp"} or (found["query"], found["scheme"]) == ("?transport=udp", "turn")


def pseudonym(secret: str, kind: str, of: str) -> str:
    """Twelve hexadecimal digits in place of a room or a user: only who has the secret can tell which."""
    return hmac.new(secret.encode(), f"carebag {kind}\n{of}".encode(), hashlib.sha256).hexdigest()[:12]


def credential_for(secret: str, username: str) -> str:
    """The password that coturn expects for a user name."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()


def relay_for(settings: TurnSettings, visit_id: UUID, participant: str, now: datetime) -> Relay | None:
    """Credentials for one participant of one visit; None where there is no TURN server."""
    if not settings.urls:
        return None
    expiry = int(now.timestamp()) + settings.lifetime_s
    room = pseudonym(settings.secret, "room", str(visit_id))
    user = pseudonym(settings.secret, "user", f"{visit_id}\n{participant}")
    username = f"{expiry}:{room}-{user}"
    return Relay(
        visit_id=visit_id,
        to=participant,
        urls=list(settings.urls),
        username=username,
        credential=credential_for(settings.secret, username),
        expires_at=datetime.fromtimestamp(expiry, UTC),
        relay_only=settings.relay_only,
    )


class RelayGiver:
    """Gives the participants behind one socket their credentials, again and again while they are in a live visit.

    Args:
        may: whether these participants may have them in this visit now: the store is asked, in a thread.
        push: sends on the socket.
    """

    def __init__(
        self,
        settings: TurnSettings,
        now: Callable[[], datetime],
        may: Callable[[UUID], bool],
        push: Callable[[Relay], None],
    ) -> None:
        self._settings, self._now, self._may, self._push = settings, now, may, push
        self._wanted: tuple[UUID | None, tuple[str, ...]] = (None, ())
        self._changed = asyncio.Event()

    def serve(self, visit_id: UUID | None, *participants: str) -> None:
        """These are in that visit's room from now on; None: in no room."""
        wanted = (visit_id, participants)
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    def serve_at_once(self, visit_id: UUID, *participants: str) -> None:
        """As `serve`, for who has just been let in: before anything that would make a call begin."""
        self.serve(visit_id, *participants)
        self._changed.clear()
        self._push_all(visit_id, participants)

    async def run(self) -> None:
        """Until cancelled. Failing to ask the store ends it, and with it the socket, which then comes back."""
        if not self._settings.urls:
            await asyncio.Event().wait()
        while True:
            await self._give()
            try:
                async with asyncio.timeout(self._settings.lifetime_s / 2):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _give(self) -> None:
        self._changed.clear()
        visit_id, participants = wanted = self._wanted
        if visit_id is None or not await run_in_threadpool(self._may, visit_id) or wanted != self._wanted:
            return
        self._push_all(visit_id, participants)

    def _push_all(self, visit_id: UUID, participants: tuple[str, ...]) -> None:
        for participant in participants:
            relay = relay_for(self._settings, visit_id, participant, self._now())
            if relay is not None:
                self._push(relay)
