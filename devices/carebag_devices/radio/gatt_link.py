"""One connection to a device, as a GATT client: discover, read, write, subscribe, secure.

Every request ends: with its answer, with `DeviceLost` when the link breaks, or with `DeviceSilent` after the
30 s of the ATT transaction time-out (Core 5.4 Vol 3 Part F 3.3.3), which also ends the link.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bumble import core, hci
from bumble.att import ATT_Error
from bumble.core import ProtocolError

from carebag_devices.errors import DeviceLost, DeviceRefused, DeviceSilent, NeedsPairing
from carebag_devices.radio.advert import uuid_text

log = logging.getLogger(__name__)
T = TypeVar("T")

PREFERRED_MTU = 517
CCCD = uuid_text(b"\x02\x29")
INSUFFICIENT_AUTHENTICATION = 0x05
INSUFFICIENT_ENCRYPTION = 0x0F
KEY_MISSING = 0x06
"""HCI: the peer has no key for us: it was reset, or bonded with somebody else."""
USER_ENDED = 0x13
CLOSE_S = 5.0
"""A controller that does not report the end by then has lost the link itself."""


class AttRefused(DeviceRefused):
    """The device answered a request with an ATT error."""

    def __init__(self, att_code: int) -> None:
        super().__init__(f"att_0x{att_code:02x}")
        self.att_code = att_code


class PairingFailed(NeedsPairing):
    """SMP ended without a bond. `smp_code` is the reason sent (Core Vol 3 Part H 3.5.5), the link is kept."""

    def __init__(self, smp_code: int) -> None:
        super().__init__(f"smp_0x{smp_code:02x}")
        self.smp_code = smp_code


@dataclass(frozen=True)
class Descriptor:
    handle: int
    uuid: str


@dataclass(frozen=True)
class Characteristic:
    """`handle` is the declaration's, as BlueZ counts; the value lies at `value_handle`."""

    handle: int
    value_handle: int
    uuid: str
    properties: int
    descriptors: tuple[Descriptor, ...]
    proxy: Any = field(compare=False, repr=False)

    @property
    def has_cccd(self) -> bool:
        return any(descriptor.uuid == CCCD for descriptor in self.descriptors)


@dataclass(frozen=True)
class Service:
    handle: int
    uuid: str
    characteristics: tuple[Characteristic, ...]
    includes: tuple[int, ...] = ()


