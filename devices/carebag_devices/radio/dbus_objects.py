"""Objects on a D-Bus: interfaces, properties, methods, and their signals, for our agent and the simulated BlueZ.

Written on plain D-Bus messages, because answers depend on who asks (agents, discovery, notifications).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

from carebag_devices.errors import DeviceError

log = logging.getLogger(__name__)

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

Reply = tuple[str, list[Any]]
"""Signature and body of a method's answer."""
NOTHING: Reply = ("", [])
Handler = Callable[[Message], Awaitable[Reply]]


class Refusal(Exception):
    """An error reply. A name without dots is one of BlueZ's own."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(name, text)
        self.name = name if "." in name else f"org.bluez.Error.{name}"
        self.text = text


def in_progress() -> Refusal:
    return Refusal("InProgress", "Operation already in progress")


@dataclass
class Face:
    """One interface of one object. `methods` maps a name to (signature, handler)."""

    properties: dict[str, Variant] = field(default_factory=dict)
    methods: Mapping[str, tuple[str, Handler]] = field(default_factory=dict)
    setters: Mapping[str, Callable[[Any], Awaitable[None]]] = field(default_factory=dict)


class ObjectTree:
    """All objects of one bus connection; answers calls and tells of changes."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._objects: dict[str, dict[str, Face]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        bus.add_message_handler(self._on_message)

    def __contains__(self, path: str) -> bool:
        return path in self._objects

    def add(self, path: str, faces: Mapping[str, Face], *, announce: bool = True) -> None:
        """Add interfaces to an object, new or not."""
        self._objects.setdefault(path, {}).update(faces)
        if not announce:
            return
        shown = {name: dict(face.properties) for name, face in faces.items()}
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, shown])

    def remove(self, path: str, interfaces: Iterable[str] | None = None) -> None:
        """Remove an object, or only some of its interfaces."""
        faces = self._objects.get(path)
        if faces is None:
            return
        gone = [name for name in (interfaces or list(faces)) if faces.pop(name, None) is not None]
        if not faces:
            del self._objects[path]
        self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, gone])

    def get(self, path: str, interface: str, name: str) -> Any:
        """A property's value; None where there is none."""
        face = self._objects.get(path, {}).get(interface)
        variant = face.properties.get(name) if face else None
        return None if variant is None else variant.value

    def change(self, path: str, interface: str, changed: dict[str, Variant], gone: Iterable[str] = ()) -> None:
        """Set and drop properties of an object that is there, and say so."""
        face = self._objects.get(path, {}).get(interface)
        if face is None:
            return
        face.properties.update(changed)
        dropped = [name for name in gone if face.properties.pop(name, None) is not None]
        if changed or dropped:
            self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, dropped])

    def managed(self) -> dict[str, dict[str, dict[str, Variant]]]:
        """The answer to GetManagedObjects, with the two interfaces that GDBus adds to every object."""
        plain: dict[str, dict[str, Variant]] = {INTROSPECTABLE: {}, PROPERTIES: {}}
        return {
            path: plain | {name: dict(face.properties) for name, face in faces.items()}
            for path, faces in self._objects.items()
        }

    async def close(self) -> None:
        """Drop calls that have no answer yet."""
        self._bus.remove_message_handler(self._on_message)
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))

    def _send(self, message: Message) -> None:
        if self._bus.connected:
            self._bus.send(message).add_done_callback(_seen)

    def _on_message(self, message: Message) -> bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        task = asyncio.ensure_future(self._answer(message))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return True

    async def _answer(self, message: Message) -> None:
        try:
            signature, body = await self._call(message)
            answer = Message.new_method_return(message, signature, body)
        except Refusal as refusal:
            answer = Message.new_error(message, refusal.name, refusal.text)
        except Exception:
            log.exception("%s.%s failed", message.interface, message.member)
            answer = Message.new_error(message, "org.bluez.Error.Failed", "Operation failed")
        if MessageFlag.NO_REPLY_EXPECTED not in message.flags:
            self._send(answer)

    async def _call(self, message: Message) -> Reply:
        path, interface = message.path or "/", message.interface or ""
        if interface == INTROSPECTABLE and message.member == "Introspect":
            return "s", [self._introspect(path)]
        if interface == OBJECT_MANAGER and path == "/" and message.member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self.managed()]
        if interface == "org.freedesktop.DBus.Peer" and message.member == "Ping":
            return NOTHING
        faces = self._objects.get(path)
        if faces is None:
            raise Refusal("org.freedesktop.DBus.Error.UnknownObject", "No such object")
        if interface == PROPERTIES:
            return await self._property(faces, message)
        method = faces[interface].methods.get(message.member or "") if interface in faces else None
        if method is None or method[0] != message.signature:
            text = f'Method "{message.member}" with signature "{message.signature}" does not exist'
            raise Refusal("org.freedesktop.DBus.Error.UnknownMethod", text)
        return await method[1](message)

    async def _property(self, faces: dict[str, Face], message: Message) -> Reply:
        face = faces.get(message.body[0]) if message.body else None
        if face is None:
            raise Refusal("org.freedesktop.DBus.Error.InvalidArgs", "No such interface")
        match message.member, message.signature:
            case "GetAll", "s":
                return "a{sv}", [dict(face.properties)]
            case "Get", "ss" if message.body[1] in face.properties:
                return "v", [face.properties[message.body[1]]]
            case "Set", "ssv" if message.body[1] in face.setters:
                if message.body[2].signature != face.properties[message.body[1]].signature:
                    raise Refusal("InvalidArguments", "Invalid arguments in method call")
                await face.setters[message.body[1]](message.body[2].value)
                return NOTHING
            case "Set", "ssv" if message.body[1] in face.properties:
                raise Refusal("org.freedesktop.DBus.Error.PropertyReadOnly", "Property is not writable")
        raise Refusal("org.freedesktop.DBus.Error.InvalidArgs", "No such property")

    def _introspect(self, path: str) -> str:
        prefix = path.rstrip("/") + "/"
        children = {other[len(prefix) :].split("/")[0] for other in self._objects if other.startswith(prefix)}
        parts = ["<node>"]
        for name, face in self._objects.get(path, {}).items():
            parts.append(f"<interface name={quoteattr(name)}>")
            parts += [f"<method name={quoteattr(method)}/>" for method in face.methods]
            for key, variant in face.properties.items():
                access = "readwrite" if key in face.setters else "read"
                kind = quoteattr(variant.signature)
                parts.append(f"<property name={quoteattr(key)} type={kind} access={quoteattr(access)}/>")
            parts.append("</interface>")
        parts += [f"<node name={quoteattr(child)}/>" for child in sorted(children - {""})]
        return "".join([*parts, "</node>"])


def _seen(sent: "asyncio.Future[Any]") -> None:
    """A message to a bus that died: the death itself is seen elsewhere."""
    if not sent.cancelled():
        sent.exception()


class Background:
    """Work that no caller waits for; ended with the service."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(self._run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # cancelled before its first step, the task leaves `work` unawaited
        task.add_done_callback(lambda _task: work.close())
        return task

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (Refusal, DeviceError) as error:
            log.debug("background work ended: %s", error)
        except Exception:
            log.exception("background work failed")


async def leave(bus: MessageBus) -> None:
    """Close a bus connection and wait until its socket is closed."""
    bus.disconnect()
    if bus.unique_name is not None:
        ended: Awaitable[None] = bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        with contextlib.suppress(OSError, EOFError):
            await ended
