"""AgentManager1 of the simulated BlueZ, and the pairing questions put to the agents (bluez: src/agent.c)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast, get_args

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from carebag_devices.radio.dbus_objects import NOTHING, Face, Refusal, Reply
from carebag_devices.radio.pairing import Capability

log = logging.getLogger(__name__)

AGENT_MANAGER = "org.bluez.AgentManager1"
AGENT = "org.bluez.Agent1"
ANSWER_S = 60.0
"""BlueZ waits this long for an agent, then says `Cancel`."""


@dataclass(frozen=True)
class Agent:
    owner: str
    path: str
    capability: Capability


class Agents:
    """Registered agents; the `PairingPolicy` of the simulated BlueZ.

    Without an agent nothing pairs: bluetoothd 5.66 answered a device's Just Works with a refusal then, and kept
    the link. That surprises whoever forgets to run one, so it is so here.
    """

    def __init__(self, bus: MessageBus, device_path: Callable[[str], str]) -> None:
        self._bus = bus
        self._device_path = device_path
        self._agents: dict[str, Agent] = {}
        self._defaults: list[str] = []
        self.pairing_for: dict[str, str] = {}
        """Who called Device1.Pair, by address: its own agent comes first."""

    def face(self) -> Face:
        return Face(
            methods={
                "RegisterAgent": ("os", self._register),
                "UnregisterAgent": ("o", self._unregister),
                "RequestDefaultAgent": ("o", self._request_default),
            }
        )

    def forget(self, owner: str) -> None:
        """A bus client has gone, and its agent with it."""
        self._agents.pop(owner, None)
        if owner in self._defaults:
            self._defaults.remove(owner)

    def capability(self, address: str) -> Capability:
        agent = self._pick(address)
        return agent.capability if agent else "NoInputNoOutput"

    async def authorize(self, address: str, asked_for: bool) -> bool:
        """Just Works: granted where a client called Pair, asked where the device or a read started it."""
        agent = self._pick(address)
        if agent is None:
            log.warning("pairing refused: no agent is registered")
            return False
        if asked_for:
            return True
        return await self._ask(agent, "RequestAuthorization", "o", [self._device_path(address)]) is not None

    async def confirm(self, address: str, number: int) -> bool:
        agent = self._pick(address)
        body = [self._device_path(address), number]
        return agent is not None and await self._ask(agent, "RequestConfirmation", "ou", body) is not None

    async def passkey(self, address: str) -> int | None:
        agent = self._pick(address)
        if agent is None:
            return None
        answer = await self._ask(agent, "RequestPasskey", "o", [self._device_path(address)])
        return int(answer[0]) if answer else None

    async def show(self, address: str, number: int) -> None:
        agent = self._pick(address)
        if agent is not None:
            await self._ask(agent, "DisplayPasskey", "ouq", [self._device_path(address), number, 0])

    def _pick(self, address: str) -> Agent | None:
        caller = self.pairing_for.get(address)
        if caller in self._agents:
            return self._agents[caller]
        return self._agents[self._defaults[-1]] if self._defaults else None

    async def _ask(self, agent: Agent, member: str, signature: str, body: list[Any]) -> list[Any] | None:
        """The answer's body; None when the agent refuses, errs, has gone, or is silent for too long."""
        question = Message(
            destination=agent.owner, path=agent.path, interface=AGENT, member=member, signature=signature, body=body
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await cast("Awaitable[Message]", self._bus.call(question))
        except TimeoutError:
            self._bus.send(Message(destination=agent.owner, path=agent.path, interface=AGENT, member="Cancel"))
            return None
        return None if answer.message_type is MessageType.ERROR else list(answer.body)

    async def _register(self, message: Message) -> Reply:
        path, capability = message.body
        if message.sender in self._agents:
            raise Refusal("AlreadyExists", "Already Exists")
        if capability not in ("", *get_args(Capability)):
            raise Refusal("InvalidArguments", "Invalid arguments in method call")
        owner = str(message.sender)
        self._agents[owner] = Agent(owner, path, capability or "KeyboardDisplay")
        return NOTHING

    async def _unregister(self, message: Message) -> Reply:
        self._own(message)
        self.forget(str(message.sender))
        return NOTHING

    async def _request_default(self, message: Message) -> Reply:
        agent = self._own(message)
        if agent.owner in self._defaults:
            self._defaults.remove(agent.owner)
        self._defaults.append(agent.owner)
        return NOTHING

    def _own(self, message: Message) -> Agent:
        agent = self._agents.get(str(message.sender))
        if agent is None or agent.path != message.body[0]:
            raise Refusal("DoesNotExist", "Does Not Exist")
        return agent
