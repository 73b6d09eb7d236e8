"""Watches BlueZ beside bleak: adapters that go off or away (and switches them on again), links that break at once.

A bag's Bluetooth has no reason to be off, and nurses no switch. What a hardware switch blocks stays off (BlueZ
refuses), and the page says so. Source: org.bluez.Adapter1. Linux only.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from carebag_devices.radio.agent import join
from carebag_devices.radio.dbus_objects import leave

log = logging.getLogger(__name__)

ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
FLAPS = 6
"""So many links to a bonded device in one attempt that came up and broke at once: it does not know our key any more."""
_PROPERTIES = "org.freedesktop.DBus.Properties"
_MANAGER = "org.freedesktop.DBus.ObjectManager"
_RULES = (
    f"type='signal',sender='org.bluez',interface='{_PROPERTIES}',member='PropertiesChanged',arg0='{ADAPTER}'",
    f"type='signal',sender='org.bluez',interface='{_MANAGER}',member='InterfacesRemoved'",
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez',arg2=''",
)


class BluezWatch:
    """`async with BluezWatch() as watch`: `watch.gone` is set when an adapter was switched off or pulled out.

    `on_death` hears of a bluetoothd that is gone from the bus, also by a crash: then every link is dead, whatever bleak
    3.1 believes, which does not watch the name.
    """

    def __init__(self, bus_address: str | None = None, *, on_death: Callable[[], None] = lambda: None) -> None:
        self.gone = asyncio.Event()
        self._on_death = on_death
        self._bus_address = bus_address
        self._bus: MessageBus | None = None
        self._flaps: dict[str, tuple[asyncio.Event, int]] = {}

    async def __aenter__(self) -> Self:
        """Raises `RadioMissing` without a bus."""
        self._bus = await join(self._bus_address)
        self._bus.add_message_handler(self._on_message)
        try:
            for rule in _RULES:
                await self._match("AddMatch", rule)
        except BaseException:  # cancelled in the middle: nobody calls `__aexit__`
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            await leave(bus)

    @asynccontextmanager
    async def flapping(self, path: str) -> AsyncIterator[asyncio.Event]:
        """While inside: the event is set once the link to the device at `path` has come up `FLAPS` times.

        bluetoothd 5.66 says nothing of a bond that the device has forgotten: each link comes up and is dropped when it
        cannot be encrypted, and bleak 3.1 dials again until its time is over.
        """
        rule = f"type='signal',sender='org.bluez',path='{path}',interface='{_PROPERTIES}',member='PropertiesChanged'"
        await self._match("AddMatch", rule)
        event = asyncio.Event()
        self._flaps[path] = (event, 0)
        try:
            yield event
        finally:
            del self._flaps[path]
            await self._match("RemoveMatch", rule)

    async def _match(self, member: str, rule: str) -> None:
        if self._bus is not None and self._bus.connected:
            bus = "org.freedesktop.DBus"
            await self._bus.call(Message(bus, "/org/freedesktop/DBus", bus, member, signature="s", body=[rule]))

    async def power_on(self) -> None:
        """Switch on every adapter that is off; a refusal is logged."""
        assert self._bus is not None
        self.gone.clear()
        answer = await _call(self._bus, "/", _MANAGER, "GetManagedObjects", "", [])
        objects: dict[str, Any] = answer[0] if answer else {}
        for path, faces in objects.items():
            if ADAPTER in faces and not faces[ADAPTER]["Powered"].value:
                await _call(self._bus, path, _PROPERTIES, "Set", "ssv", [ADAPTER, "Powered", Variant("b", True)])

    def _on_message(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged" and message.body[0] == "org.bluez" and not message.body[2]:
                self.gone.set()
                self._on_death()
            elif message.member == "PropertiesChanged" and message.body[0] == ADAPTER:
                powered = message.body[1].get("Powered")
                if powered is not None and not powered.value:
                    self.gone.set()
            elif message.member == "PropertiesChanged" and message.path in self._flaps:
                self._link_changed(message)
            elif message.member == "InterfacesRemoved" and ADAPTER in message.body[1]:
                self.gone.set()
        return False

    def _link_changed(self, message: Message) -> None:
        connected = message.body[1].get("Connected") if message.body[0] == DEVICE else None
        if connected is not None and connected.value:
            event, count = self._flaps[str(message.path)]
            self._flaps[str(message.path)] = (event, count + 1)
            if count + 1 >= FLAPS:
                event.set()


async def _call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> list[Any] | None:
    """The answer's body; None for an error."""
    call = Message("org.bluez", path, interface, member, signature=signature, body=body)
    answer = await bus.call(call)
    if answer is None or answer.message_type is MessageType.ERROR:
        log.info("adapter: %s was refused: %s", member, answer.error_name if answer else "")
        return None
    return list(answer.body)
