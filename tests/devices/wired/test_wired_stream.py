"""The wire itself: nobody there, not allowed, gone, and come back."""

import asyncio

import pytest

from carebag_devices.catalog import model_named
from carebag_devices.codecs.lis01 import ACK, ENQ
from carebag_devices.errors import DeviceLost, DeviceRefused, DeviceSilent
from carebag_devices.events import DeviceState as S
from carebag_devices.sim.lab_lis2 import Lis2Analyser
from carebag_devices.sim.lab_wire import Pty, plugged
from carebag_devices.wired import run_wired, wired_identity
from carebag_devices.wired.address import Dial, Listen, SerialPort
from carebag_devices.wired.stream import Listener, Stream, open_stream

LIS2 = model_named("lis2_serial")


async def write_until_refused(stream: Stream) -> None:
    while True:
        await stream.write(b"x" * 65_536)


async def both_met(listener: Listener) -> None:
    while listener._newest.qsize() < 2:  # noqa: ASYNC110 - the kernel decides when
        await asyncio.sleep(0)


async def test_nobody_is_there(unused_tcp_port: int, tmp_path) -> None:
    with pytest.raises(DeviceSilent):
        await open_stream(Dial("127.0.0.1", unused_tcp_port))
    with pytest.raises(DeviceSilent):
        await open_stream(SerialPort(str(tmp_path / "nothing")))


async def test_a_port_that_another_program_has(tmp_path) -> None:
    pty = Pty(tmp_path / "port")
    await pty.plug()
    first = await open_stream(SerialPort(str(pty.path)))
    try:
        with pytest.raises(DeviceRefused):
            await open_stream(SerialPort(str(pty.path)))
    finally:
        await first.close()
        pty.pull()


async def test_a_port_taken_for_listening(unused_tcp_port: int) -> None:
    async with Listener(Listen("127.0.0.1", unused_tcp_port)):
        with pytest.raises(DeviceRefused):
            async with Listener(Listen("127.0.0.1", unused_tcp_port)):
                pass


async def test_bytes_go_both_ways_on_a_cable_and_its_end_is_told(tmp_path) -> None:
    pty = Pty(tmp_path / "port")
    far = await pty.plug()
    near = await open_stream(SerialPort(str(pty.path), 115_200))
    everything = bytes(range(256))
    await near.write(everything)
    await far.write(everything)
    for end in (near, far):
        received = b""
        while len(received) < 256:
            received += await end.read()
        assert received == everything
        assert end.heard
    pty.pull()
    with pytest.raises(DeviceLost):
        await near.read()
    with pytest.raises(DeviceLost):
        await far.write(b"x")
    await near.close()
    await near.close()


async def test_an_end_of_the_connection_is_a_loss_for_reader_and_writer() -> None:
    async with Listener(Listen("127.0.0.1", 0)) as listener:
        dialled = await open_stream(Dial("127.0.0.1", listener.port))
        accepted = await listener.accept()
        await accepted.close()
        with pytest.raises(DeviceLost):
            await dialled.read()
        with pytest.raises(DeviceLost):
            await write_until_refused(dialled)
        await dialled.close()


async def test_the_newest_connection_counts() -> None:
    async with Listener(Listen("127.0.0.1", 0)) as listener:
        old = await open_stream(Dial("127.0.0.1", listener.port))
        new = await open_stream(Dial("127.0.0.1", listener.port))
        await new.write(b"new")
        await asyncio.wait_for(both_met(listener), 20.0)
        accepted = await listener.accept()
        assert await accepted.read() == b"new"
        with pytest.raises(DeviceLost):
            await old.read()
        for stream in (old, new, accepted):
            await stream.close()


async def test_a_stranger_is_sent_away() -> None:
    async with Listener(Listen("127.0.0.1", 0, allowed="127.0.0.2")) as listener:
        stranger = await open_stream(Dial("127.0.0.1", listener.port))
        with pytest.raises(DeviceLost):
            await asyncio.wait_for(stranger.read(), 20.0)
        assert listener._newest.empty()
        await stranger.close()


async def test_an_analyser_that_is_switched_on_later(kit, in_background, unused_tcp_port: int) -> None:
    url = f"tcp://127.0.0.1:{unused_tcp_port}"
    analyser = Lis2Analyser(speed=200.0)

    async def switched_on() -> None:
        async with plugged(f"tcp-listen://127.0.0.1:{unused_tcp_port}") as plug:
            await analyser.run(plug)

    async with in_background(run_wired(url, LIS2, kit.reporter(wired_identity(url, LIS2)))):
        await kit.until_state(S.LOST, "device_silent")
        async with in_background(switched_on()):
            await kit.until_state(S.READY)
        await kit.until_state(S.LOST)
    assert kit.told()[:2] == [(S.CONNECTING, ""), (S.LOST, "device_silent")]


async def test_an_analyser_that_dials_may_leave(kit, in_background, unused_tcp_port: int) -> None:
    url = f"tcp-listen://127.0.0.1:{unused_tcp_port}"
    async with in_background(run_wired(url, LIS2, kit.reporter(wired_identity(url, LIS2)))):
        await kit.until_state(S.UNSEEN)
        for _ in range(2):
            stream = await open_stream(Dial("127.0.0.1", unused_tcp_port))
            await kit.until_state(S.READY)
            await stream.close()
            await kit.until_state(S.ASLEEP)


async def test_an_analyser_that_comes_again_takes_the_place_of_its_dead_connection(
    kit, in_background, unused_tcp_port: int
) -> None:
    url = f"tcp-listen://127.0.0.1:{unused_tcp_port}"
    async with in_background(run_wired(url, LIS2, kit.reporter(wired_identity(url, LIS2)))):
        await kit.until_state(S.UNSEEN)
        dead = await open_stream(Dial("127.0.0.1", unused_tcp_port))
        await dead.write(ENQ)
        assert await dead.read() == ACK
        again = await open_stream(Dial("127.0.0.1", unused_tcp_port))
        await again.write(ENQ)
        assert await again.read() == ACK
        with pytest.raises(DeviceLost):
            await asyncio.wait_for(dead.read(), 20.0)
        await dead.close()
        await again.close()


async def test_what_is_not_for_a_wire_is_said_at_once(kit) -> None:
    cuff = model_named("blood_pressure_service")
    with pytest.raises(ValueError, match="not for a wire"):
        await run_wired("tcp://localhost:1", cuff, kit.reporter(wired_identity("tcp://localhost:1", cuff)))
