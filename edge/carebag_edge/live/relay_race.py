"""Which TURN address answers: UDP first, then TCP, then TLS, raced by our own code.

aiortc asks only the first TURN URL it is given, waits five seconds for a dead one, and says nothing when a login fails
or a certificate is not trusted: the relay candidate is just missing. So each address is tried here by a real
allocation, and aiortc is given the one that works. `Heat` decides (no I/O, no clock), `RelayRace` runs.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aioice import stun
from aioice.ice import get_host_addresses
from aioice.turn import create_turn_endpoint

from carebag_edge.live.port import IceServer
from carebag_wire.calls import Relay, RelayState

RelayPath = Literal["udp", "tcp", "tls"]
HEAD_START_S = 0.3
"""How much earlier UDP starts than TCP, and TCP than TLS: media over TCP waits behind every lost packet."""
GRACE_S = 0.3
"""After the first answer, how long a better one that runs already may still take."""
LIMIT_S = 4.0
"""aiortc itself gives a TURN server five seconds."""
WAIT_S = 1.0
"""A call that may also go without a relay waits no longer for the race."""
AGAIN_S = 10.0
"""After a race that nobody won, the next one comes no sooner."""
log = logging.getLogger(__name__)
_URL = re.compile(r"(turns?):(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?")
_ORDER: tuple[RelayPath, ...] = ("udp", "tcp", "tls")
_OF_ANSWER = {401: "turn_refused", 403: "turn_refused", 441: "turn_refused", 486: "turn_full", 508: "turn_full"}
"""RFC 8489 and RFC 8656, sections 14.8."""
_TELLING = ("turn_refused", "turn_full", "turn_certificate", "turn_answer", "turn_unreachable", "turn_name")
"""Of several reasons the one that tells most; `turn_no_answer` is what is left."""


@dataclass(frozen=True)
class TurnAddress:
    url: str
    host: str
    port: int
    path: RelayPath

    @classmethod
    def of(cls, url: str) -> "TurnAddress":
        """Read a TURN URL (RFC 7065).

        Raises:
            ValueError: `bad_turn_url`.
        """
        found = _URL.fullmatch(url)
        if found is None:
            raise ValueError("bad_turn_url")
        scheme, host, port, transport = found.groups()
        secure = scheme == "turns"
        number = int(port or (5349 if secure else 3478))
        if not 0 < number < 65536 or (secure and transport == "udp"):
            raise ValueError("bad_turn_url")
        path: RelayPath = "tls" if secure else "tcp" if transport == "tcp" else "udp"
        return cls(url, host.strip("[]"), number, path)


class RelayFailed(Exception):
    """A TURN address does not work; `code` is a catalogue word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Heat:
    """Who of `runners` starts when and who has won: the lower the number, the better, all times in seconds.

    A runner starts after its head start, or as soon as all better ones have failed. The first to arrive wins, unless
    a better one that is running arrives within the grace.
    """

    def __init__(self, runners: int, head_start_s: float = HEAD_START_S, grace_s: float = GRACE_S) -> None:
        self._head_start_s, self._grace_s = head_start_s, grace_s
        self._running: set[int] = set()
        self._waiting = list(range(runners))
        self._arrived: dict[int, float] = {}

    def start(self, now: float) -> list[int]:
        """Who starts now, `now` counted from the beginning of the heat; nobody once somebody has arrived."""
        starting: list[int] = []
        while self._waiting and not self._arrived:
            idle = not self._running and not starting
            if not idle and now < self._waiting[0] * self._head_start_s:
                break
            starting.append(self._waiting.pop(0))
        self._running.update(starting)
        return starting

    def failed(self, runner: int) -> None:
        self._running.discard(runner)

    def arrived(self, runner: int, now: float) -> None:
        self._running.discard(runner)
        self._arrived[runner] = now

    def winner(self, now: float) -> int | None:
        """Decided or not: the number of the winner."""
        if not self._arrived:
            return None
        best = min(self._arrived)
        waited = now >= min(self._arrived.values()) + self._grace_s
        return best if waited or not any(runner < best for runner in self._running) else None

    @property
    def lost(self) -> bool:
        """Nobody arrived and nobody will."""
        return not (self._arrived or self._running or self._waiting)

    def next_look(self) -> float:
        """When something may change though nobody arrives or fails."""
        if self._arrived:
            return min(self._arrived.values()) + self._grace_s
        return self._waiting[0] * self._head_start_s if self._waiting else float("inf")


