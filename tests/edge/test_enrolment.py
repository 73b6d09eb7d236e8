"""A machine becomes a kit at the true hub over real sockets, gets other keys, and is shut out while it is connected."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from carebag_edge import enrolment
from carebag_edge.clock import system_clock
from carebag_edge.errors import HubAway, HubRefused, WrongJournal
from carebag_edge.hub_client import HubClient
from carebag_edge.hub_link import HubLink, LinkCore
from carebag_edge.keys import load_or_create
from carebag_server import kit_enrolment, together
from carebag_server.audit import Actor
from carebag_server.database import Database
from carebag_server.people_tables import CareUnit, FormerKitKey
from carebag_server.serve import server_config
from carebag_server.settings import Settings
from carebag_server.staff import Change, add_organization, add_unit
from carebag_server.tables import Kit
from carebag_wire.kit_enrolment import BadCode
from carebag_wire.messages import KitStatus

CLOCK = system_clock()
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)


class RealHub:
    """A production hub under uvicorn, and what its operator does."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = Settings(
            database_url=f"sqlite:///{folder / 'hub.sqlite'}",
            media_folder=folder / "media",
            port=self.port,
            origins=(f"http://localhost:{self.port}", self.url),
        )

    async def start(self) -> None:
        config = server_config(self.settings)
        self.server = uvicorn.Server(config)
        self.server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self.serving = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self.server.should_exit = True
        await self.serving

    def act(self, work: Any) -> Any:
        database = Database(self.settings.database_url)
        try:
            with database.transaction() as session:
                return work(Change(session, OPERATOR, datetime.now(UTC)))
        finally:
            database.dispose()

    async def code(self, kit_id: uuid.UUID | None = None) -> str:
        def made(change: Change) -> str:
            if kit_id is not None:
                return kit_enrolment.code_for_known(change, change.session.get_one(Kit, kit_id))
            unit = change.session.scalars(select(CareUnit)).first()
            unit = unit or add_unit(change, add_organization(change, "Ånge kommun"), "Ånge hemsjukvård")
            return kit_enrolment.code_for_new(change, unit, f"Väska {uuid.uuid4().hex[:4]}")

        return str(await asyncio.to_thread(self.act, made))

    async def revoke(self, kit_id: uuid.UUID) -> None:
        await asyncio.to_thread(
            self.act, lambda change: kit_enrolment.revoke(change, change.session.get_one(Kit, kit_id))
        )

    async def keys(self, kit_id: uuid.UUID) -> list[bytes]:
        """The one of now, then the former ones."""

        def read(change: Change) -> list[bytes]:
            former = select(FormerKitKey.public_key).where(FormerKitKey.kit_id == kit_id)
            kit = change.session.get_one(Kit, kit_id)
            return [kit.public_key, *change.session.scalars(former.order_by(FormerKitKey.replaced_at.desc()))]

        return list(await asyncio.to_thread(self.act, read))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[RealHub]:
    made = RealHub(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def admitted(folder: Path, hub_url: str) -> bool:
    """Whether the key in the folder opens the hub."""
    async with HubClient(hub_url, load_or_create(folder, None, 0), CLOCK) as client:
        try:
            await client.upload_state("ab" * 32)
        except HubRefused as refused:
            if refused.code not in ("bad_proof", "kit_unknown", "kit_revoked"):
                raise
            return False
    return True


async def test_a_new_machine(hub: RealHub, tmp_path: Path) -> None:
    folder = tmp_path / "kit"
    answer = await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    assert answer.unit == "Ånge hemsjukvård"
    assert enrolment.known(folder) == enrolment.Known(hub.url, answer.name)
    assert await admitted(folder, hub.url)
    assert (folder / "kit_key").stat().st_mode & 0o777 == 0o600


async def test_the_kits_own_key_is_the_one_that_is_known(hub: RealHub, tmp_path: Path) -> None:
    """What the journal was begun with before enrolment stays verifiable."""
    key = load_or_create(tmp_path / "kit", None, 0)
    await enrolment.enrol(tmp_path / "kit", hub.url, await hub.code(), CLOCK)
    assert load_or_create(tmp_path / "kit", None, 0).public == key.public


@pytest.mark.parametrize(
    ("code", "said"),
    [("0000-0000-0000", "kit_code_unknown"), ("used", "kit_code_used"), ("of another", "kit_known")],
)
async def test_refusals_leave_the_kit_as_it_was(hub: RealHub, tmp_path: Path, code: str, said: str) -> None:
    other = tmp_path / "other"
    if code == "used":
        code = await hub.code()
        await enrolment.enrol(other, hub.url, code, CLOCK)
    elif code == "of another":
        await enrolment.enrol(other, hub.url, await hub.code(), CLOCK)
        code = await hub.code(load_or_create(other, None, 0).kit_id)
    with pytest.raises(HubRefused, match=said):
        await enrolment.enrol(tmp_path / "kit", hub.url, code, CLOCK)
    assert enrolment.known(tmp_path / "kit") is None
    assert not await admitted(tmp_path / "kit", hub.url)


async def test_a_hub_by_another_name(tmp_path: Path) -> None:
    """A proof says for which hub it is: one that a false hub was given is worth nothing at the true one."""
    hub = RealHub(tmp_path)
    hub.settings = replace(hub.settings, origins=("https://hub.example.se",))
    await hub.start()
    try:
        with pytest.raises(HubRefused, match="other_hub"):
            await enrolment.enrol(tmp_path / "kit", hub.url, await hub.code(), CLOCK)
    finally:
        await hub.stop()


@pytest.mark.parametrize("address", ["http://hub.example.se", "http://10.0.0.4:8470"])
async def test_a_code_never_goes_without_tls(tmp_path: Path, address: str) -> None:
    with pytest.raises(enrolment.NotSafe):
        await enrolment.enrol(tmp_path / "kit", address, "0000-0000-0000", CLOCK)
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize(("address", "code"), [("hub.example.se", "0000-0000-0000"), ("https://hub.example.se", "x")])
async def test_what_is_no_address_or_code(tmp_path: Path, address: str, code: str) -> None:
    with pytest.raises((ValueError, BadCode)):
        await enrolment.enrol(tmp_path / "kit", address, code, CLOCK)


async def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(HubAway):
            await enrolment.enrol(tmp_path / "kit", f"http://127.0.0.1:{probe.getsockname()[1]}", "0" * 12, CLOCK)


async def test_a_damaged_key_is_not_replaced_in_silence(hub: RealHub, tmp_path: Path) -> None:
    load_or_create(tmp_path / "kit", None, 0)
    (tmp_path / "kit" / "kit_key").write_bytes(b"short")
    with pytest.raises(WrongJournal):
        await enrolment.enrol(tmp_path / "kit", hub.url, await hub.code(), CLOCK)


async def test_a_kit_that_was_shut_out_comes_back_with_another_key(hub: RealHub, tmp_path: Path) -> None:
    folder = tmp_path / "kit"
    await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    before = load_or_create(folder, None, 0)
    await hub.revoke(before.kit_id)
    assert not await admitted(folder, hub.url)
    await enrolment.enrol(folder, hub.url, await hub.code(before.kit_id), CLOCK)
    after = load_or_create(folder, None, 0)
    assert (after.kit_id, after.public != before.public) == (before.kit_id, True)
    assert await admitted(folder, hub.url)
    assert not (folder / "kit_key_next").exists()


async def test_a_key_is_replaced(hub: RealHub, tmp_path: Path) -> None:
    folder = tmp_path / "kit"
    await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    before = load_or_create(folder, None, 0)
    await enrolment.replace_key(folder, hub.url, CLOCK)
    after = load_or_create(folder, None, 0)
    assert await hub.keys(before.kit_id) == [key.private.public_key().public_bytes_raw() for key in (after, before)]
    assert await admitted(folder, hub.url)
    (folder / "kit_key").write_bytes(before.private.private_bytes_raw())
    assert not await admitted(folder, hub.url)


@pytest.mark.parametrize("by", ["replace", "code"])
async def test_a_lost_answer_is_made_good(hub: RealHub, tmp_path: Path, by: str) -> None:
    """The hub took the next key and the power went before the kit knew: asked again, all is well."""
    folder = tmp_path / "kit"
    await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    before = load_or_create(folder, None, 0)
    code = await hub.code(before.kit_id)
    if by == "replace":
        await enrolment.replace_key(folder, hub.url, CLOCK)
    else:
        await enrolment.enrol(folder, hub.url, code, CLOCK)
    taken = (folder / "kit_key").read_bytes()
    (folder / "kit_key_next").write_bytes(taken)
    (folder / "kit_key").write_bytes(before.private.private_bytes_raw())
    if by == "replace":
        await enrolment.replace_key(folder, hub.url, CLOCK)
    else:
        await enrolment.enrol(folder, hub.url, code, CLOCK)
    assert (folder / "kit_key").read_bytes() == taken
    assert len(await hub.keys(before.kit_id)) == 2
    assert await admitted(folder, hub.url)


async def test_an_interrupted_replacement_that_never_arrived(hub: RealHub, tmp_path: Path) -> None:
    folder = tmp_path / "kit"
    await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    (folder / "kit_key_next").write_bytes(waiting := Ed25519PrivateKey.generate().private_bytes_raw())
    await enrolment.replace_key(folder, hub.url, CLOCK)
    assert (folder / "kit_key").read_bytes() == waiting


async def test_a_kit_that_is_shut_out_replaces_nothing(hub: RealHub, tmp_path: Path) -> None:
    folder = tmp_path / "kit"
    await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    before = load_or_create(folder, None, 0)
    await hub.revoke(before.kit_id)
    with pytest.raises(HubRefused, match="kit_revoked"):
        await enrolment.replace_key(folder, hub.url, CLOCK)
    assert (folder / "kit_key").read_bytes() == before.private.private_bytes_raw()


class Owner:
    """Stands where the kit's agent stands."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    def link_changed(self) -> None:
        self.changed.set()

    async def hub_said(self, message: Any) -> None: ...

    def kit_status(self) -> KitStatus:
        return KitStatus.model_construct(visit_id=None, devices=[], unsent=0, oldest_unsent_at=None)

    def live(self) -> None:
        return None


async def test_an_open_connection_ends_within_a_minute(
    hub: RealHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub looks every 20 s; here every 0.2 s. The kit then knows why, and keeps what it has."""
    assert together.LOOK_SECONDS <= 20
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.2)
    folder = tmp_path / "kit"
    await enrolment.enrol(folder, hub.url, await hub.code(), CLOCK)
    key, owner = load_or_create(folder, None, 0), Owner()
    async with HubClient(hub.url, key, CLOCK) as client:
        link = HubLink(client, LinkCore(CLOCK.utc), owner)  # type: ignore[arg-type]
        running = asyncio.create_task(link.run())
        try:
            async with asyncio.timeout(30):
                while link.core.state != "online":
                    owner.changed.clear()
                    await owner.changed.wait()
                await hub.revoke(key.kit_id)
                while (link.core.problem, link.core.state) != ("kit_revoked", "offline"):
                    owner.changed.clear()
                    await owner.changed.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("text", ["", "{}", '{"hub": "x", "name": "y"}', '{"hub": 1}', "[1]", "\x00"])
def test_what_cannot_be_read_is_no_enrolment(tmp_path: Path, text: str) -> None:
    (tmp_path / "enrolment.json").write_text(text)
    assert enrolment.known(tmp_path) is None
