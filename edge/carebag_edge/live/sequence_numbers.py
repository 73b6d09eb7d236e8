"""RTP sequence numbers: 16 bits that wrap."""


def ahead(number: int, other: int) -> int:
    """How far `number` is ahead of `other`, -32768 to 32767."""
    return ((number - other + 0x8000) & 0xFFFF) - 0x8000
