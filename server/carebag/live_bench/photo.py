"""A photo as a tablet's camera takes it, of a given size: noise, so that nothing makes it smaller on the way."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import VideoFrame

MOST_WIDTH = 6000


def write_photo(path: Path, megabytes: float, seed: int) -> Path:
    """A JPEG of about so many MB (within a fifth)."""
    width = 400
    data = _jpeg(width, seed)
    while len(data) < megabytes * 0.9e6 and width < MOST_WIDTH:
        width = min(MOST_WIDTH, max(width + 16, int(width * (megabytes * 1e6 / len(data)) ** 0.5) // 16 * 16))
        data = _jpeg(width, seed)
    path.write_bytes(data)
    return path


def _jpeg(width: int, seed: int) -> bytes:
    height = width * 3 // 4 // 16 * 16
    noise = np.random.default_rng(seed).integers(0, 256, (height * 3 // 2, width), dtype=np.uint8)
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuvj420p"
    codec.time_base = Fraction(1, 25)
    frame = VideoFrame.from_ndarray(noise, format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
