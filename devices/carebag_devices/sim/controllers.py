"""Simulated devices beyond this process: on controllers of their own (USB dongles), or behind the kernel's /dev/vhci.

A controller advertises for one device at a time, so that each device takes one: `usb:0` carries one device. `vhci` is
the other way round: there the kernel is the host and gets one virtual adapter, and any number of devices is in its air.
Names are Bumble's: `usb:0`, `serial:/dev/ttyACM0,1000000`, `tcp-client:127.0.0.1:9000`, `hci-socket:0`, `vhci`.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from bumble.core import BaseBumbleError
from bumble.transport import open_transport

from carebag_devices.radio.link_model import HciPair, LinkController, RadioLink

VHCI = "vhci"
ADAPTER_ADDRESS = "02:CA:4E:BA:60:01"
"""Public, as dongles have: without one the kernel pairs by another address than it connects with."""


class NoController(Exception):
    """There are fewer controllers than devices, or one cannot be opened; the text is for the person who asked."""


class Controllers:
    """An `Air` of real controllers. It has no `lose`: a device that vanishes ends its links itself."""

    def __init__(self, transports: Sequence[Any]) -> None:
        self._count = len(transports)
        self._free = deque(transports)

    def new_hci(self, name: str) -> HciPair:
        """The next one. Raises `NoController`."""
        if not self._free:
            raise NoController(f"{name}: a controller carries one device, and there are {self._count}")
        transport = self._free.popleft()
        return HciPair(transport.source, transport.sink)


class ForeignRadio:
    """`async with ForeignRadio(["usb:0"]) as radio`: `radio.link` is the air. Raises `NoController`."""

    mode = "foreign"
    bus_address: str | None = None
    link: Controllers | RadioLink

    def __init__(self, names: Sequence[str], devices: int = 1) -> None:
        """`devices`: how many have to find a place; what is too many is refused before anything is opened."""
        if VHCI in names and len(names) > 1:
            raise NoController("vhci carries every device: no other transport goes with it")
        if VHCI not in names and devices > len(names):
            raise NoController(f"{devices} devices and {len(names)} controllers: a controller carries one device")
        self._names = tuple(names)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            transports = [await self._open(name, stack) for name in self._names]
            if self._names == (VHCI,):
                self.link = RadioLink()
                stack.callback(self.link.close)
                ends = {"host_source": transports[0].source, "host_sink": transports[0].sink}
                LinkController(VHCI, link=self.link, public_address=ADAPTER_ADDRESS, **ends)
            else:
                self.link = Controllers(transports)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self, name: str, stack: AsyncExitStack) -> Any:
        try:
            transport = await open_transport(name)
        except (OSError, ValueError, BaseBumbleError, ImportError) as error:
            raise NoController(f"{name}: {error}") from error
        stack.push_async_callback(transport.close)
        return transport
