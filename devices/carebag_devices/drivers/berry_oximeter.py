"""Berry BM1000 oximeters: a hundred packets a second over a serial port on GATT, with the pulse wave."""

from decimal import Decimal

from carebag_devices.catalog import Model
from carebag_devices.codecs.berry import Packet, PacketStream
from carebag_devices.drivers.session import Reporter
from carebag_devices.events import DeviceState, OximeterSample, Value
from carebag_devices.link import Link
from carebag_devices.plausible import doubts

PERIOD_S = 1.0
"""One sample a second, as oximeters with the standard service send."""
WEAK_STRENGTH = 3
"""Of 15: below this the signal is called poor (our choice)."""


class BerryOximeterDriver:
    """Ready without a finger, measuring (`streaming`) with one."""

    def __init__(self, link: Link, report: Reporter, model: Model) -> None:
        self._link, self._report, self._uart = link, report, model.uart
        self._stream = PacketStream()
        self._told_at = report.ledger.monotonic()
        self._wave: list[int] = []
        self._raw = bytearray()
        self._streaming = False

    @property
    def busy(self) -> bool:
        return self._streaming

    async def subscribe(self) -> None:
        await self._link.subscribe(self._uart.tx, self.on_bytes)

    def ready(self) -> None:
        if not self._streaming:
            self._report.enter(DeviceState.READY)

    async def synchronise(self) -> bool:
        """It has no memory."""
        return True

    def close(self) -> None:
        self._streaming = False

    def on_bytes(self, raw: bytes) -> None:
        """Any piece of the stream."""
        self._raw += raw
        for packet in self._stream.feed(raw):
            self._wave.append(packet.wave)
            now = self._report.ledger.monotonic()
            if now - self._told_at >= PERIOD_S:
                self._told_at = now
                self._tell(packet)

    def _tell(self, packet: Packet) -> None:
        problem = packet.withheld
        values = () if problem else _values(packet)
        found = {value.name: value.value for value in values}
        weak = ("poor_signal",) if problem is None and packet.strength < WEAK_STRENGTH else ()
        flags, wave, raw = (*weak, *doubts(values)), tuple(self._wave), bytes(self._raw)
        self._wave.clear()
        self._raw.clear()
        self._report.tell(
            OximeterSample(
                self._report.identity, found.get("spo2"), found.get("pulse"), problem, flags, raw, pleth=wave
            )
        )
        self._streaming = problem is None
        if self._streaming:
            self._report.enter(DeviceState.MEASURING, "streaming")
        else:
            self._report.enter(DeviceState.READY)


def _values(packet: Packet) -> tuple[Value, ...]:
    spo2 = (Value("spo2", Decimal(packet.spo2), "%"),) if packet.spo2 is not None else ()
    return (*spo2, Value("pulse", Decimal(packet.pulse), "/min")) if packet.pulse is not None else spo2