Probe = Callable[[TurnAddress, str, str], Coroutine[Any, Any, None]]
"""Tries an address with user name and credential; raises `RelayFailed`."""


class _Nobody(asyncio.DatagramProtocol):
    """Nothing is sent by way of a trial allocation."""


async def allocate(address: TurnAddress, username: str, credential: str) -> None:
    """Allocate and release, as a call would.

    Raises:
        RelayFailed: `turn_name`, `turn_unreachable`, `turn_certificate`, `turn_no_answer`, `turn_refused` (login),
            `turn_full`, `turn_answer` (anything else).
    """
    try:
        transport, _ = await create_turn_endpoint(
            _Nobody,
            (address.host, address.port),
            username,
            credential,
            lifetime=60,
            ssl=True if address.path == "tls" else None,
            transport="udp" if address.path == "udp" else "tcp",
        )
    except (stun.TransactionError, ssl.SSLError, OSError, ValueError) as error:
        raise RelayFailed(reason(error)) from None
    transport.close()


def reason(error: Exception) -> str:
    """The catalogue word for what a TURN client met."""
    if isinstance(error, stun.TransactionFailed):
        return _OF_ANSWER.get(error.response.error_code or 0, "turn_answer")
    if isinstance(error, ssl.SSLError):
        return "turn_certificate"
    if isinstance(error, stun.TransactionError | TimeoutError):
        return "turn_no_answer"
    if type(error).__name__ == "gaierror":
        return "turn_name"
    return "turn_unreachable" if isinstance(error, OSError) else "turn_answer"


def own_addresses() -> tuple[str, ...]:
    """This machine's addresses: when they change, another way may be the best."""
    return tuple(sorted(get_host_addresses(use_ipv4=True, use_ipv6=True)))


