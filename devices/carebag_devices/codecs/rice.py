"""Lossless Rice coding of one frame of sound: format 1 of the Open Auscultation Stream.

    head u8 | `order` samples s16 | low bits | quotients | zero bits up to the octet

Head: bits 0..2 order 0..4 of the fixed predictor, bit 3 zero, bits 4..7 the Rice parameter k 0..14. The residual of
order p is the p-th difference of the samples; mapped to unsigned (0, -1, 1, -2, … become 0, 1, 2, 3, …) it is u. Low
bits: k bits of every u, one after the other. Quotients: u >> k zeros and a one, for every u. Most significant bit
first. Low bits and quotients stand apart so that both can be read without a loop.

The predictors are those of Shorten (T. Robinson, CUED/F-INFENG/TR.156, 1994). A frame decodes alone.
"""

import itertools
import struct

import numpy as np
from numpy.typing import NDArray

from carebag_devices.errors import Malformed

MAX_ORDER = 4
MAX_PARAMETER = 14
_PARAMETERS = np.arange(MAX_PARAMETER + 1)
_WEIGHTS = [1 << np.arange(parameter - 1, -1, -1) for parameter in _PARAMETERS]


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
    values = np.empty(count, np.int64)
    bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=start))
    _unpack(bits, parameter, values[order:])
    _integrate(values, struct.unpack_from(f"<{order}h", data, 1))
    samples = values.astype(np.int16)
    if (samples != values).any():
        raise Malformed("out_of_range")
    return samples


def _unpack(bits: NDArray[np.uint8], parameter: int, into: NDArray[np.int64]) -> None:
    """Residuals from all bits after the head; every bit must have a meaning."""
    quotients = bits[len(into) * parameter :]
    ends = quotients.nonzero()[0]
    if len(ends) < len(into):
        raise Malformed("truncated")
    if len(ends) > len(into) or len(quotients) - ends[-1] > 8:
        raise Malformed("trailing_bytes")
    into[0] = ends[0]
    np.subtract(ends[1:], ends[:-1], out=into[1:])
    into[1:] -= 1
    if parameter:
        into <<= parameter
        into |= bits[: len(into) * parameter].reshape(-1, parameter) @ _WEIGHTS[parameter]
    np.bitwise_xor(into >> 1, -(into & 1), out=into)


def _integrate(values: NDArray[np.int64], first: tuple[int, ...]) -> None:
    """Undo the differences in place: as many running sums as there are `first` samples, begun with theirs."""
    orders = range(len(first))
    for order in orders:
        values[order] = first[0]
        first = tuple(after - before for before, after in itertools.pairwise(first))
    for order in reversed(orders):
        np.add.accumulate(values[order:], out=values[order:])
