"""Several examination cameras as one: choose, freeze, and a still at full resolution without ending the live picture.

A device gives pictures to one reader at a time, so a still waits for the live picture that is being read, and the live
picture waits for the still. A frozen picture is shown to everybody, made smaller; the full one is kept for the photo.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
from av import VideoFrame

from carebag_edge.camera_port import CameraStopped, Still
from carebag_edge.live.camera import FRAMES_PER_S, HEIGHT, WIDTH, CameraFailed, CameraSource
from carebag_wire.values import Times

_BEST_QUALITY = 2
"""Of the JPEG encoder's 2 to 31; about 92 of 100."""


class Cameras:
    """A `CameraSource` made of several, and the `ExaminationCamera` of the kit."""

    def __init__(
        self,
        sources: Sequence[tuple[str, CameraSource]],
        times: Callable[[], Times],
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """
        Args:
            sources: names as people read them, with the cameras; at least one.
            times: the kit's clocks.
            wait: sleeps between two showings of a frozen picture; for tests.
        """
        self._sources = list(sources)
        self._times = times
        self._wait = wait or threading.Event().wait
        self._turn = threading.Lock()
        self._chosen = self._open = 0
        self._held: tuple[Still, VideoFrame] | None = None

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self._sources]

    @property
    def chosen(self) -> int:
        return self._chosen

    @property
    def held(self) -> Still | None:
        return self._held[0] if self._held else None

    def choose(self, place: int) -> None:
        if not 0 <= place < len(self._sources):
            raise IndexError(place)
        self._chosen, self._held = place, None

    def release(self) -> None:
        self._held = None

    async def still(self) -> Still:
        held = self.held
        return held if held is not None else (await asyncio.to_thread(self._take))[0]

    async def freeze(self) -> Still:
        if self._held is None:
            self._held = await asyncio.to_thread(self._take)
        return self._held[0]

    # In a worker thread

    def read(self) -> VideoFrame:
        held = self._held
        if held is not None:
            self._wait(1 / FRAMES_PER_S)
            return held[1]
        with self._turn:
            return self._source().read()

    def close(self) -> None:
        with self._turn:
            self._sources[self._open][1].close()

    def _source(self) -> CameraSource:
        """The chosen camera; another one that is open is closed first."""
        chosen = self._chosen
        if chosen != self._open:
            self._sources[self._open][1].close()
            self._open = chosen
        return self._sources[chosen][1]

    def _take(self) -> tuple[Still, VideoFrame]:
        with self._turn:
            source, name = self._source(), self.names[self._open]
            try:
                frame = source.still()
            except CameraFailed as failed:
                raise CameraStopped(failed.code) from failed
            times = self._times()
        small = frame.reformat(width=WIDTH, height=HEIGHT, format="yuv420p")
        return Still(jpeg_of(frame), times, name), small


def jpeg_of(frame: VideoFrame) -> bytes:
    """The picture as JPEG, in full size and best quality.

    Raises:
        CameraStopped: `camera_stopped`, it cannot be encoded.
    """
    try:
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height = frame.width, frame.height
        encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, FRAMES_PER_S)
        encoder.options = {"qmin": str(_BEST_QUALITY), "qmax": str(_BEST_QUALITY)}
        picture = frame.reformat(format="yuvj420p", dst_color_range="JPEG")
        picture.pts = 0
        packets = [*encoder.encode(picture), *encoder.encode(None)]
    except (av.FFmpegError, ValueError) as error:
        raise CameraStopped("camera_stopped") from error
    return b"".join(bytes(packet) for packet in packets)