class GattLink:
    """Made by `Central.connect`; dead for good once `lost` is done (its result is the HCI reason)."""

    def __init__(self, address: str, connection: Any, is_bonded: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        self.address = address
        self.connection = connection
        self.lost: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.services: tuple[Service, ...] = ()
        self.pairing_asked_for = False
        self._is_bonded = is_bonded
        self._securing = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        connection.on("disconnection", self._on_disconnection)
        connection.on("security_request", self._on_security_request)

    @property
    def mtu(self) -> int:
        return int(self.connection.att_mtu)

    @property
    def encrypted(self) -> bool:
        return bool(self.connection.is_encrypted)

    @property
    def paired(self) -> bool:
        return bool(self.connection.authenticated) and self.encrypted

    async def exchange_mtu(self) -> int:
        """Ask for the largest MTU; a device that refuses stays at 23."""
        with contextlib.suppress(AttRefused):
            await self._guard(self.connection.gatt_client.request_mtu(PREFERRED_MTU))
        return self.mtu

    async def discover(self) -> tuple[Service, ...]:
        """All primary services with characteristics and descriptors."""
        self.services = await self._guard(self._discover())
        return self.services

    async def read(self, handle: int, *, elevate: bool = True) -> bytes:
        """The value at `handle`, long values included; secures the link first when the device demands it."""
        return await self._secured(lambda: self.connection.gatt_client.read_value(handle), elevate)

    async def write(self, handle: int, value: bytes, *, response: bool = True) -> None:
        """Write a value; with `response` the device has taken it when this returns."""
        await self._secured(lambda: self.connection.gatt_client.write_value(handle, value, response), True)

    async def subscribe(
        self, characteristic: Characteristic, callback: Callable[[bytes], None], *, elevate: bool = True
    ) -> None:
        """Notifications, or indications where there are no notifications, until `unsubscribe` or the end."""
        proxy = characteristic.proxy
        await self._secured(lambda: self.connection.gatt_client.subscribe(proxy, callback), elevate)

    async def unsubscribe(self, characteristic: Characteristic, callback: Callable[[bytes], None]) -> None:
        await self._guard(self.connection.gatt_client.unsubscribe(characteristic.proxy, callback))

    async def secure(self) -> None:
        """Encrypt with the bond's key, or pair where there is none. Raises `NeedsPairing`."""
        async with self._securing:
            if self.encrypted:
                return
            if await self._is_bonded():
                await self._encrypt()
            else:
                await self._pair()

    async def pair(self) -> None:
        """Pair because somebody asked for it. Raises `PairingFailed`."""
        async with self._securing:
            self.pairing_asked_for = True
            try:
                await self._pair()
            finally:
                self.pairing_asked_for = False

    async def close(self, reason: int = USER_ENDED) -> None:
        """End the link; returns when it is gone, or held to be."""
        if self.lost.done():
            return
        task = asyncio.ensure_future(self.connection.disconnect(reason))
        self._running.add(task)
        task.add_done_callback(self._finished)
        ends: set[asyncio.Future[Any]] = {task, self.lost}
        await asyncio.wait(ends, timeout=CLOSE_S, return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        self._on_disconnection(reason)

    async def _encrypt(self) -> None:
        try:
            await self._guard(self.connection.encrypt())
        except hci.HCI_Error as error:
            # As the kernel does: a link that should be encrypted and cannot be is not kept.
            await self.close(0x05)
            raise NeedsPairing("bond_lost" if error.error_code == KEY_MISSING else "encryption_failed") from error

    async def _pair(self) -> None:
        try:
            await self._guard(self.connection.pair())
        except ProtocolError as error:
            raise PairingFailed(int(error.error_code or 0)) from error

    async def _secured(self, request: Callable[[], Coroutine[Any, Any, T]], elevate: bool) -> T:
        encrypted_when_asked = self.encrypted
        try:
            return await self._guard(request())
        except AttRefused as refusal:
            wants_key = refusal.att_code in (INSUFFICIENT_AUTHENTICATION, INSUFFICIENT_ENCRYPTION)
            if not (elevate and wants_key) or encrypted_when_asked:
                raise
        await self.secure()
        return await self._guard(request())

    async def _guard(self, request: Coroutine[Any, Any, T]) -> T:
        """Run a request until its answer or the link's end; a caller that gives up leaves it running.

        ATT allows one request at a time: abandoning one would hand its late answer to the next.
        """
        if self.lost.done():
            request.close()
            raise DeviceLost(f"hci_0x{self.lost.result():02x}")
        task = asyncio.ensure_future(request)
        self._running.add(task)
        task.add_done_callback(self._finished)
        ends: set[asyncio.Future[Any]] = {task, self.lost}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        try:
            return await task
        except ATT_Error as error:
            raise AttRefused(int(error.error_code)) from error
        except core.TimeoutError as error:
            await self.close()
            raise DeviceSilent("att_timeout") from error
        except asyncio.CancelledError:
            if self.lost.done() and not _cancelling():
                raise DeviceLost(f"hci_0x{self.lost.result():02x}") from None
            raise

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also when the caller has left

    async def _discover(self) -> tuple[Service, ...]:
        client = self.connection.gatt_client
        found = []
        for service in await client.discover_services():
            included = await client.discover_included_services(service)
            characteristics = []
            for proxy in await client.discover_characteristics((), service):
                descriptors = await client.discover_descriptors(proxy)
                proxy.descriptors_discovered = True
                characteristics.append(
                    Characteristic(
                        handle=proxy.handle - 1,
                        value_handle=proxy.handle,
                        uuid=uuid_text(proxy.uuid.to_bytes()),
                        properties=int(proxy.properties),
                        descriptors=tuple(Descriptor(d.handle, uuid_text(d.type.to_bytes())) for d in descriptors),
                        proxy=proxy,
                    )
                )
            includes = tuple(other.handle for other in included)
            found.append(Service(service.handle, uuid_text(service.uuid.to_bytes()), tuple(characteristics), includes))
        return tuple(found)

    def _on_disconnection(self, reason: int) -> None:
        if not self.lost.done():
            self.lost.set_result(int(reason))

    def _on_security_request(self, _requirements: int) -> None:
        """The device asks for security by itself (Core Vol 3 Part H 2.4.6)."""
        task = asyncio.ensure_future(self._answer_security_request())
        self._running.add(task)
        task.add_done_callback(self._finished)

    async def _answer_security_request(self) -> None:
        with contextlib.suppress(NeedsPairing, DeviceLost, DeviceSilent):
            await self.secure()


def _cancelling() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0
