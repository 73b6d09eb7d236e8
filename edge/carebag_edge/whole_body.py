"""Bodies read to their end: over a real link they come in several pieces, on loopback in one."""

import aiohttp


async def read_whole(reader: aiohttp.StreamReader, most: int) -> bytes:
    """All of a body, or its first `most` bytes. `StreamReader.read(most)` alone gives what has arrived so far."""
    pieces: list[bytes] = []
    while most > 0 and (piece := await reader.read(most)):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)
