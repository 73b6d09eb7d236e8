"""CRC-32C (Castagnoli) as in RFC 3720, appendix B.4: reflected polynomial 0x82F63B78, start and final xor all ones.

A checksum is linear: each byte changes it by a mask that depends on its value and on how many bytes follow. With
those masks in a table, a block of 256 bytes is one look-up and one xor over an array.
"""

import functools

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256


def crc32c(data: bytes, crc: int = 0) -> int:
    """Checksum of `data`, u32. Give the former result as `crc` to go on where it ended."""
    octets = np.frombuffer(data, np.uint8)
    state = crc ^ 0xFFFFFFFF
    head = len(octets) % _BLOCK
    if head:
        state = _masks(octets[:head].reshape(1, head))[0] ^ _moved(state, _rows(head))
    rows = _rows(_BLOCK)
    for mask in _masks(octets[head:].reshape(-1, _BLOCK)):
        state = mask ^ _moved(state, rows)
    return state ^ 0xFFFFFFFF


def _masks(blocks: NDArray[np.uint8]) -> list[int]:
    """What each row does to the checksum at its end."""
    width = blocks.shape[1]
    cells = np.arange(_BLOCK - width, _BLOCK) * 256 + blocks
    masks: list[int] = np.bitwise_xor.reduce(_table().take(cells), axis=1).tolist()
    return masks


def _moved(state: int, rows: list[list[int]]) -> int:
    """The checksum `state` after so many zero bytes as `rows` was made for."""
    moved = state >> 8 * len(rows)
    for row in rows:
        moved ^= row[state & 0xFF]
        state >>= 8
    return moved


@functools.cache
def _rows(count: int) -> list[list[int]]:
    """The table's rows that the four bytes of a checksum meet at the begin of a block of `count` bytes."""
    rows: list[list[int]] = _table()[_BLOCK - count :][:4].tolist()
    return rows


@functools.cache
def _table() -> NDArray[np.uint32]:
    """By place in a block of 256 bytes and by value: the mask at the block's end."""
    last: NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        last = last >> np.uint32(1) ^ (last & np.uint32(1)) * np.uint32(0x82F63B78)
    table = np.empty((_BLOCK, 256), np.uint32)
    table[-1] = last
    for place in range(_BLOCK - 2, -1, -1):
        after = table[place + 1]
        table[place] = after >> 8 ^ last[after & 0xFF]
    return table
