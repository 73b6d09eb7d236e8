"""What every bus promises, the same for all kinds: one order for all, everything once, and a cut that is told."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from carebag_server.database import make_engine
from carebag_server.hubs import bus_postgres, waiting
from carebag_server.hubs.bus import BusCut
from carebag_server.hubs.settings import BusSettings

POSTGRES = "postgresql+psycopg://carebag@localhost/x"


async def test_all_hear_all_in_one_order_and_once(make_bus: Any, listen: Any) -> None:
    ears = [await listen(make_bus()).connected() for _ in range(3)]
    said = [f"{number} {part}" for part in range(200) for number in range(3)]
    for word in said:
        ears[int(word[0])].bus.say(word)
        if word.endswith("7 0"):
            await asyncio.sleep(0)
    heard = [await one.until(len(said)) for one in ears]
    await asyncio.sleep(0.05)
    assert heard[0] == heard[1] == heard[2]
    assert sorted(heard[0]) == sorted(said)
    for number in "012":  # and each in the order in which it spoke
        assert [word for word in heard[0] if word[0] == number] == [word for word in said if word[0] == number]
    for one in ears:
        await one.stop()


@pytest.mark.parametrize("size", [0, 1, 7_000, 8_000, 300_000])
async def test_texts_of_any_length_come_whole(make_bus: Any, listen: Any, size: int) -> None:
    first, second = [await listen(make_bus()).connected() for _ in range(2)]
    long = ("å€🫀\\\"'\n" * size)[:size]
    first.bus.say(long)
    second.bus.say("after")
    assert sorted(await first.until(2)) == sorted(await second.until(2)) == sorted([long, "after"])
    await first.stop()
    await second.stop()


async def test_the_same_words_twice_are_heard_twice(make_bus: Any, listen: Any) -> None:
    ears = await listen(make_bus()).connected()
    for _ in range(5):
        ears.bus.say("again")
    assert await ears.until(5) == ["again"] * 5
    await ears.stop()


async def test_what_is_said_without_a_connection_is_forgotten(make_bus: Any, listen: Any) -> None:
    bus = make_bus()
    bus.say("before")
    ears = await listen(bus).connected()
    bus.say("now")
    assert await ears.until(1) == ["now"]
    await ears.stop()
    bus.say("meanwhile")
    again = await listen(bus).connected()
    bus.say("then")
    assert await again.until(1) == ["then"]
    await again.stop()


async def test_a_cut_inside_is_told(listen: Any) -> None:
    from carebag_server.hubs.bus_inside import Exchange, InsideBus

    ears = await listen(InsideBus(Exchange())).connected()
    ears.bus.cut()
    with pytest.raises(BusCut):
        await ears.running


@pytest.mark.postgres
@pytest.mark.parametrize("whom", ["LISTEN%", "SET %"])
async def test_a_postgres_connection_that_is_ended_is_told(postgres_url: str, listen: Any, whom: str) -> None:
    """The one that listens, and the one that speaks."""
    ears = await listen(bus_postgres.PostgresBus(postgres_url)).connected()
    await asyncio.to_thread(_end_postgres, postgres_url, whom)
    if whom == "SET %":
        ears.bus.say("into the void")
    with pytest.raises(BusCut):
        await asyncio.wait_for(ears.running, 60)


def _end_postgres(url: str, query: str) -> None:
    engine = make_engine(url)
    with engine.connect() as connection:
        ended = connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'carebag hubs'"
                 " AND query LIKE :query AND datname = current_database()"),
            {"query": query},
        ).all()  # fmt: skip
    engine.dispose()
    assert len(ended) == 1


@pytest.mark.postgres
async def test_no_database_is_a_cut(postgres_url: str) -> None:
    bus = bus_postgres.PostgresBus(postgres_url + "_not")
    with pytest.raises(BusCut):
        await bus.run(lambda text: None, lambda: None)


@pytest.mark.postgres
async def test_a_hub_that_cannot_say_what_it_has_to_is_cut(
    postgres_url: str, listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST", 10)
    ears = await listen(bus_postgres.PostgresBus(postgres_url)).connected()
    for _ in range(50):
        ears.bus.say("x")
    with pytest.raises(BusCut):
        await asyncio.wait_for(ears.running, 60)


async def test_a_valkey_connection_that_listens_and_is_ended_is_told(valkey_port: int, listen: Any) -> None:
    """Above all it does not connect again by itself: what was said meanwhile would be missed without a word."""
    from carebag_server.hubs.bus_valkey import ValkeyBus

    ears = await listen(ValkeyBus(f"valkey://127.0.0.1:{valkey_port}/pubsub")).connected()
    await asyncio.to_thread(_end_valkey, valkey_port, "pubsub")
    with pytest.raises(BusCut):
        await asyncio.wait_for(ears.running, 60)


async def test_a_valkey_connection_that_speaks_and_is_ended_loses_nothing_unsaid(valkey_port: int, listen: Any) -> None:
    """Either the text is heard over a new one, or it is a cut."""
    from carebag_server.hubs.bus_valkey import ValkeyBus

    ears = await listen(ValkeyBus(f"valkey://127.0.0.1:{valkey_port}/normal")).connected()
    ears.bus.say("here")
    await ears.until(1)
    await asyncio.to_thread(_end_valkey, valkey_port, "normal")
    ears.bus.say("still")
    heard = asyncio.create_task(ears.until(2))
    await asyncio.wait([heard, ears.running], return_when=asyncio.FIRST_COMPLETED, timeout=60)
    assert ears.heard == ["here", "still"] or isinstance(ears.running.exception(), BusCut)
    heard.cancel()
    await ears.stop()


def _end_valkey(port: int, kind: str) -> None:
    import valkey

    with valkey.Valkey(port=port) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


async def test_no_valkey_is_a_cut() -> None:
    from carebag_server.hubs.bus_valkey import ValkeyBus

    with pytest.raises(BusCut):
        await ValkeyBus("valkey://127.0.0.1:1/x").run(lambda text: None, lambda: None)


@pytest.mark.parametrize(
    ("place", "database", "fault"),
    [
        ("", "sqlite:///x", None),
        ("postgresql", POSTGRES, None),
        ("postgresql", "sqlite:///x", "bus_needs_postgresql"),
        ("valkey://127.0.0.1:6379/hub", POSTGRES, None),
        ("valkeys://bus.example.se/hub", POSTGRES, None),
        ("valkeys://user@bus.example.se/hub", POSTGRES, None),
        ("valkey://127.0.0.1:6379/hub", "sqlite:///x", "bus_needs_postgresql"),
        ("valkey://bus.example.se:6379/hub", POSTGRES, "bus_without_tls"),
        ("valkeys://user:secret@bus.example.se/hub", POSTGRES, "bad_bus_url"),
        ("valkeys:///hub", POSTGRES, "bad_bus_url"),
        ("valkeys://bus.example.se:99999/hub", POSTGRES, "bad_bus_url"),
        ("redis://127.0.0.1", POSTGRES, "bad_bus_url"),
        ("yes", POSTGRES, "bad_bus_url"),
    ],
)
def test_settings(place: str, database: str, fault: str | None) -> None:
    assert BusSettings(place=place).fault(database) == fault


def test_the_secret_is_not_shown() -> None:
    assert "geheim" not in repr(BusSettings(place="valkeys://bus/x", secret="geheim"))


def test_without_a_place_there_is_no_bus() -> None:
    assert BusSettings().make("sqlite:///x") is None
