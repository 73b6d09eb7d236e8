"""Lossless Rice coding of one frame of sound: format 1 of the Open Auscultation Stream.

    head u8 | `order` samples s16 | low bits | quotients | zero bits up to the octet

Head: bits 0..2 order 0..4 of the fixed predictor, bit 3 zero, bits 4..7 the Rice parameter k 0..14. The residual of
order p is the p-th difference of the samples; mapped to unsigned (0, -1, 1, -2, … become 0, 1, 2, 3, …) it is u. Low
bits: k bits of every u, one after the other. Quotients: u >> k zeros and a one, for every u. Most significant bit
first. Low bits and quotients stand apart so that both can be read without a loop.

The predictors are those of Shorten (T. Robinson, CUED/F-INFENG/TR.156, 1994). A frame decodes alone.
"""

import numpy as np
from numpy.typing import NDArray

from carebag_devices.errors import Malformed

MAX_ORDER = 4
MAX_PARAMETER = 14
_PARAMETERS = np.arange(MAX_PARAMETER + 1)


def encode(samples: NDArray[np.int16]) -> bytes | None:
    """The shortest coding of mono `samples`; None where PCM16 is not longer: send it so then."""
    best: tuple[int, int, int, NDArray[np.int64]] | None = None
    residual = samples.astype(np.int64)
    for order in range(min(MAX_ORDER, len(samples) - 1) + 1):
        mapped = residual << 1 ^ residual >> 63
        parameter, bits = _cheapest(mapped)
        length = 1 + 2 * order + (bits + 7) // 8
        if best is None or length < best[0]:
            best = length, order, parameter, mapped
        residual = np.diff(residual)
    if best is None or best[0] >= 2 * len(samples):
        return None
    _, order, parameter, mapped = best
    head = bytes([order | parameter << 4])
    return head + samples[:order].astype("<i2").tobytes() + _packed(mapped, parameter)


def _cheapest(mapped: NDArray[np.int64]) -> tuple[int, int]:
    """The parameter that takes the fewest bits, and how many."""
    bits = (mapped >> _PARAMETERS[:, np.newaxis]).sum(axis=1) + len(mapped) * (1 + _PARAMETERS)
    parameter = int(bits.argmin())
    return parameter, int(bits[parameter])


def _packed(mapped: NDArray[np.int64], parameter: int) -> bytes:
    low = mapped[:, np.newaxis] >> np.arange(parameter - 1, -1, -1) & 1
    ends = np.cumsum((mapped >> parameter) + 1)
    quotients = np.zeros(ends[-1], np.uint8)
    quotients[ends - 1] = 1
    return np.packbits(np.concatenate([low.ravel().astype(np.uint8), quotients])).tobytes()


def decode(data: bytes, count: int) -> NDArray[np.int16]:
    """`count` samples, mono. Raises `Malformed`: cut, left-over bits, not shorter than PCM16, no int16.

    Work and memory are bounded by `count` (at most 255 in a frame), whatever the bytes say.
    """
    if not 1 <= len(data) < 2 * count:
        raise Malformed("truncated" if not data else "longer_than_pcm")
    order, reserved, parameter = data[0] & 0x07, data[0] >> 3 & 1, data[0] >> 4
    if order > MAX_ORDER or reserved or parameter > MAX_PARAMETER:
        raise Malformed("unknown_coding")
    start = 1 + 2 * order
    if len(data) <= start:
        raise Malformed("truncated")
    first = np.frombuffer(data[1:start], "<i2").astype(np.int64)
    mapped = _unpacked(np.unpackbits(np.frombuffer(data[start:], np.uint8)), count - order, parameter)
    samples = np.concatenate([first, _integrated(mapped >> 1 ^ -(mapped & 1), first)])
    if samples.min() < -32768 or samples.max() > 32767:
        raise Malformed("out_of_range")
    return samples.astype(np.int16)


def _unpacked(bits: NDArray[np.uint8], count: int, parameter: int) -> NDArray[np.int64]:
    """`count` mapped residuals from all bits after the head; every bit must have a meaning."""
    ends = np.flatnonzero(bits[count * parameter :])
    if len(ends) < count:
        raise Malformed("truncated")
    if len(ends) > count or len(bits) - count * parameter - ends[-1] > 8:
        raise Malformed("trailing_bytes")
    low = bits[: count * parameter].reshape(count, parameter).astype(np.int64)
    quotients = np.diff(ends, prepend=-1) - 1
    return quotients << parameter | low @ (1 << np.arange(parameter - 1, -1, -1))


def _integrated(residual: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Undo the differences: each order is one running sum, begun where the first samples end."""
    begin = []
    for _ in range(len(first)):
        begin.append(first[-1])
        first = np.diff(first)
    for last in reversed(begin):
        residual = last + np.cumsum(residual)
    return residual
