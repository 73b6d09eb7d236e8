"""A machine becomes a kit by a one-time code, and a kit gets another key (docs/decisions/0034).

The next key lies beside the one of now until the hub has taken it: whatever is interrupted can be asked again.
"""

import contextlib
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from pydantic import ValidationError

from carebag_edge.clock import Clock
from carebag_edge.errors import HubAway, HubRefused
from carebag_edge.hub_client import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, MAX_ANSWER_BYTES, HubClient, refusal_code
from carebag_edge.keys import KEY_FILE, KitKey, load_or_create, private_key, write_private
from carebag_edge.media_files import sync_folder
from carebag_edge.whole_body import read_whole
from carebag_wire.kit_enrolment import (
    EnrolKit,
    KitEnrolled,
    ReplaceKey,
    enrolment_text,
    origin_of,
    read_code,
    replacement_text,
)

NEXT_KEY_FILE = "kit_key_next"
KNOWN_FILE = "enrolment.json"
ENROL = "/api/kit-enrolment"
KEY = "/api/kit/key"


class NotSafe(Exception):
    """The code would go over the network for everybody to read."""


@dataclass(frozen=True)
class Known:
    """What a kit was told when it was enrolled."""

    hub: str
    name: str


def known(folder: Path) -> Known | None:
    """Which hub this data folder was enrolled at; None: at none, or it cannot be read."""
    try:
        read = json.loads((folder / KNOWN_FILE).read_text(encoding="utf-8"))
        return Known(hub=origin_of(str(read["hub"])), name=str(read["name"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def enrol(folder: Path, hub_url: str, code: str, clock: Clock) -> KitEnrolled:
    """Make this data folder's kit known to the hub. Its key is made here and never leaves; a kit that is known there
    already, or was shut out, gets another one.

    Raises:
        BadCode: not a code; ValueError: no web address.
        NotSafe: the hub is on another machine and without TLS.
        HubAway, HubRefused: see `carebag_server.kit_enrolment.enrol`; the code can be used again unless it is used up.
        WrongJournal: the folder's files are damaged.
    """
    code, hub = read_code(code), origin_of(hub_url)
    if urlsplit(hub).scheme != "https" and not _is_here(urlsplit(hub).hostname or ""):
        raise NotSafe
    now = load_or_create(folder, None, clock.unix_ms())
    candidates = [now]
    if (folder / NEXT_KEY_FILE).exists():
        candidates.insert(0, _next_key(folder, now))  # the hub may have taken it, and its answer was lost
    for key in candidates:
        with contextlib.suppress(_HadBefore):
            return _keep(folder, hub, key, now, await _ask(hub, code, key))
    (folder / NEXT_KEY_FILE).unlink(missing_ok=True)
    key = _next_key(folder, now)
    return _keep(folder, hub, key, now, await _ask(hub, code, key))


class _HadBefore(Exception):
    """The hub knows this key, as this kit's of now or of before: another one is needed."""


async def _ask(hub: str, code: str, key: KitKey) -> KitEnrolled:
    signature = key.sign(enrolment_text(hub, code, key.kit_id, key.public))
    said = EnrolKit(code=code, kit_id=key.kit_id, public_key=key.public, hub=hub, signature=signature)
    try:
        return KitEnrolled.model_validate_json(await _post(hub + ENROL, said.model_dump_json().encode()))
    except ValidationError:
        raise HubAway from None  # something answered that is not our hub
    except HubRefused as refused:
        if refused.code == "kit_key_known":
            raise _HadBefore from None
        raise


async def _post(url: str, body: bytes) -> bytes:
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
    headers = {"Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            answer = await read_whole(response.content, MAX_ANSWER_BYTES)
    except (TimeoutError, aiohttp.ClientError, OSError):
        raise HubAway from None
    if not 200 <= response.status < 300:
        raise HubRefused(response.status, refusal_code(answer))
    return answer


def _keep(folder: Path, hub: str, key: KitKey, before: KitKey, answer: KitEnrolled) -> KitEnrolled:
    if key.public != before.public:
        _put_next(folder)
    write_private(folder / KNOWN_FILE, json.dumps({"hub": hub, "name": answer.name}, ensure_ascii=False).encode())
    return answer


async def replace_key(folder: Path, hub_url: str, clock: Clock) -> None:
    """Another key for a kit that the hub knows; the one of before is gone afterwards. Not while the kit runs.

    Raises:
        HubAway, HubRefused: the key of now stays; ask again, also where it is not known whether the hub took the next.
        WrongJournal: the folder's files are damaged.
    """
    now = load_or_create(folder, None, clock.unix_ms())
    following = _next_key(folder, now)
    try:
        await _replace(hub_url, now, following, clock)
    except HubRefused as refused:
        if refused.code != "bad_proof":
            raise
        await _replace(hub_url, following, following, clock)  # taken before, and the answer was lost
    _put_next(folder)


async def _replace(hub_url: str, signing: KitKey, following: KitKey, clock: Clock) -> None:
    signature = following.sign(replacement_text(following.kit_id, following.public))
    async with HubClient(hub_url, signing, clock) as hub:
        said = ReplaceKey(public_key=following.public, signature=signature)
        try:
            await hub.post(KEY, said)
        except HubRefused as refused:
            if refused.code != "clock_differs":
                raise
            await hub.post(KEY, said)  # now by the hub's clock


def _next_key(folder: Path, now: KitKey) -> KitKey:
    return KitKey(now.kit_id, private_key(folder / NEXT_KEY_FILE))


def _put_next(folder: Path) -> None:
    (folder / NEXT_KEY_FILE).replace(folder / KEY_FILE)
    sync_folder(folder)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
