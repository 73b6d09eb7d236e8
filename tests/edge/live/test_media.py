"""Live media end to end over real ICE, DTLS, SRTP and SCTP between two peers in this process."""

import hashlib
import json
import logging
from datetime import UTC, datetime
from typing import Any

import aioice.ice
import numpy as np
import pytest

from carebag_edge.live.port import IceServer
from carebag_edge.live_port import MAX_VIEWERS
from carebag_wire.messages import Signal
from carebag_wire.values import Circumstances
from carebag_wire.visit import ListeningState, LiveVitals, SoundEnd

RATE = 4000
FRAME = 118
"""Samples in one notification of the stethoscope's profile."""
CHUNK = FRAME // 2
"""Samples in a chunk that fits it."""


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, int(seconds * RATE)).astype(np.int16)


def chunks(samples: np.ndarray) -> int:
    return -(-len(samples) // CHUNK)


def end_of(stream: int, samples: np.ndarray, gaps: list[tuple[int, int]] | None = None) -> SoundEnd:
    whole = samples.copy()
    for first, count in gaps or []:
        whole[first : first + count] = 0
    digest = hashlib.sha256(whole.astype("<i2").tobytes()).hexdigest()
    return SoundEnd(stream=stream, samples=len(samples), gaps=gaps or [], sha256=digest)


async def play(
    room: Any, page: Any, stream: int, samples: np.ndarray, until: int | None = None, start: int = 0
) -> None:
    """Feed frames as the Bluetooth callback does, as fast as the page takes them."""
    for first in range(start, until or len(samples), FRAME):
        frame = samples[first : min(first + FRAME, until or len(samples))]
        before = page.packets
        room.live.sound(stream, first, frame)
        sent = (first + len(frame)) // CHUNK - first // CHUNK
        await page.until(lambda wanted=before + sent: page.packets >= wanted)


async def repair(page: Any, stream: int, count: int) -> None:
    """Ask for what is missing as the page does, until it is all there."""
    missing = [number for number in range(count) if number not in page.chunks]
    for at in range(0, len(missing), 64):
        page.repair.send(json.dumps({"type": "sound_ask", "stream": stream, "chunks": missing[at : at + 64]}))
    await page.until(lambda: len(page.chunks) >= count)


async def test_every_sample_arrives_exactly(room: Any) -> None:
    (page,) = await room.enter("doctor")
    samples = sound(3)
    room.live.sound_begin(7, RATE)
    await play(room, page, 7, samples)
    end = end_of(7, samples)
    room.live.sound_end(end)
    await page.until(lambda: len(page.heard("sound_end", "repair")) == 1)
    await repair(page, 7, chunks(samples))
    assert hashlib.sha256(page.samples()).hexdigest() == end.sha256 == page.heard("sound_end")[0]["sha256"]


async def test_lost_packets_are_healed_by_repeats_and_repair(room: Any) -> None:
    (page,) = await room.enter("doctor")
    samples = sound(4)
    # bursts of fifteen are longer than the repeats reach
    page.drop = lambda count: count % 50 < 15
    room.live.sound_begin(1, RATE)
    await play(room, page, 1, samples)
    end = end_of(1, samples)
    room.live.sound_end(end)
    assert len(page.chunks) < chunks(samples)
    await repair(page, 1, chunks(samples))
    assert hashlib.sha256(page.samples()).hexdigest() == end.sha256


async def test_a_gap_of_the_stethoscope_stays_a_gap(room: Any) -> None:
    (page,) = await room.enter("doctor")
    samples = sound(2)
    room.live.sound_begin(1, RATE)
    room.live.sound(1, 0, samples[:1000])
    room.live.sound(1, 3000, samples[3000:])
    end = end_of(1, samples, [(1000, 2000)])
    room.live.sound_end(end)
    await page.until(lambda: len(page.heard("sound_end", "repair")) == 1)
    await repair(page, 1, 100)
    assert hashlib.sha256(page.samples()).hexdigest() == end.sha256
    assert [number for number, chunk in sorted(page.chunks.items()) if chunk.pcm is None] == list(range(13, 37))
    assert page.chunks[12].missing
    assert page.chunks[37].missing


async def test_what_the_stethoscope_sent_again_reaches_the_page(room: Any) -> None:
    (page,) = await room.enter("doctor")
    samples = sound(2)
    room.live.sound_begin(1, RATE)
    room.live.sound(1, 0, samples[:1000])
    room.live.sound(1, 3000, samples[3000:6000])
    room.live.sound(1, 1000, samples[1000:3000])
    room.live.sound(1, 6000, samples[6000:])
    end = end_of(1, samples)
    room.live.sound_end(end)
    await page.until(lambda: len(page.heard("sound_end", "repair")) == 1)
    # the page sees that its gaps are not the record's, and asks for those chunks
    page.chunks = {number: chunk for number, chunk in page.chunks.items() if chunk.pcm and not chunk.missing}
    await repair(page, 1, 100)
    assert hashlib.sha256(page.samples()).hexdigest() == end.sha256


async def test_who_joins_in_the_middle_is_told_and_can_have_it_all(room: Any) -> None:
    (first,) = await room.enter("first")
    samples = sound(4)
    room.live.sound_begin(9, RATE)
    await play(room, first, 9, samples, until=118 * 68)
    (_, second) = await room.enter("first", "second")
    (here,) = second.heard("sound_here")
    assert (here["stream"], here["oldest_chunk"], here["next_chunk"]) == (9, 0, 68 * 2)
    await play(room, second, 9, samples, start=118 * 68)
    end = end_of(9, samples)
    room.live.sound_end(end)
    await second.until(lambda: len(second.heard("sound_end", "repair")) == 1)
    await repair(second, 9, chunks(samples))
    assert hashlib.sha256(second.samples()).hexdigest() == end.sha256


async def test_who_comes_after_the_end_is_told_of_it(room: Any) -> None:
    samples = sound(1)
    room.live.sound_begin(3, RATE)
    room.live.sound(3, 0, samples)
    room.live.sound_end(end_of(3, samples))
    (page,) = await room.enter("doctor")
    await page.until(lambda: len(page.heard("sound_end", "repair")) == 1)
    await repair(page, 3, 50)
    assert page.samples() == samples.astype("<i2").tobytes()


async def test_nothing_of_one_visit_reaches_who_comes_to_the_next(room: Any) -> None:
    now = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    samples = sound(1)
    room.live.sound_begin(3, RATE)
    room.live.sound(3, 0, samples)
    about = {"stream": 3, "state": "ended", "request_id": None, "rate_hz": RATE, "gaps": 0, "quality": "good"}
    room.live.state(ListeningState(circumstances=Circumstances(), samples=4000, sound_marks=[(300, "S1")], **about))
    room.live.state(LiveVitals(seq=4, state="live", since=now, spo2_percent="84", pulse_per_min="88", measured_at=now))
    room.live.sound_end(end_of(3, samples))
    room.live.another_visit()
    (page,) = await room.enter("doctor")
    page.repair.send(json.dumps({"type": "sound_ask", "stream": 3, "chunks": [0, 1, 2], "end": True}))
    # what was asked for would be here before the answer to what comes later
    await page.until(lambda: len(page.heard("ping")) > 1)
    told = [page.heard(one) for one in ("listening", "live_vitals", "sound_here", "sound_end")]
    assert (told, page.packets, dict(page.chunks)) == ([[], [], [], []], 0, {})
    room.live.sound_begin(4, RATE)
    await play(room, page, 4, samples)


async def test_a_browser_without_transform_gets_the_sound_on_the_channel(room: Any) -> None:
    (page,) = await room.enter("doctor")
    room.live.sound_begin(1, RATE)
    samples = sound(0.5)
    page.repair.send(json.dumps({"type": "sound_ask", "stream": 0, "carry": True}))
    page.repair.send(json.dumps({"type": "sound_ask", "stream": 1, "end": True, "chunks": []}))
    # a state message passes after the ask was taken: then the way has changed
    await page.until(lambda: len(page.heard("ping")) > 1)
    room.live.sound(1, 0, samples)
    await page.until(lambda: len(page.chunks) == 25)
    assert page.packets == 0


async def test_state_comes_at_once_and_to_those_who_come_later(room: Any) -> None:
    now = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    vitals = LiveVitals(seq=4, state="live", since=now, spo2_percent="94", pulse_per_min="88", measured_at=now)
    listening = ListeningState(
        stream=1,
        state="live",
        request_id=None,
        rate_hz=RATE,
        circumstances=Circumstances(),
        samples=80,
        gaps=0,
        quality="good",
    )
    room.live.state(vitals)
    (page,) = await room.enter("doctor")
    room.live.state(listening)
    await page.until(lambda: len(page.heard("listening")) == 1)
    assert page.heard("live_vitals", "live")[0]["spo2_percent"] == "94"
    assert ListeningState.model_validate({k: v for k, v in page.heard("listening")[0].items() if k != "channel"})


async def test_marks_come_with_the_samples_that_are_asked_for_again(room: Any) -> None:
    (page,) = await room.enter("doctor")
    room.live.sound_begin(1, RATE)
    room.live.sound(1, 0, sound(0.5))
    about = {"stream": 1, "state": "live", "request_id": None, "rate_hz": RATE, "gaps": 0, "quality": "good"}
    told = ListeningState(circumstances=Circumstances(), samples=2000, sound_marks=[(300, "S1"), (1500, "S2")], **about)
    room.live.state(told)
    page.repair.send(json.dumps({"type": "sound_ask", "stream": 1, "chunks": [3, 4]}))
    await page.until(lambda: page.heard("listening", "repair"))
    assert page.heard("listening", "repair")[-1]["sound_marks"] == [[300, "S1"]]


async def test_pictures_come(room: Any) -> None:
    (page,) = await room.enter("doctor")
    frame = await page.tracks["video"].recv()
    assert (frame.width, frame.height) == (640, 360)


async def test_a_page_that_asks_gets_a_new_connection(room: Any) -> None:
    (page,) = await room.enter("doctor")
    first = page.epoch
    await room.live.on_signal(Signal(visit_id=room.visit_id, sender="doctor", to="kit", epoch=first))
    await room.live.on_signal(Signal(visit_id=room.visit_id, sender="doctor", to="kit", epoch=0))
    await room.live.on_signal(Signal(visit_id=room.visit_id, sender="doctor", to="kit", epoch=first + 1))
    pings = len(page.heard("ping"))
    await page.until(lambda: page.epoch > first and page.repair is not None and len(page.heard("ping")) > pings)
    assert page.offers == 2
    room.live.sound_begin(1, RATE)
    await play(room, page, 1, sound(0.2))


async def test_nonsense_from_a_page_harms_nobody(room: Any) -> None:
    (page,) = await room.enter("doctor")

    async def say(**body: Any) -> None:
        await room.live.on_signal(
            Signal(visit_id=room.visit_id, sender="doctor", to="kit", **{"epoch": page.epoch, **body})
        )

    for description in ({}, {"type": "offer", "sdp": "v=0"}, {"type": "answer", "sdp": "x"}, {"type": "answer"}):
        await say(description=description)
    for candidate in (
        {"candidate": "candidate:x"},
        {"candidate": 5},
        {"candidate": "candidate:1 1 udp 1 x y typ host"},
    ):
        await say(candidate=candidate)
    await room.live.on_signal(Signal(visit_id=room.visit_id, sender="stranger", to="kit", epoch=1))
    for text in ("", "{", "[]", '{"type": "sound_ask", "stream": [], "chunks": 5}', "null"):
        page.repair.send(text)
    page.repair.send(b"\x00\xff")
    await say(epoch=page.epoch + 1)
    pings = len(page.heard("ping"))
    await page.until(lambda: page.offers == 2 and page.repair is not None and len(page.heard("ping")) > pings)


async def test_who_leaves_is_hung_up_and_the_camera_rests(room: Any) -> None:
    (page,) = await room.enter("doctor")
    await page.tracks["video"].recv()
    await room.live.set_viewers(room.visit_id, [])
    await room.live.close()
    assert room.camera.closed == 1
    reads = room.camera.reads
    room.live.sound(1, 0, sound(0.1))
    assert room.camera.reads == reads


async def test_for_ten_seconds_after_somebody_came_or_left_or_the_kit_moved_a_call_is_being_set_up(room: Any) -> None:
    now = [0]
    room.live._monotonic_us = lambda: now[0]

    def seconds_until_it_is_over() -> float:
        began = now[0]
        while room.live.setting_up:
            now[0] += 500_000
        return (now[0] - began) / 1e6

    assert not room.live.setting_up
    await room.live.set_viewers(room.visit_id, ["doctor"])
    assert seconds_until_it_is_over() == 10.0
    await room.live.set_viewers(room.visit_id, ["doctor"])
    room.live.renew(moved=False)
    assert not room.live.setting_up
    room.live.renew(moved=True)
    assert seconds_until_it_is_over() == 10.0
    await room.live.set_viewers(room.visit_id, [])
    assert seconds_until_it_is_over() == 10.0


async def test_no_more_than_three_are_served(room: Any, caplog: pytest.LogCaptureFixture) -> None:
    names = [f"doctor{number}" for number in range(MAX_VIEWERS + 1)]
    with caplog.at_level(logging.WARNING):
        await room.live.set_viewers(room.visit_id, names)
    assert "4 viewers, 3 served" in caplog.text


async def test_a_machine_with_loopback_only_says_so(
    room: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    await room.live.set_viewers(room.visit_id, ["doctor"])
    await room.live._calls["doctor"].settled()
    assert "no_network_address" in caplog.text
    assert room.sent == []


def test_no_server_is_asked_that_is_not_listed() -> None:
    from carebag_edge.live.aiortc_peer import _configuration

    assert _configuration([]).iceServers == []
    (server,) = _configuration([IceServer("turn:turn.example.org", "kit", "secret")]).iceServers or []
    assert (server.urls, server.username, server.credential) == ("turn:turn.example.org", "kit", "secret")
