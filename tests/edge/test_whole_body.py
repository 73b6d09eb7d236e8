"""Answers that come in several pieces, as over every link but loopback."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol

from carebag_edge.clock import system_clock
from carebag_edge.hub_client import RECORDS, HubClient
from carebag_edge.keys import load_or_create
from carebag_edge.whole_body import read_whole
from carebag_wire.records import RecordBatch, RecordReceipt, SignedRecord, payload_sha256

RECEIPT = RecordReceipt(
    stored=[UUID(int=number) for number in range(100)],
    refused={},
    watermark=100,
    received_at=datetime(2026, 11, 27, tzinfo=UTC),
)
PIECE_BYTES = 1448
"""What a packet holds."""


@pytest.fixture
async def slow_hub() -> AsyncIterator[str]:
    """It says the receipt packet by packet."""

    async def answer(request: web.Request) -> web.StreamResponse:
        text = RECEIPT.model_dump_json().encode()
        response = web.StreamResponse(headers={"Content-Length": str(len(text)), "Content-Type": "application/json"})
        await response.prepare(request)
        for at in range(0, len(text), PIECE_BYTES):
            await response.write(text[at : at + PIECE_BYTES])
            await asyncio.sleep(0.02)
        return response

    app = web.Application()
    app.router.add_post(RECORDS, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_receipt_of_a_full_batch_is_understood(slow_hub: str, tmp_path: Path) -> None:
    key = load_or_create(tmp_path, None, 0)
    record = SignedRecord(payload="{}", sha256=payload_sha256("{}"), signature=key.sign(b"{}"))
    async with HubClient(slow_hub, key, system_clock()) as client:
        assert await client.send_records(RecordBatch(records=[record])) == RECEIPT


@pytest.mark.parametrize(("most", "read"), [(100, b"onetwothree"), (11, b"onetwothree"), (5, b"onetw"), (0, b"")])
async def test_no_more_than_was_allowed_is_read(most: int, read: bytes) -> None:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    reader = aiohttp.StreamReader(protocol, 2**16, loop=loop)

    async def feed() -> None:
        for piece in (b"one", b"two", b"three"):
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.create_task(feed())
    assert await read_whole(reader, most) == read
    await feeding
