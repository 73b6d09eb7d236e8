"""A BlueZ-shaped D-Bus service whose radio is Bumble: `org.bluez` on a bus of our own.

bleak's BlueZ backend runs against it unmodified. Paths, interfaces, property types, signals and error texts follow
BlueZ 5.66 (doc/org.bluez.*.rst and src/); what real bluetoothd runs taught is built in: no agent, no pairing;
`Disconnect` takes 2 s; notifications belong to the client that started them and come back after a reconnection.
"""

import contextlib
from typing import Self

from dbus_fast import Message, MessageType, NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus

from carebag_devices.errors import RadioMissing
from carebag_devices.radio.advert import Advert
from carebag_devices.radio.bluez_adapter import ADAPTER, Adapter, Options
from carebag_devices.radio.bluez_agents import AGENT_MANAGER, Agents
from carebag_devices.radio.central import Central
from carebag_devices.radio.dbus_objects import Background, Face, ObjectTree, leave

__all__ = ["FakeBlueZ", "Options"]

SERVICE_NAME = "org.bluez"


class FakeBlueZ:
    """`async with FakeBlueZ(central, bus_address)`: on the bus while inside. The central is powered by its owner."""

    adapter: Adapter
    agents: Agents

    def __init__(self, central: Central, bus_address: str, options: Options | None = None) -> None:
        self.options = options or Options()
        self._central = central
        self._bus_address = bus_address
        self._bus: MessageBus | None = None
        self._background = Background()
        self._tree: ObjectTree | None = None
        self._stack = contextlib.ExitStack()

    async def __aenter__(self) -> Self:
        """Raises `RadioMissing` when the name `org.bluez` is taken: a real bluetoothd is never pushed aside."""
        self._bus = bus = MessageBus(bus_address=self._bus_address)
        try:
            await bus.connect()
            self._publish(bus)
            await self._watch_clients(bus)
            if await bus.request_name(SERVICE_NAME, NameFlag.DO_NOT_QUEUE) is not RequestNameReply.PRIMARY_OWNER:
                raise RadioMissing("org_bluez_taken")
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Leave the bus: for clients, bluetoothd has died."""
        self._stack.close()
        await self._background.close()
        if self._tree is not None:
            self.adapter.close()
            for link in list(self._central.links.values()):
                await link.close()
            await self._central.scan(self.adapter, False)
            await self._tree.close()
            self._tree = None
        bus, self._bus = self._bus, None
        if bus is not None:
            await leave(bus)

    def _publish(self, bus: MessageBus) -> None:
        self._tree = tree = ObjectTree(bus)
        self.agents = Agents(bus, lambda address: self.adapter.device_path(address))
        self.adapter = Adapter(tree, self._central, self.agents, self._background, self.options)
        tree.add("/org/bluez", {AGENT_MANAGER: self.agents.face()})
        tree.add(self.adapter.path, {ADAPTER: self.adapter.face(), "org.bluez.GattManager1": Face()})
        policy, self._central.policy = self._central.policy, self.agents
        self._stack.callback(setattr, self._central, "policy", policy)
        self._stack.callback(self._central.hear(self._heard))
        keys_stored = self._central.device.on("key_store_update", self.adapter.note_bonds)
        self._stack.callback(self._central.device.remove_listener, "key_store_update", keys_stored)

    def _heard(self, advert: Advert) -> None:
        self.adapter.heard(advert)

    async def _watch_clients(self, bus: MessageBus) -> None:
        """A client that leaves the bus takes its discovery, notifications and agent with it."""
        bus.add_message_handler(self._on_message)
        rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )

    def _on_message(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _old, new = message.body
            if name.startswith(":") and not new:
                self.agents.forget(name)
                self._background.spawn(self.adapter.client_gone(name))
        return False
