"""The demo's camera, and the feed that reads a camera only while somebody looks."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.camera import HEIGHT, WIDTH, CameraFailed, CameraFeed, V4l2Camera
from carebag_edge.live.demo_camera import DemoCamera, read_stamp

NOON = datetime(2026, 11, 23, 12, 0, 0, 300_000, tzinfo=UTC)


@given(st.integers(1_577_836_800_000, 4_102_444_800_000))
def test_the_picture_carries_its_time(unix_ms: int) -> None:
    now = datetime.fromtimestamp(unix_ms / 1000, UTC)
    picture = CAMERA.draw(now)
    assert picture.shape == (HEIGHT * 3 // 2, WIDTH)
    stamp = read_stamp(picture[:HEIGHT])
    assert stamp is not None
    assert abs((stamp - now).total_seconds()) <= 0.0011


CAMERA = DemoCamera(lambda: NOON)


def test_the_picture_moves() -> None:
    later = NOON.replace(second=1)
    assert (CAMERA.draw(NOON) != CAMERA.draw(later)).sum() > 2000


def test_a_picture_without_stamp_gives_none() -> None:
    picture = CAMERA.draw(NOON)
    picture[:] = 128
    assert read_stamp(picture[:HEIGHT]) is None


async def test_a_broken_camera_is_named_and_the_feed_goes_on(room: Any) -> None:
    camera = room.camera
    camera.broken = "camera_missing"
    feed, failed = CameraFeed(camera), asyncio.Event()
    feed.on_problem = lambda problem: failed.set()
    track = feed.track()
    async with asyncio.timeout(10):
        await failed.wait()
        assert feed.problem == "camera_missing"
        camera.broken = None
        await track.recv()
    assert feed.problem is None
    await feed.close()


async def test_a_missing_device_is_said_in_a_word() -> None:
    with pytest.raises(CameraFailed) as failed:
        await asyncio.to_thread(V4l2Camera("/dev/video-not-there").read)
    assert failed.value.code == "camera_missing"
