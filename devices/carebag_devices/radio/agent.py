"""Our pairing agent for BlueZ: pairs with the device that the nurse has just chosen, and with no other.

bleak has no agent, and without one BlueZ lets nothing pair. This one registers as the default agent, on a real
BlueZ and on the simulated one, and registers again when bluetoothd comes back. Source: org.bluez.Agent1,
org.bluez.AgentManager1 (BlueZ doc/). Linux only.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

from bleak.backends.bluezdbus.utils import get_dbus_authenticator
from dbus_fast import AuthError, BusType, InvalidAddressError, Message, MessageType
from dbus_fast.aio import MessageBus

from carebag_devices.errors import RadioMissing
from carebag_devices.radio.dbus_objects import NOTHING, Background, Face, Handler, ObjectTree, Refusal, Reply, leave

log = logging.getLogger(__name__)

AGENT = "org.bluez.Agent1"
AGENT_MANAGER = "org.bluez.AgentManager1"
AGENT_PATH = "/org/carebag/agent"
WINDOW_S = 60.0
"""How long a chosen device may pair."""

Passkey = Callable[[str], Awaitable[int | None]]
"""Asks the nurse for the number on the device at this address; None when there is none."""

_DEVICE = re.compile(r"/dev_((?:[0-9A-F]{2}_){5}[0-9A-F]{2})$")
_BUS = "org.freedesktop.DBus"


class PairingAgent:
    """`async with PairingAgent() as agent`, then `agent.allow(address)` when the nurse presses "pair"."""

    def __init__(
        self,
        *,
        passkey: Passkey | None = None,
        keyboard: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        bus_address: str | None = None,
        on_change: Callable[[RadioMissing | None], None] | None = None,
    ) -> None:
        """`bus_address` None is the system bus (`DBUS_SYSTEM_BUS_ADDRESS`). `on_change` hears of `problem`.

        `keyboard`: whether digits can be typed from the start; default: where there is a `passkey` to ask.
        """
        self.problem: RadioMissing | None = RadioMissing("not_started")
        """Why nothing can pair now, or None. No BlueZ is a state, which may pass."""
        self._passkey = passkey
        self._keyboard = passkey is not None if keyboard is None else keyboard
        self._clock = clock
        self._bus_address = bus_address
        self._on_change = on_change
        self._until: dict[str, float] = {}
        self._owner = ""
        self._bus: MessageBus | None = None
        self._tree: ObjectTree | None = None
        self._background = Background()
        self._asking: set[asyncio.Future[int | None]] = set()

    @property
    def capability(self) -> str:
        return "KeyboardOnly" if self._keyboard else "NoInputNoOutput"

    async def offer_keyboard(self, on: bool) -> None:
        """What the devices are told the kit can do: with digits for those that show some, else Just Works.

        BlueZ takes the capability when the agent registers, so a change registers it anew.
        """
        if on == self._keyboard or (on and self._passkey is None):
            return
        self._keyboard = on
        if self._owner:
            with contextlib.suppress(Refusal):
                await self._call(self._owner, "/org/bluez", AGENT_MANAGER, "UnregisterAgent", "o", [AGENT_PATH])
            await self._register()

    def allow(self, address: str, window_s: float = WINDOW_S) -> None:
        """The nurse chose this device: it may pair during the next `window_s`."""
        self._until[address.upper()] = self._clock() + window_s

    def disallow(self, address: str) -> None:
        self._until.pop(address.upper(), None)

    def allows(self, address: str) -> bool:
        until = self._until.get(address.upper())
        return until is not None and self._clock() < until

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Join the bus. Raises `RadioMissing` without a bus; without BlueZ it waits for it (see `problem`)."""
        self._bus = bus = await join(self._bus_address)
        try:
            self._tree = ObjectTree(bus)
            self._tree.add(AGENT_PATH, {AGENT: Face(methods=self._methods())}, announce=False)
            bus.add_message_handler(self._on_message)
            rule = f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='org.bluez'"
            await self._call(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", [rule])
            with contextlib.suppress(Refusal):
                answer = await self._call(_BUS, "/org/freedesktop/DBus", _BUS, "GetNameOwner", "s", ["org.bluez"])
                self._owner = answer[0]
            await self._register()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave the bus; BlueZ then forgets the agent by itself."""
        await self._background.close()
        for asked in self._asking:
            asked.cancel()
        if self._tree is not None:
            await self._tree.close()
            self._tree = None
        bus, self._bus = self._bus, None
        if bus is not None:
            await leave(bus)
        self._owner = ""
        self._settle(RadioMissing("not_started"))

    async def _register(self) -> None:
        if not self._owner:
            self._settle(RadioMissing("no_bluez"))
            return
        path, manager = "/org/bluez", AGENT_MANAGER
        try:
            await self._call(self._owner, path, manager, "RegisterAgent", "os", [AGENT_PATH, self.capability])
            await self._call(self._owner, path, manager, "RequestDefaultAgent", "o", [AGENT_PATH])
        except Refusal as refusal:
            log.warning("BlueZ refused the pairing agent: %s", refusal.name)
            self._settle(RadioMissing("agent_refused"))
            return
        self._settle(None)

    def _settle(self, problem: RadioMissing | None) -> None:
        before, self.problem = self.problem, problem
        changed = (before.reason if before else None) != (problem.reason if problem else None)
        if changed and self._on_change is not None:
            self._on_change(problem)

    def _on_message(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _old, new = message.body
            if name == "org.bluez" and message.sender == _BUS:
                self._owner = new
                self._background.spawn(self._register())
        return False

    def _methods(self) -> dict[str, tuple[str, Handler]]:
        methods: dict[str, tuple[str, Handler]] = {
            "Release": ("", self._release),
            "RequestPinCode": ("o", self._reject),
            "DisplayPinCode": ("os", self._reject),
            "RequestPasskey": ("o", self._request_passkey),
            "DisplayPasskey": ("ouq", self._reject),
            "RequestConfirmation": ("ou", self._authorize),
            "RequestAuthorization": ("o", self._authorize),
            "AuthorizeService": ("os", self._authorize),
            "Cancel": ("", self._cancel),
        }
        return {name: (signature, self._from_bluez(handler)) for name, (signature, handler) in methods.items()}

    def _from_bluez(self, handler: Handler) -> Handler:
        """Nobody else on the bus may ask us to pair."""

        async def checked(message: Message) -> Reply:
            if not self._owner or message.sender != self._owner:
                raise Refusal("org.freedesktop.DBus.Error.AccessDenied", "Only BlueZ may ask")
            return await handler(message)

        return checked

    async def _authorize(self, message: Message) -> Reply:
        self._require_allowed(message)
        return NOTHING

    async def _request_passkey(self, message: Message) -> Reply:
        address = self._require_allowed(message)
        if self._passkey is None:
            raise Refusal("Rejected", "Rejected")
        asked: asyncio.Future[int | None] = asyncio.ensure_future(self._passkey(address))
        self._asking.add(asked)
        try:
            number = await asked
        except asyncio.CancelledError:
            raise Refusal("Canceled", "Canceled") from None
        finally:
            self._asking.discard(asked)
        if number is None or not 0 <= number <= 999_999:
            raise Refusal("Rejected", "Rejected")
        return "u", [number]

    async def _reject(self, _message: Message) -> Reply:
        raise Refusal("Rejected", "Rejected")

    async def _cancel(self, _message: Message) -> Reply:
        for asked in list(self._asking):
            asked.cancel()
        return NOTHING

    async def _release(self, _message: Message) -> Reply:
        self._settle(RadioMissing("agent_released"))
        return NOTHING

    def _require_allowed(self, message: Message) -> str:
        found = _DEVICE.search(str(message.body[0]))
        address = found.group(1).replace("_", ":") if found else ""
        if not self.allows(address):
            log.warning("pairing refused: this device was not chosen on the kit")
            raise Refusal("Rejected", "Rejected")
        return address

    async def _call(
        self, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> list[Any]:
        assert self._bus is not None
        call = Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
        answer = await self._bus.call(call)
        if answer is None or answer.message_type is MessageType.ERROR:
            raise Refusal(str(answer.error_name if answer else "Failed"))
        return list(answer.body)


async def join(address: str | None) -> MessageBus:
    """The system bus, or the one given. Raises `RadioMissing`."""
    try:
        bus = MessageBus(bus_address=address, bus_type=BusType.SYSTEM, auth=get_dbus_authenticator())
    except (OSError, InvalidAddressError):
        raise RadioMissing("no_system_bus") from None
    try:
        return await bus.connect()
    except BaseException as error:
        bus.disconnect()  # the socket is open since the constructor
        if not isinstance(error, AuthError | OSError | InvalidAddressError | EOFError):
            raise
        raise RadioMissing("bus_denied" if isinstance(error, AuthError) else "no_system_bus") from None
