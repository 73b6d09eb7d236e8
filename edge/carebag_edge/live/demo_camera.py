"""A camera without a lens: a forearm on a kitchen table, a breathing light, and a clock that runs.

Made with numpy only. It says in the picture that it is simulated. Along the bottom edge runs a strip of 48 blocks,
black or white: the unix time in milliseconds, most significant bit first, so that a test can read the picture's age.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from carebag_edge.live.camera import FRAMES_PER_S, HEIGHT, WIDTH
from carebag_edge.live.strokes import draw_glyph, draw_text

STAMP_BITS = 48
STAMP_BLOCK = 8
"""Width and height of one block, pixels; the strip starts at x = 128, y = HEIGHT - 8."""
STAMP_LEFT = (WIDTH - STAMP_BITS * STAMP_BLOCK) // 2
STILL_SCALE = 2
"""A still has 1280x720."""
_CLOCK_TOP, _CLOCK_LEFT = 26, 30
_LIGHT = 90
"""Half the side of the moving light, pixels."""

Plane = NDArray[np.uint8]


class DemoCamera:
    """A `CameraSource` that needs no camera."""

    def __init__(self, now: Callable[[], datetime], mirrored: bool = False) -> None:
        """
        Args:
            now: gives an aware time; its own zone is what the clock in the picture shows.
            mirrored: seen from the other side, as a second camera sees it.
        """
        self._now = now
        self._mirrored = mirrored
        self._large: tuple[Plane, tuple[Plane, Plane]] | None = None
        self._luma, chroma = _scene(mirrored=mirrored)
        self._chroma = np.concatenate([plane.reshape(-1) for plane in chroma]).reshape(-1, WIDTH)
        self._glyphs = {character: draw_glyph(character, 34, 5) for character in "0123456789:."}
        self._light = _light()
        self._wait = threading.Event()

    def read(self) -> VideoFrame:
        now = self._now()
        period = 1 / FRAMES_PER_S
        self._wait.wait(period - now.timestamp() % period)
        return VideoFrame.from_ndarray(self.draw(self._now()), format="yuv420p")

    def still(self) -> VideoFrame:
        """The same scene drawn twice as large; the strip too."""
        now = self._now()
        luma, chroma = self._large or _scene(STILL_SCALE, self._mirrored)
        self._large = luma, chroma
        picture = luma.copy()
        _write_stamp(picture, round(now.timestamp() * 1000), STILL_SCALE)
        planes = [picture.reshape(-1), *(plane.reshape(-1) for plane in chroma)]
        return VideoFrame.from_ndarray(np.concatenate(planes).reshape(-1, WIDTH * STILL_SCALE), format="yuv420p")

    def close(self) -> None: ...

    def draw(self, now: datetime) -> Plane:
        """The picture at `now`: uint8, shape (HEIGHT * 3 / 2, WIDTH), planes Y, U, V one after the other."""
        luma = self._luma.copy()
        self._move_light(luma, now.timestamp())
        self._write_clock(luma, now)
        _write_stamp(luma, round(now.timestamp() * 1000))
        return np.concatenate([luma, self._chroma])

    def _move_light(self, luma: Plane, seconds: float) -> None:
        x = int(330 + 180 * np.sin(seconds * 0.7))
        y = int(215 + 40 * np.sin(seconds * 1.1))
        patch = luma[y - _LIGHT : y + _LIGHT, x - _LIGHT : x + _LIGHT]
        light = self._light[: patch.shape[0], : patch.shape[1]]
        np.add(patch, light, out=patch)  # scene <= 190, light <= 34: no overflow

    def _write_clock(self, luma: Plane, now: datetime) -> None:
        left = _CLOCK_LEFT
        for character in f"{now:%H:%M:%S}.{now.microsecond // 100_000}":
            glyph = self._glyphs[character]
            rows, columns = glyph.shape
            narrow = character in ":."
            start = left - 9 if narrow else left
            patch = luma[_CLOCK_TOP : _CLOCK_TOP + rows, start : start + columns]
            patch[:] = patch + (235 - patch.astype(np.float32)) * glyph
            left += 15 if narrow else columns - 4


def read_stamp(luma: Plane) -> datetime | None:
    """The time in a picture's strip (uint8, shape (HEIGHT, WIDTH)), or None where it cannot be read."""
    row = luma[HEIGHT - STAMP_BLOCK // 2, STAMP_LEFT : STAMP_LEFT + STAMP_BITS * STAMP_BLOCK]
    blocks = row.reshape(STAMP_BITS, STAMP_BLOCK)[:, 2:6].mean(axis=1)
    if ((blocks > 80) & (blocks < 170)).any():
        return None
    bits = "".join("1" if block > 127 else "0" for block in blocks)
    return datetime.fromtimestamp(0).astimezone() + timedelta(milliseconds=int(bits, 2))


def _write_stamp(luma: Plane, unix_ms: int, scale: int = 1) -> None:
    bits = (unix_ms >> np.arange(STAMP_BITS - 1, -1, -1)) & 1
    block, left = STAMP_BLOCK * scale, STAMP_LEFT * scale
    blocks = np.repeat(bits * 219 + 16, block).astype(np.uint8)
    luma[HEIGHT * scale - block :, left : left + STAMP_BITS * block] = blocks


def _light() -> Plane:
    side = np.linspace(-1, 1, 2 * _LIGHT)
    distance = np.hypot(side[:, None], side[None, :])
    return np.asarray(34 * np.clip(1 - distance, 0, 1) ** 2, dtype=np.uint8)


def _scene(scale: int = 1, mirrored: bool = False) -> tuple[Plane, tuple[Plane, Plane]]:
    """Wall, table edge, forearm with a hand, and the words; luma full size, chroma half size.

    Args:
        scale: 1 for 640x360.
    """
    y, x = np.mgrid[0 : HEIGHT * scale, 0 : WIDTH * scale].astype(np.float32) / scale
    x = WIDTH - 1 - x if mirrored else x
    table = 1 / (1 + np.exp(np.clip((150 + 0.03 * x - y) / 1.5, -30, 30)))
    arm, depth = _arm(x, y)
    shadow = 1 - 0.3 * np.clip(np.roll(_arm(x, y - 16)[1], 8 * scale, axis=1), 0, 1) * (1 - arm)
    window = 26 * np.exp(-(((x - 560) / 260) ** 2) - ((y - 40) / 190) ** 2)
    luma = (1 - table) * (104 + 0.03 * x) + table * (84 + 5 * np.sin(y * 0.5 + 2 * np.sin(x * 0.02))) + window
    luma = (1 - arm) * luma * shadow + arm * (86 + 78 * depth + 0.4 * window)
    words = draw_text("SIMULERAD KAMERA", 15 * scale, 2.2 * scale, 3 * scale)
    rows, columns = words.shape
    top, left = (_CLOCK_TOP + 52) * scale, (_CLOCK_LEFT + 4) * scale
    luma[top : top + rows, left : left + columns] += (226 - luma[top : top + rows, left : left + columns]) * words
    blue = (1 - arm) * (128 + (1 - table) * 3 - table * 14) + arm * 112
    red = (1 - arm) * (128 - (1 - table) * 6 + table * 12) + arm * 152
    half = (slice(0, None, 2), slice(0, None, 2))
    return _plane(luma, 190), (_plane(blue[half], 255), _plane(red[half], 255))


def _arm(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage 0-1 of a forearm and hand, and how much each point faces the viewer 0-1."""
    nearest = np.full(x.shape, 1.0, dtype=np.float32)
    for x1, y1, x2, y2, r1, r2 in _LIMBS:
        along = np.clip(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2), 0, 1)
        away = np.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) / (r1 + along * (r2 - r1))
        # smooth minimum: the limbs flow into each other
        nearest = np.asarray(-np.log(np.exp(-12 * nearest) + np.exp(-12 * away)) / 12, dtype=np.float32)
    inside = np.clip((1 - nearest) * 24, 0, 1).astype(np.float32)
    return inside, np.sqrt(np.clip(1 - np.clip(nearest, 0, 1) ** 2, 0, 1)).astype(np.float32)


_LIMBS = (
    # x, y of both ends, radius at both ends
    (-40, 330, 330, 236, 74, 40),
    (330, 236, 420, 224, 44, 46),
    (430, 200, 540, 184, 15, 11),
    (440, 222, 566, 212, 15, 11),
    (438, 242, 556, 244, 15, 11),
    (428, 260, 524, 270, 14, 10),
    (370, 208, 440, 150, 18, 12),
)


def _plane(values: NDArray[np.float32], most: int) -> Plane:
    return np.clip(values, 16, most).astype(np.uint8)
