"""One Bumble host in the central role: hears devices, connects to them, keeps their bonds.

Both faces of the simulated radio stand on it: `fake_bluez` (D-Bus) and `bumble_backend` (same process).
"""

import asyncio
import contextlib
from collections.abc import Callable, Hashable
from typing import Any

from bumble import core, hci
from bumble.device import Device, DeviceConfiguration

from carebag_devices.errors import DeviceLost, DeviceSilent
from carebag_devices.radio.advert import Advert, parse_advert
from carebag_devices.radio.gatt_link import GattLink
from carebag_devices.radio.link_model import FAILED_TO_BE_ESTABLISHED, LEGACY_ADVERTISING_MAX, HciPair, bare
from carebag_devices.radio.pairing import AcceptAll, PairingPolicy, pairing_config

DEFAULT_ADDRESS = "C0:CA:4E:BA:60:01"
"""A random static address (Core Vol 6 Part B 1.3.2.1): the two highest bits are set."""
DIAL_S = 2.0
"""How long one connection request waits after the device was heard."""


class Central:
    """`async with Central(hci) as central`: powered while inside."""

    def __init__(
        self,
        pair: HciPair,
        *,
        name: str = "carebag",
        address: str = DEFAULT_ADDRESS,
        policy: PairingPolicy | None = None,
    ) -> None:
        config = DeviceConfiguration(name=name, address=hci.Address(address))
        self.device = Device.from_config_with_hci(config, pair.source, pair.sink)
        self.address = address
        self.policy: PairingPolicy = policy or AcceptAll()
        self.links: dict[str, GattLink] = {}
        self._listeners: list[Callable[[Advert], None]] = []
        self._scanners: set[Hashable] = set()
        self._scan_change = asyncio.Lock()
        self._dialling = asyncio.Lock()
        self.device.pairing_config_factory = self._pairing_config
        self.device.on("advertisement", self._on_advertisement)

    async def __aenter__(self) -> "Central":
        await self.device.power_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        for link in list(self.links.values()):
            await link.close()
        self._scanners.clear()
        if self.device.is_scanning:
            await self.device.stop_scanning()
        await self.device.power_off()

    def hear(self, callback: Callable[[Advert], None]) -> Callable[[], None]:
        """Call back for each advertisement while anybody scans; the result ends it."""
        self._listeners.append(callback)

        def remove() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return remove

    async def scan(self, who: Hashable, on: bool) -> None:
        """Scan while at least one `who` wants it."""
        if on:
            self._scanners.add(who)
        else:
            self._scanners.discard(who)
        async with self._scan_change:
            wanted = bool(self._scanners)
            if wanted and not self.device.is_scanning:
                await self.device.start_scanning(active=True)
            elif not wanted and self.device.is_scanning:
                await self.device.stop_scanning()

    async def connect(self, address: str, timeout_s: float = 20.0) -> GattLink:
        """Wait until the device is heard, then connect. Raises `DeviceSilent` after `timeout_s`."""
        wanted = bare(address)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    advert = await self._next_advert(wanted)
                    link = await self._dial(advert)
                    if link is not None:
                        return link
        except TimeoutError:
            raise DeviceSilent("not_heard") from None

    async def is_bonded(self, address: str) -> bool:
        return bool(await self._bonds(address))

    async def forget(self, address: str) -> None:
        """Delete our half of the bond."""
        for name in await self._bonds(address):
            await self.device.keystore.delete(name)

    async def _bonds(self, address: str) -> list[str]:
        if self.device.keystore is None:
            return []
        return [name for name, _ in await self.device.keystore.get_all() if bare(name) == bare(address)]

    async def _next_advert(self, address: str) -> Advert:
        heard: asyncio.Future[Advert] = asyncio.get_running_loop().create_future()

        def listen(advert: Advert) -> None:
            if advert.address == address and advert.connectable and not heard.done():
                heard.set_result(advert)

        remove = self.hear(listen)
        try:
            await self.scan(heard, True)
            return await heard
        finally:
            remove()
            await asyncio.shield(self.scan(heard, False))

    async def _dial(self, advert: Advert) -> GattLink | None:
        """One connection request; None when the device was gone again."""
        target = hci.Address(advert.address, hci.AddressType(0 if advert.address_type == "public" else 1))
        async with self._dialling:
            task = asyncio.ensure_future(self.device.connect_le(target, timeout=DIAL_S))
            try:
                connection = await asyncio.shield(task)
            except (core.BaseBumbleError, hci.HCI_Error):
                return None
            except asyncio.CancelledError:
                await asyncio.shield(self._hang_up(task))
                raise
        link = GattLink(advert.address, connection, lambda: self.is_bonded(advert.address))
        self.links[advert.address] = link
        link.lost.add_done_callback(lambda _: self._gone(link))
        try:
            await link.exchange_mtu()
        except DeviceLost:
            if link.lost.result() == FAILED_TO_BE_ESTABLISHED:
                return None
            raise
        except asyncio.CancelledError:
            await asyncio.shield(link.close())
            raise
        return link

    async def _hang_up(self, dialling: "asyncio.Task[Any]") -> None:
        """A cancelled caller must leave no half-made connection behind."""
        with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error):
            await self.device.cancel_connection()
        with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error):
            connection = await dialling
            await GattLink("", connection, lambda: self.is_bonded("")).close()

    def _gone(self, link: GattLink) -> None:
        if self.links.get(link.address) is link:
            del self.links[link.address]

    def _pairing_config(self, connection: Any) -> Any:
        address = bare(str(connection.peer_address))
        link = self.links.get(address)
        return pairing_config(self.policy, address, link is not None and link.pairing_asked_for)

    def _on_advertisement(self, report: Any) -> None:
        if report.is_legacy and len(report.data_bytes) > LEGACY_ADVERTISING_MAX:
            return  # the kernel: "Dropping invalid advertising data"
        advert = parse_advert(
            bytes(report.data),
            address=bare(str(report.address)),
            address_type="public" if report.address.is_public else "random",
            rssi=int(report.rssi),
            connectable=bool(report.is_connectable),
        )
        for listener in list(self._listeners):
            listener(advert)
