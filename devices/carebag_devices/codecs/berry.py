"""Berry BM1000 finger oximeters ("BCI protocol"): 5-byte packets in a byte stream without checksum.

Bit 7 is set in a packet's first byte and in no other:

    0  sync | beat | probe unplugged | no signal | signal strength 0..15
    1  pulse wave 0..127
    2  0 | pulse bit 7 | searching | no finger | bar graph 0..15
    3  pulse bits 0..6, per minute; 255: none
    4  saturation in percent; 127: none

Sources: adafruit/Adafruit_CircuitPython_BLE_BerryMed_Pulse_Oximeter, and the maker's own zh2x/SpO2-BLE-for-Android.
"""

from dataclasses import dataclass
from typing import Self

from carebag_devices.errors import Malformed

SERVICE = "49535343-fe7d-4ae5-8fa9-9fafd205e455"
NOTIFY = "49535343-1e4d-4bd9-ba61-23c647249616"
PACKET_BYTES = 5
NO_PULSE, NO_SATURATION = 255, 127

_SYNC = 0x80


@dataclass(frozen=True)
class Packet:
    """As sent; `spo2` and `pulse` are the numbers, or None."""

    saturation: int
    rate: int
    wave: int
    strength: int = 0
    bar: int = 0
    beat: bool = False
    probe_unplugged: bool = False
    no_signal: bool = False
    searching: bool = False
    no_finger: bool = False

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        if len(raw) != PACKET_BYTES:
            raise Malformed("truncated" if len(raw) < PACKET_BYTES else "trailing_bytes")
        if [bool(byte & _SYNC) for byte in raw] != [True, False, False, False, False]:
            raise Malformed("out_of_sync")
        head, wave, middle, rate, saturation = raw
        return cls(
            saturation=saturation,
            rate=rate | (middle & 0x40) << 1,
            wave=wave,
            strength=head & 0x0F,
            bar=middle & 0x0F,
            beat=bool(head & 0x40),
            probe_unplugged=bool(head & 0x20),
            no_signal=bool(head & 0x10),
            searching=bool(middle & 0x20),
            no_finger=bool(middle & 0x10),
        )

    def __bytes__(self) -> bytes:
        head = _SYNC | self.beat << 6 | self.probe_unplugged << 5 | self.no_signal << 4 | self.strength
        middle = self.rate >> 7 << 6 | self.searching << 5 | self.no_finger << 4 | self.bar
        return bytes([head, self.wave, middle, self.rate & 0x7F, self.saturation])

    @property
    def spo2(self) -> int | None:
        return self.saturation if 0 < self.saturation <= 100 else None

    @property
    def pulse(self) -> int | None:
        return self.rate if 0 < self.rate < NO_PULSE else None

    @property
    def withheld(self) -> str | None:
        """Why the numbers must not be shown; None when they may. While it searches they are old ones."""
        if self.probe_unplugged:
            return "sensor_disconnected"
        if self.no_finger:
            return "finger_off"
        if self.no_signal:
            return "inadequate_signal"
        if self.searching or (self.spo2 is None and self.pulse is None):
            return "measurement_unavailable"
        return None


class PacketStream:
    """Finds the packets in notifications of any length. Pure: bytes in, packets out.

    There is no checksum, so a packet is given only when the next one begins right behind it: bytes that were lost
    somewhere in between would else join the halves of two packets into a false number.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.skipped = 0
        """Bytes that belonged to no whole packet."""

    def feed(self, raw: bytes) -> list[Packet]:
        """The packets that these bytes complete."""
        packets = []
        for byte in raw:
            if byte & _SYNC:
                if len(self._held) == PACKET_BYTES:
                    packets.append(Packet.parse(bytes(self._held)))
                else:
                    self.skipped += len(self._held)
                self._held = bytearray([byte])
            elif 0 < len(self._held) < PACKET_BYTES:
                self._held.append(byte)
            else:
                self.skipped += len(self._held) + 1
                self._held.clear()
        return packets
