"""The air between simulated devices: Bumble controllers on one link, in one process, without hardware.

Bumble's `LocalLink` is kind: nothing is lost, nothing takes time, and a few things that a radio forbids pass.
Here the air is as strict as a real one:

- legacy advertising data above 31 bytes is not heard (Core 5.4 Vol 6 Part B 2.3.1; the Linux kernel drops it);
- a connection request that nobody takes ends with 0x3E, a cancelled one with 0x02;
- a lost device ends with a supervision time-out, 0x08, at both sides;
- data may be carried in connection events only (`ConnectionEvents`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bumble import core, hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

log = logging.getLogger(__name__)

LEGACY_ADVERTISING_MAX = 31
"""Bytes of advertising data in a legacy PDU."""
SUPERVISION_TIMEOUT = 0x08
FAILED_TO_BE_ESTABLISHED = 0x3E
UNKNOWN_CONNECTION = 0x02
ESTABLISH_S = 0.045
"""Six connection events without an answer (Core Vol 6 Part B 4.5.2), at the shortest interval of 7.5 ms."""
DATA_LENGTH = 251
"""Bytes in one link-layer data PDU with the data length extension."""


class HciPair(NamedTuple):
    """What a host needs: the same two ends that `bumble.transport.open_transport` gives for a dongle."""

    source: Any
    sink: Any


@dataclass(frozen=True)
class ConnectionEvents:
    """When data may fly: every `interval_s`, at most `packets` PDUs of 251 bytes in each direction."""

    interval_s: float = 0.015
    packets: int = 4


class LinkController(Controller):  # type: ignore[misc]  # Bumble is untyped for us
    """A controller on a `RadioLink`. Without a public address: the link names data by the random one."""

    # Hosts then use legacy scanning and resolve no addresses, which the link cannot carry (google/bumble#841).
    le_features = Controller.le_features & ~(hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING)
    acl_data_packet_length = DATA_LENGTH
    le_acl_data_packet_length = DATA_LENGTH
    supported_max_tx_octets = DATA_LENGTH
    supported_max_rx_octets = DATA_LENGTH
    pending_le_connection: Any = None

    def on_hci_le_create_connection_cancel_command(self, command: Any) -> Any:
        """Bumble forgets to cancel: end the pending connection with 0x02, as Core Vol 4 Part E 7.8.13 says."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        ended = hci.HCI_LE_Connection_Complete_Event(
            status=UNKNOWN_CONNECTION,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, ended)
        return super().on_hci_le_create_connection_cancel_command(command)


