"""An open wire as bytes in and bytes out; everything foreign that goes wrong becomes one of our errors here."""

import asyncio
import contextlib
import errno
import logging
import socket
from types import TracebackType
from typing import Self

import serialx

from carebag_devices.errors import DeviceError, DeviceLost, DeviceRefused, DeviceSilent
from carebag_devices.wired.address import Dial, Listen, SerialPort

log = logging.getLogger(__name__)

OPEN_WITHIN_S = 10.0
WRITE_WITHIN_S = 10.0
PIECE = 65_536
KEEP_ALIVE_S = 15
"""A TCP peer that fell off the net is noticed after about four times this."""

_NOT_OURS = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.EAGAIN}
"""A port that is there and may not be used: no permission, or another program has it."""


class Stream:
    """One connection. `read` and `write` raise `DeviceLost` once it is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard = False
        """The other side has said something."""

    async def read(self) -> bytes:
        """The next bytes, at least one."""
        try:
            data = await self._reader.read(PIECE)
        except (OSError, serialx.SerialException) as error:
            raise DeviceLost("link_broken") from error
        if not data:
            raise DeviceLost("link_broken")
        self.heard = True
        return data

    async def write(self, data: bytes) -> None:
        if not data:
            return
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_WITHIN_S):
                await self._writer.drain()
        except (OSError, serialx.SerialException) as error:
            # `TimeoutError` is an `OSError`: a peer that does not read any more is lost too
            raise DeviceLost("link_broken") from error

    async def close(self) -> None:
        """Let go; never raises."""
        self._writer.close()
        with contextlib.suppress(OSError, serialx.SerialException):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()


async def open_stream(address: SerialPort | Dial) -> Stream:
    """Raises `DeviceSilent` where nothing is or answers, `DeviceRefused` where this machine says no."""
    try:
        async with asyncio.timeout(OPEN_WITHIN_S):
            if isinstance(address, Dial):
                return _tcp_stream(*await asyncio.open_connection(address.host, address.port))
            return Stream(*await _open_serial(address))
    except (OSError, serialx.SerialException) as error:
        raise _translated(error) from error


async def _open_serial(port: SerialPort) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await serialx.open_serial_connection(
        port.device,
        baudrate=port.baud,
        byte_size=port.bytesize,
        parity=serialx.Parity(port.parity),
        stopbits=serialx.StopBits(port.stopbits),
        rtscts=port.flow == "rtscts",
        xonxoff=port.flow == "xonxoff",
    )


def _translated(error: Exception) -> DeviceError:
    log.info("cannot open the wire: %s", type(error).__name__)
    if isinstance(error, serialx.UnsupportedSetting) or getattr(error, "errno", None) in _NOT_OURS:
        return DeviceRefused()
    return DeviceSilent()


def _tcp_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Stream:
    found = writer.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in (("TCP_KEEPIDLE", KEEP_ALIVE_S), ("TCP_KEEPINTVL", KEEP_ALIVE_S), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return Stream(reader, writer)


class Listener:
    """Waits for the analyser to connect. The newest connection counts: the one before is dead then."""

    def __init__(self, address: Listen) -> None:
        self._address = address
        self._server: asyncio.Server | None = None
        self._newest: asyncio.Queue[Stream] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._met, self._address.host, self._address.port)
        except OSError as error:
            raise DeviceRefused() from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        while not self._newest.empty():
            await self._newest.get_nowait().close()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def accept(self) -> Stream:
        """The connection that came last; those before it are closed."""
        stream = await self._newest.get()
        while not self._newest.empty():
            await stream.close()
            stream = self._newest.get_nowait()
        return stream

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if self._address.allowed and (peer is None or peer[0] != self._address.allowed):
            log.warning("a connection from elsewhere than the analyser's address was closed")
            writer.close()
            return
        self._newest.put_nowait(_tcp_stream(reader, writer))
