"""A TCP door: `python -m carebag.link_emulator.door HOST PORT TO_HOST TO_PORT` passes each connection on, both ways.

The demo's hub listens on loopback only; this is how the other namespace reaches it.
"""

import asyncio
import contextlib
import sys


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.close()


async def serve(host: str, port: int, to_host: str, to_port: int) -> asyncio.Server:
    """Open the door; it stays open until the server is closed."""

    async def visitor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, onward = await asyncio.open_connection(to_host, to_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, onward), _pass_on(there, writer))

    return await asyncio.start_server(visitor, host, port)


async def _run(host: str, port: int, to_host: str, to_port: int) -> None:
    async with await serve(host, port, to_host, to_port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
