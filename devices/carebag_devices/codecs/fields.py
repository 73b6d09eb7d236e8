"""Takes little-endian fields off a characteristic's value, one after the other."""

from carebag_devices.errors import Malformed


class Fields:
    """A cursor over one value. Too few bytes: `Malformed("truncated")`; some left: `Malformed("trailing_bytes")`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = bytes(raw)
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if self._at + count > len(self._raw):
            raise Malformed("truncated")
        self._at += count
        return self._raw[self._at - count : self._at]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little", signed=True)

    def rest(self) -> bytes:
        return self.take(len(self._raw) - self._at)

    def end(self) -> None:
        """Nothing may be left: unknown bytes at the end mean that the ones before may have been misread."""
        if self._at != len(self._raw):
            raise Malformed("trailing_bytes")
