"""Several cameras as one: the chosen one is read, a frozen picture is shown on, stills are whole JPEGs of full size."""

from datetime import UTC, datetime

import numpy as np
import pytest
from av import VideoFrame

from carebag_edge.camera_port import CameraStopped
from carebag_edge.live.camera import HEIGHT, WIDTH, CameraFailed
from carebag_edge.live.cameras import Cameras
from carebag_edge.live.demo_camera import STILL_SCALE, DemoCamera
from carebag_wire.image_strip import strip
from carebag_wire.values import Times


class Grey:
    """A camera whose picture is one shade; counts how often it was closed."""

    def __init__(self, shade: int, size: tuple[int, int] = (1600, 1200)) -> None:
        self.shade, self.size, self.closed = shade, size, 0

    def read(self) -> VideoFrame:
        return self._frame(WIDTH, HEIGHT)

    def still(self) -> VideoFrame:
        return self._frame(*self.size)

    def close(self) -> None:
        self.closed += 1

    def _frame(self, width: int, height: int) -> VideoFrame:
        return VideoFrame.from_ndarray(np.full((height * 3 // 2, width), self.shade, np.uint8), format="yuv420p")


class Broken(Grey):
    def still(self) -> VideoFrame:
        raise CameraFailed("camera_busy")


def shade(frame: VideoFrame) -> int:
    return int(np.median(frame.to_ndarray()[:HEIGHT]))


def cameras(*sources: Grey) -> Cameras:
    ticks = iter(range(100))
    named = [(f"camera {number}", source) for number, source in enumerate(sources)]
    times = lambda: Times(kit_monotonic_ns=next(ticks), kit_utc=datetime.now(UTC))  # noqa: E731
    return Cameras(named, times, wait=lambda seconds: None)


def test_the_chosen_one_is_read_and_the_other_closed() -> None:
    near, far = Grey(60), Grey(180)
    both = cameras(near, far)
    assert both.names == ["camera 0", "camera 1"]
    assert shade(both.read()) == 60
    both.choose(1)
    assert (shade(both.read()), near.closed, far.closed) == (180, 1, 0)
    both.close()
    assert far.closed == 1
    with pytest.raises(IndexError):
        both.choose(2)


async def test_a_still_has_the_cameras_full_size() -> None:
    still = await cameras(Grey(60)).still()
    image = strip(still.jpeg)
    assert (image.media_type, image.width, image.height) == ("image/jpeg", 1600, 1200)
    assert still.camera == "camera 0"


async def test_a_frozen_picture_is_shown_on_and_is_what_a_still_keeps() -> None:
    source = Grey(60)
    one = cameras(source)
    frozen = await one.freeze()
    source.shade = 200
    shown = one.read()
    assert (shown.width, shown.height, shade(shown)) == (WIDTH, HEIGHT, 60)
    assert await one.still() is frozen
    assert await one.freeze() is frozen
    one.release()
    assert shade(one.read()) == 200
    assert (await one.still()).times.kit_monotonic_ns == 1


async def test_choosing_another_lets_the_frozen_one_go() -> None:
    both = cameras(Grey(60), Grey(180))
    await both.freeze()
    both.choose(1)
    assert both.held is None
    assert shade(both.read()) == 180


async def test_no_still_is_a_word() -> None:
    with pytest.raises(CameraStopped) as stopped:
        await cameras(Broken(60)).still()
    assert stopped.value.code == "camera_busy"


async def test_the_demo_camera_has_more_to_show_in_a_still() -> None:
    demo = DemoCamera(lambda: datetime(2026, 11, 26, 9, 0, tzinfo=UTC), mirrored=True)
    frame = demo.still()
    assert (frame.width, frame.height) == (WIDTH * STILL_SCALE, HEIGHT * STILL_SCALE)
