"""Publish/subscribe of a Valkey (or Redis) server, for those who run one anyway. One server, not a cluster: its one
thread gives all subscribers the same order. The extra `carebag[valkey]`.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import valkey.asyncio as client
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ValkeyError

from carebag_server.hubs.bus import BusCut
from carebag_server.hubs.waiting import Waiting


class ValkeyBus:
    """
    Args:
        url: `valkey://HOST:PORT/NAME`, or `valkeys://…` for TLS; the name keeps several installations apart.
        secret: the server's password; "" if it asks for none.
    """

    def __init__(self, url: str, secret: str = "") -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "valkeys"
        self._host, self._port, self._user = parts.hostname or "", parts.port or 6379, parts.username
        self._channel = f"carebag:{parts.path.strip('/') or 'hubs'}"
        self._secret = secret
        self._waiting = Waiting()
        self._is_up = False

    def say(self, text: str) -> None:
        if self._is_up:
            self._waiting.add([text])

    async def run(self, heard: Callable[[str], None], up: Callable[[], None]) -> None:
        server = self._server()
        try:
            async with server.pubsub() as ears:
                await ears.subscribe(self._channel)
                await _subscribed(ears)
                self._is_up = True
                up()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._listen(ears, heard))
                    both.create_task(self._speak(server))
        except* (ValkeyError, OSError) as errors:
            raise BusCut(type(errors.exceptions[0]).__name__) from None
        finally:
            self._is_up = False
            self._waiting.clear()
            await server.aclose()
        raise BusCut("closed")

    def _server(self) -> Any:
        # never anew by itself: what was said meanwhile would be missed without a word
        return client.Valkey(
            host=self._host,
            port=self._port,
            username=self._user,
            password=self._secret or None,
            ssl=self._tls,
            socket_connect_timeout=5,
            socket_timeout=None,  # silence is the company's to judge
            socket_keepalive=True,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )

    @staticmethod
    async def _listen(ears: Any, heard: Callable[[str], None]) -> None:
        while True:
            message = await ears.parse_response(block=True)
            kind, _, text = message
            if kind == "message":
                heard(text)

    async def _speak(self, server: Any) -> None:
        async for texts in self._waiting.lots():
            async with server.pipeline(transaction=False) as pipe:
                for text in texts:
                    pipe.publish(self._channel, text)
                await pipe.execute()


async def _subscribed(ears: Any) -> None:
    """Until the server says that nothing is missed any more."""
    while (await ears.parse_response(block=True))[0] != "subscribe":
        continue
