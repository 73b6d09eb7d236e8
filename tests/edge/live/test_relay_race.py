"""Which relay is chosen, when it is raced again, and what is said when none answers: in virtual time, no network."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aioice import stun
from hypothesis import example, given
from hypothesis import strategies as st

from carebag_devices.lab.virtual_time import run_in_virtual_time
from carebag_edge.live.port import IceServer
from carebag_edge.live.relay_race import (
    AGAIN_S,
    GRACE_S,
    HEAD_START_S,
    LIMIT_S,
    WAIT_S,
    Heat,
    RelayFailed,
    RelayRace,
    TurnAddress,
    race,
    reason,
)
from carebag_wire.calls import Relay, RelayState

UDP, TCP, TLS = "turn:t.example:3478", "turn:t.example:3478?transport=tcp", "turns:t.example:443?transport=tcp"
NEVER = 1e9


def relay(*urls: str, username: str = "9:u", only: bool = False) -> Relay:
    return Relay(
        visit_id=UUID(int=1),
        to="kit:1",
        urls=list(urls or (TLS, TCP, UDP)),
        username=username,
        credential=f"of {username}",
        expires_at=datetime(2026, 11, 23, tzinfo=UTC),
        relay_only=only,
    )


class Net:
    """How long each path takes to answer, and whether with a refusal."""

    def __init__(self, **seconds: float | tuple[float, str]) -> None:
        self.paths: dict[str, float | tuple[float, str]] = {"udp": NEVER, "tcp": NEVER, "tls": NEVER, **seconds}
        self.tried: list[tuple[str, float]] = []

    async def __call__(self, address: TurnAddress, username: str, credential: str) -> None:
        self.tried.append((address.path, asyncio.get_running_loop().time()))
        said = self.paths[address.path]
        seconds, code = said if isinstance(said, tuple) else (said, "")
        await asyncio.sleep(seconds)
        if code:
            raise RelayFailed(code)


def run(net: Net, asked: Relay | None = None) -> tuple[str, float, str | None]:
    """Path that won, when, and the problem."""

    async def go() -> tuple[str, float, str | None]:
        loop = asyncio.get_running_loop()
        chosen, problem = await race(asked or relay(), net, loop.time)
        return chosen.path if chosen else "", loop.time(), problem

    return run_in_virtual_time(go())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("turn:a", ("a", 3478, "udp")),
        ("turn:a:80?transport=udp", ("a", 80, "udp")),
        ("turn:a.example.se?transport=tcp", ("a.example.se", 3478, "tcp")),
        ("turns:a", ("a", 5349, "tls")),
        ("turns:[2001:db8::1]:443?transport=tcp", ("2001:db8::1", 443, "tls")),
    ],
)
def test_a_turn_url_is_read(url: str, expected: tuple[str, int, str]) -> None:
    address = TurnAddress.of(url)
    assert (address.host, address.port, address.path, address.url) == (*expected, url)


@pytest.mark.parametrize("url", ["", "stun:a", "turn:a:0", "turn:a:99999", "turns:a?transport=udp", "turn:a?x=1"])
def test_what_is_no_turn_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="bad_turn_url"):
        TurnAddress.of(url)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        TurnAddress.of(text)
    except ValueError as error:
        assert str(error) == "bad_turn_url"  # noqa: PT017


def test_udp_wins_whatever_the_operator_wrote_first() -> None:
    net = Net(udp=0.1, tcp=0.01, tls=0.01)
    assert run(net) == ("udp", 0.1, None)
    assert net.tried == [("udp", 0)]


def test_dead_udp_falls_to_tcp_and_blocked_tcp_to_tls() -> None:
    assert run(Net(tcp=0.2, tls=0.3)) == ("tcp", pytest.approx(HEAD_START_S + 0.2 + GRACE_S), None)
    path, seconds, _ = run(Net(tls=0.3))
    assert (path, seconds < 2) == ("tls", True)


def test_a_slow_udp_still_wins_within_the_grace() -> None:
    assert run(Net(udp=HEAD_START_S + 0.2 + 0.9 * GRACE_S, tcp=0.2))[0] == "udp"
    assert run(Net(udp=HEAD_START_S + 0.2 + 1.1 * GRACE_S, tcp=0.2))[0] == "tcp"


def test_who_refuses_at_once_costs_no_head_start() -> None:
    net = Net(udp=(0.05, "turn_unreachable"), tcp=0.1)
    assert run(net)[:2] == ("tcp", pytest.approx(0.15))


@pytest.mark.parametrize(
    ("net", "code"),
    [
        (Net(), "turn_no_answer"),
        (Net(udp=(0.1, "turn_refused"), tcp=(0.1, "turn_refused"), tls=(0.1, "turn_refused")), "turn_refused"),
        (Net(udp=(1.0, "turn_no_answer"), tcp=(0.1, "turn_refused"), tls=(0.1, "turn_certificate")), "turn_refused"),
        (Net(tls=(0.1, "turn_certificate")), "turn_certificate"),
        (Net(udp=(0.1, "turn_name"), tcp=(0.1, "turn_name"), tls=(0.1, "turn_name")), "turn_name"),
    ],
)
def test_when_none_answers_the_most_telling_reason_is_given(net: Net, code: str) -> None:
    path, seconds, problem = run(net)
    assert (path, problem) == ("", code)
    assert seconds <= LIMIT_S


def test_what_the_hub_wrote_wrongly_is_said() -> None:
    assert run(Net(), relay("http://x"))[2] == "turn_no_answer"
    assert run(Net(udp=0.1), relay("http://x", UDP))[0] == "udp"


TIMES = st.one_of(st.just(NEVER), st.floats(0, 5).map(lambda seconds: round(seconds, 3)))


@given(st.lists(st.tuples(TIMES, st.booleans()), min_size=1, max_size=3))
@example([(LIMIT_S, True)])
def test_the_winner_is_the_best_within_the_grace(runs: list[tuple[float, bool]]) -> None:
    names = ("udp", "tcp", "tls")[: len(runs)]
    net = Net(**{name: seconds if good else (seconds, "x") for name, (seconds, good) in zip(names, runs, strict=True)})
    path, seconds, problem = run(net, relay(*(UDP, TCP, TLS)[: len(runs)]))
    begun = dict(net.tried)
    arrivals = {name: begun[name] + runs[names.index(name)][0] for name in begun if runs[names.index(name)][1]}
    on_time = {name: at for name, at in arrivals.items() if at <= seconds}
    assert (path == "") == (problem is not None)
    assert seconds <= LIMIT_S + 0.01
    if path:
        first = min(on_time.values())
        assert path == next(name for name in names if name in on_time)
        assert seconds <= first + GRACE_S + 0.01
    else:
        assert not on_time
    # nobody starts before his time, unless all before him have failed
    for place, name in enumerate(names):
        if name in begun and begun[name] < place * HEAD_START_S - 1e-9:
            before = [runs[names.index(other)] for other in names[:place]]
            assert all(not good for _, good in before)


def test_a_heat_nobody_can_win_any_more_is_lost() -> None:
    heat = Heat(2)
    assert heat.start(0) == [0]
    assert not heat.lost
    heat.failed(0)
    assert heat.start(0.01) == [1]
    heat.failed(1)
    assert heat.lost
    assert heat.winner(9) is None


# The race of a kit, over time


def with_race(work: Callable[[RelayRace, Net], Coroutine[Any, Any, None]], net: Net, **more: Any) -> list[RelayState]:
    told: list[RelayState] = []

    async def go() -> None:
        loop = asyncio.get_running_loop()
        runner = RelayRace(
            probe=net, now=loop.time, told=lambda: told.append(runner.state), **{"addresses": lambda: ["a"], **more}
        )  # type: ignore[arg-type]
        await work(runner, net)
        await runner.close()

    run_in_virtual_time(go())
    return told


def test_the_choice_is_remembered_and_new_credentials_keep_it() -> None:
    async def work(runner: RelayRace, net: Net) -> None:
        runner.take(relay())
        assert await runner.best() == IceServer(UDP, "9:u", "of 9:u")
        await asyncio.sleep(3600)
        runner.take(relay(username="10:u"))
        assert await runner.best() == IceServer(UDP, "10:u", "of 10:u")
        assert len(net.tried) == 1

    assert with_race(work, Net(udp=0.1)) == [RelayState(path="udp")]


def test_a_failed_call_races_again_and_finds_another_way() -> None:
    async def work(runner: RelayRace, net: Net) -> None:
        runner.take(relay())
        assert (await runner.best()) == IceServer(UDP, "9:u", "of 9:u")
        net.paths["udp"] = NEVER
        assert (await runner.best(failed=True)) == IceServer(TCP, "9:u", "of 9:u")

    assert with_race(work, Net(udp=0.1, tcp=0.1)) == [RelayState(path="udp"), RelayState(path="tcp")]


def test_another_address_races_again() -> None:
    here = ["10.0.0.2"]

    async def work(runner: RelayRace, net: Net) -> None:
        runner.take(relay())
        await runner.best()
        here[0] = "10.9.0.2"
        await runner.best()
        assert [path for path, _ in net.tried] == ["udp", "udp"]

    with_race(work, Net(udp=0.1), addresses=lambda: list(here))


def test_a_call_does_not_wait_long_for_a_dead_relay_unless_it_must() -> None:
    async def work(runner: RelayRace, net: Net) -> None:
        loop = asyncio.get_running_loop()
        runner.take(relay())
        assert await runner.best() is None
        assert loop.time() == WAIT_S
        # later calls wait not at all while it is known to be dead, and look again after a while
        await asyncio.sleep(LIMIT_S)
        at, tries = loop.time(), len(net.tried)
        assert await runner.best() is None
        assert (loop.time(), len(net.tried)) == (at, tries)
        await asyncio.sleep(AGAIN_S)
        await runner.best()
        assert len(net.tried) > tries
        runner.take(relay(UDP, only=True))
        at = loop.time()
        assert await runner.best() is None
        assert loop.time() == at + LIMIT_S

    told = with_race(work, Net())
    assert told == [RelayState(problem="turn_no_answer"), RelayState(problem="turn_no_answer", only=True)]


def test_a_kit_that_must_have_a_relay_says_when_the_hub_gives_none() -> None:
    async def work(runner: RelayRace, net: Net) -> None:
        assert runner.state == RelayState(problem="turn_none", only=True)
        assert await runner.best() is None
        runner.take(relay())
        assert runner.only
        assert await runner.best() is not None
        assert runner.state == RelayState(path="udp", only=True)
        runner.take(None)
        assert runner.state == RelayState(problem="turn_none", only=True)

    with_race(work, Net(udp=0.1), only=True)


def test_a_hub_that_wants_it_so_holds_its_kits_to_the_relay() -> None:
    async def work(runner: RelayRace, net: Net) -> None:
        runner.hold(True)
        assert (runner.only, runner.state) == (True, RelayState(problem="turn_none", only=True))
        runner.take(relay())
        await runner.best()
        assert runner.state == RelayState(path="udp", only=True)
        runner.take(None)
        runner.hold(False)
        assert (runner.only, runner.state) == (False, None)

    with_race(work, Net(udp=0.1))


def test_without_a_relay_nothing_is_said() -> None:
    async def work(runner: RelayRace, net: Net) -> None:
        assert await runner.best() is None
        assert (runner.state, runner.only) == (None, False)

    assert with_race(work, Net()) == []


def refusal(code: int) -> stun.TransactionFailed:
    message = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.ERROR)
    message.attributes["ERROR-CODE"] = (code, "")
    return stun.TransactionFailed(message)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusal(401), "turn_refused"),
        (refusal(486), "turn_full"),
        (refusal(500), "turn_answer"),
        (stun.TransactionTimeout(), "turn_no_answer"),
        (ssl.SSLCertVerificationError("x"), "turn_certificate"),
        (socket.gaierror(-2, "x"), "turn_name"),
        (ConnectionRefusedError(), "turn_unreachable"),
        (TimeoutError(), "turn_no_answer"),
        (ValueError(), "turn_answer"),
    ],
)
def test_every_failure_has_a_word(error: Exception, code: str) -> None:
    assert reason(error) == code
