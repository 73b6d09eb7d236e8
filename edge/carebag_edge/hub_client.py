"""The kit's way to the hub over HTTP: every request carries a proof made with the kit's key."""

import asyncio
import email.utils
import io
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256 as sha256_of
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from pydantic import ValidationError
from yarl import URL

from carebag_edge.clock import Clock
from carebag_edge.errors import HubAway, HubRefused, HubSlow
from carebag_edge.keys import KitKey
from carebag_edge.whole_body import read_whole
from carebag_wire.api import REFUSAL_HEADER, NurseCode, NurseIdentity, Refusal, UploadState
from carebag_wire.base import Wire
from carebag_wire.kit_proof import EMPTY_SHA256, KitProof, proof_text, write_proof
from carebag_wire.records import RecordBatch, RecordReceipt

RECORDS = "/api/kit/records"
MEDIA = "/api/kit/media/{sha256}"
UPLOAD = "/api/kit/uploads/{sha256}"
NURSE = "/api/kit/nurse"
SOCKET = "/api/ws/kit"
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 15.0
MEDIA_TIMEOUT_S = 300.0
SOCKET_HEARTBEAT_S = 4.0
MAX_ANSWER_BYTES = 1024 * 1024
MAX_SOCKET_MESSAGE_BYTES = 8 * 1024 * 1024
MORSEL_BYTES = 4096
"""What goes into the socket at once: on 1 Mbit/s it holds up what comes behind it for 33 ms."""
M = TypeVar("M", RecordReceipt, NurseIdentity, UploadState)
_FAILURES = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class HubClient:
    """One session to one hub. `async with` opens and closes it."""

    def __init__(self, hub_url: str, key: KitKey, clock: Clock) -> None:
        self._url = URL(hub_url)
        self.key = key
        self._clock = clock
        self._skew_ms = 0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
        straight = aiohttp.TraceConfig()
        straight.on_request_redirect.append(_go_nowhere_else)
        self._session = aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[straight]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened().close()

    async def send_records(self, batch: RecordBatch) -> RecordReceipt:
        """Deliver; the receipt names what is durable at the hub.

        Raises:
            HubAway: no answer that can be understood; nothing is known about the batch.
            HubRefused: the hub would not take the batch as a whole.
        """
        answer = await self._request("POST", RECORDS, batch.model_dump_json().encode(), "application/json")
        return _parsed(RecordReceipt, answer)

    async def send_media(self, sha256: str, content: bytes, media_type: str) -> None:
        """Deliver the content of a digest; the hub checks it. Raises as `send_records`."""
        await self._request("PUT", MEDIA.format(sha256=sha256), content, media_type, MEDIA_TIMEOUT_S)

    async def upload_state(self, sha256: str) -> UploadState:
        """How much of a file the hub has. Raises as `send_records`; 404 `not_found` is a hub that takes no pieces."""
        return _parsed(UploadState, await self._request("GET", UPLOAD.format(sha256=sha256), b"", "text/plain"))

    async def send_piece(
        self, sha256: str, offset: int, piece: bytes, pace: Callable[[int], Awaitable[None]], *, last: bool
    ) -> UploadState:
        """Deliver the bytes of a file from `offset` on.

        Args:
            pace: awaited with a number of bytes before they go.

        Raises as `send_records`; 409 `other_offset`: ask for it.
        """
        target = f"{UPLOAD.format(sha256=sha256)}?offset={offset}&complete={str(last).lower()}"
        content_type = "application/octet-stream"
        answer = await self._request("PATCH", target, piece, content_type, MEDIA_TIMEOUT_S, pace)
        return _parsed(UploadState, answer)

    async def redeem(self, code: str) -> NurseIdentity:
        """Turn a nurse's one-time code into who she is. Raises as `send_records`."""
        body = NurseCode(code=code).model_dump_json().encode()
        return _parsed(NurseIdentity, await self._request("POST", NURSE, body, "application/json"))

    async def post(self, path: str, message: Wire) -> bytes:
        """Ask the hub something on the nurse's behalf; its answer as it came. Raises as `send_records`."""
        return await self._request("POST", path, message.model_dump_json().encode(), "application/json")

    async def open_socket(self) -> aiohttp.ClientWebSocketResponse:
        """The kit's WebSocket. Raises as `send_records`."""
        url = self._url.with_path(SOCKET)
        try:
            return await self._opened().ws_connect(
                url.with_scheme("wss" if url.scheme == "https" else "ws"),
                headers={"Authorization": self._proof("GET", SOCKET, EMPTY_SHA256)},
                heartbeat=SOCKET_HEARTBEAT_S,
                max_msg_size=MAX_SOCKET_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
            )
        except aiohttp.WSServerHandshakeError as error:
            self._learn_time(error.headers.get("Date") if error.headers else None)
            raise HubRefused(error.status, _handshake_code(error)) from None
        except _FAILURES:
            raise HubAway from None

    async def _request(
        self,
        method: str,
        target: str,
        body: bytes,
        content_type: str,
        timeout_s: float = ANSWER_TIMEOUT_S,
        pace: Callable[[int], Awaitable[None]] | None = None,
    ) -> bytes:
        digest = sha256_of(body).hexdigest()
        headers = {"Authorization": self._proof(method, target, digest), "Content-Type": content_type}
        data = io.BytesIO(body) if pace is None else _morsels(body, pace)
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        try:
            async with self._opened().request(
                method,
                self._url.join(URL(target, encoded=True)),
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                answer = await read_whole(response.content, MAX_ANSWER_BYTES)
        except aiohttp.ServerTimeoutError:  # not even connected
            raise HubAway from None
        except TimeoutError:
            raise HubSlow from None
        except _FAILURES:
            raise HubAway from None
        if 200 <= response.status < 300:
            return answer
        code = refusal_code(answer)
        if code == "clock_differs":
            self._learn_time(response.headers.get("Date"))
        raise HubRefused(response.status, code)

    def _proof(self, method: str, target: str, body_sha256: str) -> str:
        unix_ms, nonce = self._clock.unix_ms() + self._skew_ms, secrets.token_urlsafe(18)
        signature = self.key.sign(proof_text(method, target, unix_ms, nonce, body_sha256))
        return write_proof(KitProof(self.key.kit_id, unix_ms, nonce, signature))

    def _learn_time(self, date: str | None) -> None:
        """Follow the hub's clock in proofs only: the times in records stay the kit's own."""
        try:
            hub = email.utils.parsedate_to_datetime(date or "")
        except ValueError:
            return
        self._skew_ms = int(hub.timestamp() * 1000) - self._clock.unix_ms()

    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "use `async with`"
        return self._session


async def _go_nowhere_else(*_: object) -> None:
    """The WebSocket's handshake has no switch for it: whoever answers for the hub sends the kit to no other place."""
    raise aiohttp.ClientError


async def _morsels(body: bytes, pace: Callable[[int], Awaitable[None]]) -> AsyncIterator[bytes]:
    for at in range(0, len(body), MORSEL_BYTES):
        morsel = body[at : at + MORSEL_BYTES]
        await pace(len(morsel))
        yield morsel


def _parsed(model: type[M], answer: bytes) -> M:
    try:
        return model.model_validate_json(answer)
    except ValidationError:
        raise HubAway from None  # something answered that is not our hub


def _handshake_code(error: aiohttp.WSServerHandshakeError) -> str:
    try:
        return Refusal(code=error.headers.get(REFUSAL_HEADER, "") if error.headers else "").code
    except ValidationError:
        return "handshake_refused"  # a hub of before, or something that is not our hub


def refusal_code(answer: bytes) -> str:
    """Of an answer that is no success; `refused` where it is not one of our hub."""
    try:
        return Refusal.model_validate_json(answer).code
    except ValidationError:
        return "refused"