class RadioLink(LocalLink):  # type: ignore[misc]
    """One kitchen's air. Make an HCI pair for every device in it; `close` when the test or demo ends."""

    def __init__(self, timing: ConnectionEvents | None = None) -> None:
        super().__init__()
        self._timing = timing
        self._queues: dict[tuple[str, str], deque[tuple[int, Callable[[], None]]]] = {}
        self._silent: set[str] = set()
        self._too_long: set[str] = set()
        self._closed = False

    def new_hci(self, name: str = "peripheral") -> HciPair:
        """A new radio in this air, as HCI source and sink for a Bumble `Device`."""
        controller = LinkController(name, link=self)
        return HciPair(controller, AsyncPipeSink(controller))

    def remove_hci(self, pair: HciPair) -> None:
        """Take a radio away: it stops advertising and its connections end as by a flat battery."""
        controller = pair.source
        controller.le_legacy_advertiser.stop()
        for connection in list(controller.le_connections.values()):
            self.lose(str(connection.self_address))
        self.controllers.discard(controller)

    def lose(self, address: str, *, silent_s: float = 0.0) -> None:
        """The device at `address` is out of reach: silence, and after `silent_s` both sides give up (0x08).

        `address` is `AA:BB:CC:DD:EE:FF`. A device without a connection is left alone.
        """
        wanted = bare(address)
        self._silent.add(wanted)
        if silent_s > 0:
            asyncio.get_running_loop().call_later(silent_s, self._time_out, wanted)
        else:
            self._time_out(wanted)

    def close(self) -> None:
        """Stop every advertiser, so that no timer outlives the test."""
        self._closed = True
        for controller in list(self.controllers):
            controller.le_legacy_advertiser.stop()
        self._queues.clear()

    def send_acl_data(self, sender_controller: Any, destination_address: Any, transport: Any, data: bytes) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        if transport != core.PhysicalTransport.LE or connection is None:
            return
        source = connection.self_address

        def deliver() -> None:
            receiver = self.find_le_controller(destination_address)
            if receiver is not None:
                receiver.on_link_acl_data(source, transport, data)

        self._carry(source, destination_address, max(1, -(-len(data) // DATA_LENGTH)), deliver)

    def send_ll_control_pdu(self, sender_address: Any, receiver_address: Any, packet: Any) -> None:
        def deliver() -> None:
            receiver = self.find_le_controller(receiver_address)
            if receiver is not None and sender_address in receiver.le_connections:
                receiver.on_ll_control_pdu(sender_address, packet)

        self._carry(sender_address, receiver_address, 1, deliver)

    def send_advertising_pdu(self, sender_controller: Any, packet: Any) -> None:
        if self._closed or sender_controller not in self.controllers:
            return
        if isinstance(packet, ll.AdvInd) and len(packet.data) > LEGACY_ADVERTISING_MAX:
            self._refuse_long(str(packet.advertiser_address), len(packet.data))
            return
        super().send_advertising_pdu(sender_controller, packet)
        if isinstance(packet, ll.ConnectInd):
            connection = sender_controller.le_connections.get(packet.advertiser_address)
            args = (sender_controller, packet, connection)
            asyncio.get_running_loop().call_later(ESTABLISH_S, self._check_established, *args)

    def _refuse_long(self, address: str, length: int) -> None:
        if address not in self._too_long:
            self._too_long.add(address)
            log.warning("advertising data of %d bytes dropped: a legacy PDU holds %d", length, LEGACY_ADVERTISING_MAX)

    def _check_established(self, central: Any, packet: Any, connection: Any) -> None:
        if connection is None or central.le_connections.get(packet.advertiser_address) is not connection:
            return  # it has ended, and a newer one to the same device has a check of its own
        taken = any(
            other.self_address == packet.advertiser_address and other.peer_address == packet.initiator_address
            for controller in self.controllers
            for other in controller.le_connections.values()
        )
        if not taken:
            central.on_le_disconnected(connection, FAILED_TO_BE_ESTABLISHED)

    def _carry(self, sender: Any, receiver: Any, packets: int, deliver: Callable[[], None]) -> None:
        if bare(str(sender)) in self._silent or bare(str(receiver)) in self._silent:
            return
        loop = asyncio.get_running_loop()
        if self._timing is None:
            loop.call_soon(deliver)
            return
        key = (str(sender), str(receiver))
        waiting = self._queues.get(key)
        if waiting is None:
            self._queues[key] = waiting = deque()
            loop.call_later(self._until_event(loop.time()), self._connection_event, key)
        waiting.append((packets, deliver))

    def _until_event(self, now: float) -> float:
        assert self._timing is not None
        return self._timing.interval_s - now % self._timing.interval_s

    def _connection_event(self, key: tuple[str, str]) -> None:
        """Deliver what fits; a payload of several PDUs is handed over when its first one flies."""
        waiting = self._queues.get(key)
        if waiting is None or self._timing is None:
            return
        room = self._timing.packets
        while waiting and room > 0:
            packets, deliver = waiting.popleft()
            room -= packets
            deliver()
        if waiting:
            loop = asyncio.get_running_loop()
            loop.call_later(self._until_event(loop.time()), self._connection_event, key)
        else:
            del self._queues[key]

    def _time_out(self, address: str) -> None:
        self._silent.discard(address)
        for controller in list(self.controllers):
            for connection in list(controller.le_connections.values()):
                if address in (bare(str(connection.self_address)), bare(str(connection.peer_address))):
                    controller.on_le_disconnected(connection, SUPERVISION_TIMEOUT)


def bare(address: str) -> str:
    """`aa:bb:…` or Bumble's `AA:BB:…/P` as plain `AA:BB:…`."""
    return address.split("/")[0].upper()
