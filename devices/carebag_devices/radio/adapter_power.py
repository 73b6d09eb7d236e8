"""Watches the machine's Bluetooth adapters: tells when one goes off or away, and switches it on again.

A bag's Bluetooth has no reason to be off, and nurses no switch. What a hardware switch blocks stays off (BlueZ
refuses), and the page says so. Source: org.bluez.Adapter1. Linux only.
"""

import asyncio
import logging
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from carebag_devices.radio.agent import join
from carebag_devices.radio.dbus_objects import leave

log = logging.getLogger(__name__)

ADAPTER = "org.bluez.Adapter1"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_MANAGER = "org.freedesktop.DBus.ObjectManager"
_RULES = (
    f"type='signal',sender='org.bluez',interface='{_PROPERTIES}',member='PropertiesChanged',arg0='{ADAPTER}'",
    f"type='signal',sender='org.bluez',interface='{_MANAGER}',member='InterfacesRemoved'",
)


class AdapterWatch:
    """`async with AdapterWatch() as watch`: `watch.gone` is set when an adapter was switched off or pulled out."""

    def __init__(self, bus_address: str | None = None) -> None:
        self.gone = asyncio.Event()
        self._bus_address = bus_address
        self._bus: MessageBus | None = None

    async def __aenter__(self) -> Self:
        """Raises `RadioMissing` without a bus."""
        self._bus = await join(self._bus_address)
        self._bus.add_message_handler(self._on_message)
        for rule in _RULES:
            bus = "org.freedesktop.DBus"
            await self._bus.call(Message(bus, "/org/freedesktop/DBus", bus, "AddMatch", signature="s", body=[rule]))
        return self

    async def __aexit__(self, *_: object) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            await leave(bus)

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
            if message.member == "PropertiesChanged" and message.body[0] == ADAPTER:
                powered = message.body[1].get("Powered")
                if powered is not None and not powered.value:
                    self.gone.set()
            elif message.member == "InterfacesRemoved" and ADAPTER in message.body[1]:
                self.gone.set()
        return False


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
