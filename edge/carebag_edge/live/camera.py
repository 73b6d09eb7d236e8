"""The examination camera: where pictures come from, and how each doctor's connection gets the newest one."""

import asyncio
import logging
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

WIDTH, HEIGHT, FRAMES_PER_S = 640, 360, 15
STILL_SIZES = ("3840x2160", "1920x1080", "1280x720", None)
"""Tried in this order; None: what the camera does by itself."""
SETTLE_FRAMES = 5
AGAIN_S = 2.0
"""Pause before a camera that failed is tried again."""

log = logging.getLogger(__name__)


class CameraFailed(Exception):
    """No pictures; `code` is a catalogue word: `camera_missing`, `camera_busy`, `camera_stopped`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CameraSource(Protocol):
    """Gives pictures of 640x360, about 15 a second, and stills; called in worker threads, one call at a time."""

    def read(self) -> VideoFrame:
        """Wait for the next picture (yuv420p).

        Raises:
            CameraFailed: there is none; a later call may try again.
        """

    def still(self) -> VideoFrame:
        """One picture at the camera's full resolution; live ones wait meanwhile. Raises: as `read`."""

    def close(self) -> None:
        """Release the device; a later `read` opens it again."""


class V4l2Camera:
    """A camera of the machine, by Video4Linux. Not run against real hardware in the project's tests."""

    def __init__(self, device: str = "/dev/video0") -> None:
        self._device = device
        self._container: Any = None
        self._frames: Any = None

    def read(self) -> VideoFrame:
        if self._container is None:
            self._open()
        try:
            frame = next(self._frames)
        except (StopIteration, OSError) as error:
            self.close()
            raise CameraFailed("camera_stopped") from error
        return frame.reformat(width=WIDTH, height=HEIGHT, format="yuv420p")

    def still(self) -> VideoFrame:
        """The device is opened anew in the largest size it has; it needs some pictures to find its exposure."""
        self.close()
        for size in STILL_SIZES:
            try:
                self._open({"video_size": size, "input_format": "mjpeg"} if size else {})
                for _ in range(SETTLE_FRAMES):
                    frame: VideoFrame = next(self._frames)
            except (StopIteration, OSError) as error:
                if size is None:
                    raise CameraFailed("camera_stopped") from error
            except CameraFailed:
                if size is None:
                    raise
            else:
                return frame
            finally:
                self.close()
        raise CameraFailed("camera_stopped")

    def _open(self, options: dict[str, str] | None = None) -> None:
        live = {"video_size": f"{WIDTH}x{HEIGHT}", "framerate": str(FRAMES_PER_S)}
        try:
            self._container = av.open(self._device, format="v4l2", options=live if options is None else options)
        except FileNotFoundError as error:
            raise CameraFailed("camera_missing") from error
        except OSError as error:
            raise CameraFailed("camera_busy") from error
        self._frames = self._container.decode(video=0)

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = self._frames = None


class CameraFeed:
    """Reads the camera while somebody looks, and only then."""

    def __init__(self, source: CameraSource, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self._tracks: set[CameraTrack] = set()
        self._pump: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why there is no picture, a catalogue word; None while there is one."""
        self.on_problem: Callable[[str | None], None] = lambda problem: None

    def track(self) -> "CameraTrack":
        """A new track for one connection; stopping it ends the reading when it was the last."""
        track = CameraTrack(self._leave)
        self._tracks.add(track)
        if self._pump is None:
            self._pump = asyncio.create_task(self._run(), name="camera")
        return track

    def _leave(self, track: "CameraTrack") -> None:
        self._tracks.discard(track)

    async def _run(self) -> None:
        try:
            while self._tracks:
                await self._one()
            await asyncio.to_thread(self._source.close)
        finally:
            self._pump = None
        if self._tracks:  # somebody came while the device was being closed
            self._pump = asyncio.create_task(self._run(), name="camera")

    async def _one(self) -> None:
        try:
            frame = await asyncio.to_thread(self._read)
        except CameraFailed as failed:
            self._say(failed.code)
            await asyncio.sleep(AGAIN_S)
            return
        self._say(None)
        for track in self._tracks:
            track.show(frame)

    def _read(self) -> VideoFrame:
        frame = self._source.read()
        # in the reading thread: a busy event loop makes a picture late, not its time
        frame.pts = int(self._monotonic() * 90_000)
        frame.time_base = Fraction(1, 90_000)
        return frame

    def _say(self, problem: str | None) -> None:
        if problem == self.problem:
            return
        if problem is not None:
            log.warning("camera: %s", problem)
        self.problem = problem
        self.on_problem(problem)

    async def close(self) -> None:
        """Stop all tracks and release the device."""
        pump = self._pump
        for track in list(self._tracks):
            track.stop()
        if pump is not None:
            await asyncio.wait([pump])


class CameraTrack(MediaStreamTrack):
    """The newest picture for one connection: a slow encoder skips pictures and never queues them."""

    kind = "video"

    def __init__(self, leave: Callable[["CameraTrack"], None]) -> None:
        super().__init__()
        self._leave = leave
        self._newest: VideoFrame | None = None
        self._there = asyncio.Event()

    def show(self, frame: VideoFrame) -> None:
        self._newest = frame
        self._there.set()

    async def recv(self) -> VideoFrame:
        await self._there.wait()
        if self.readyState != "live" or self._newest is None:
            raise MediaStreamError
        self._there.clear()
        return self._newest

    def stop(self) -> None:
        super().stop()
        self._leave(self)
        self._there.set()