class RelayRace:
    """The relay that works from here and now: raced when credentials come, remembered, raced again when it failed.

    Args:
        only: this kit sends media by way of a relay or not at all, whatever the hub says.
        addresses: gives this machine's addresses.
        now: monotonic seconds.
        told: called when `state` is another one.
    """

    def __init__(
        self,
        *,
        only: bool = False,
        probe: Probe = allocate,
        addresses: Callable[[], Sequence[str]] = own_addresses,
        now: Callable[[], float] = time.monotonic,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._own, self._held, self._probe, self._addresses, self._told = only, False, probe, addresses, told
        self._now = now
        self._relay: Relay | None = None
        self._chosen: TurnAddress | None = None
        self._from: tuple[str, ...] = ()
        self._race: asyncio.Task[None] | None = None
        self._ended_at = float("-inf")
        self.state = self._nothing

    @property
    def _nothing(self) -> RelayState | None:
        return RelayState(problem="turn_none", only=True) if self.only else None

    @property
    def only(self) -> bool:
        """Media goes by way of a relay or not at all."""
        return self._own or self._held or (self._relay is not None and self._relay.relay_only)

    def hold(self, only: bool) -> None:
        """The hub wants it so for everybody."""
        self._held = only
        if self._relay is None:
            self._become(self._nothing)

    def take(self, relay: Relay | None) -> None:
        """New credentials: the choice stays while the servers are the same. None: there is no relay any more."""
        before, self._relay = self._relay, relay
        if relay is None:
            self._stop()
            self._chosen = None
            self._become(self._nothing)
        elif before is None or before.urls != relay.urls or self._chosen is None:
            self._again()

    async def best(self, failed: bool = False) -> IceServer | None:
        """What to give the media library for the next call, or None: then the call tries without.

        Args:
            failed: the last call came to nothing, perhaps because of the relay.
        """
        if self._relay is None:
            return None
        if self._race is None and self._due(failed):
            self._again()
        if self._race is not None:
            limit = None if self.only else WAIT_S
            await asyncio.wait([self._race], timeout=limit)
        chosen, relay = self._chosen, self._relay
        return None if chosen is None or relay is None else IceServer(chosen.url, relay.username, relay.credential)

    def _due(self, failed: bool) -> bool:
        if self._from != tuple(self._addresses()):
            return True
        rested = self._now() - self._ended_at >= AGAIN_S
        return failed or (self._chosen is None and rested)

    def _again(self) -> None:
        self._stop()
        self._chosen, self._from = None, tuple(self._addresses())
        self._race = asyncio.create_task(self._run(), name="relay race")

    def _stop(self) -> None:
        race, self._race = self._race, None
        if race is not None:
            race.cancel()

    async def _run(self) -> None:
        relay = self._relay
        assert relay is not None
        chosen, problem = await race(relay, self._probe, self._now)
        self._chosen, self._race, self._ended_at = chosen, None, self._now()
        if problem is not None:
            log.warning("live: no TURN server answers: %s", problem)
        self._become(RelayState(path=chosen.path if chosen else "", problem=problem, only=self.only))

    def _become(self, state: RelayState | None) -> None:
        if state != self.state:
            self.state = state
            self._told()

    async def close(self) -> None:
        race = self._race
        self._stop()
        if race is not None:
            await asyncio.wait([race])


async def race(relay: Relay, probe: Probe, now: Callable[[], float]) -> tuple[TurnAddress | None, str | None]:
    """One race: the address that won, or the reason why none did."""
    runners, codes = _line_up(relay.urls)
    heat, began = Heat(len(runners)), now()
    tries: dict[asyncio.Task[None], int] = {}
    try:
        while True:
            at = now() - began
            for runner in heat.start(at):
                tries[asyncio.create_task(probe(runners[runner], relay.username, relay.credential))] = runner
            winner = heat.winner(at if at < LIMIT_S else float("inf"))
            if winner is not None:
                return runners[winner], None
            if heat.lost or at >= LIMIT_S:
                return None, _most_telling(codes)
            await _until_news(tries, min(heat.next_look(), LIMIT_S) - at)
            _take_news(tries, heat, codes, now() - began)
    finally:
        for left in tries:
            left.cancel()
        await asyncio.gather(*tries, return_exceptions=True)


async def _until_news(tries: dict[asyncio.Task[None], int], seconds: float) -> None:
    seconds = max(seconds, 0.001)  # a clock that rounds must not make this spin
    if tries:
        await asyncio.wait(tries, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(seconds)
    await asyncio.sleep(0)  # who arrives at the very moment at which the time is up has arrived


def _take_news(tries: dict[asyncio.Task[None], int], heat: Heat, codes: list[str], at: float) -> None:
    for task in [task for task in tries if task.done()]:
        runner, error = tries.pop(task), task.exception()
        if error is None:
            heat.arrived(runner, at)
        else:
            codes.append(error.code if isinstance(error, RelayFailed) else "turn_answer")
            heat.failed(runner)


def _line_up(urls: Sequence[str]) -> tuple[list[TurnAddress], list[str]]:
    """The addresses, UDP before TCP before TLS, else as the operator wrote them; and what is wrong with the others."""
    good: list[TurnAddress] = []
    codes: list[str] = []
    for url in urls:
        try:
            good.append(TurnAddress.of(url))
        except ValueError as error:
            codes.append(str(error))
    return sorted(good, key=lambda address: _ORDER.index(address.path)), codes


def _most_telling(codes: Sequence[str]) -> str:
    return next((code for code in _TELLING if code in codes), "turn_no_answer")
