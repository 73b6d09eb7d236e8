"""A simulated Berry BM1000: 5-byte packets with the pulse wave in a byte stream, a hundred a second."""

import asyncio
from collections import deque
from decimal import Decimal
from typing import Any

from carebag_devices.codecs.berry import NO_PULSE, NO_SATURATION, NOTIFY, SERVICE, Packet
from carebag_devices.sim.body import Body
from carebag_devices.sim.oximeter import Sample
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral

PACKETS_PER_S = 100
PACKETS_AT_ONCE = 4
"""Twenty bytes: what fits into the smallest notification."""
WAVE_FULL = 100
RX = "49535343-8841-43f4-a8d4-ecbe34729bb3"
LABEL = Label("BerryMed", "Simulated BM1000", "BE-0001", "C6:00:00:00:00:08", ())


class BerryOximeter(Peripheral):
    """Recognised by its name alone. Without a finger it sends 127 and 255."""

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        body: Body,
        now: Clock,
        packets_per_s: int = PACKETS_PER_S,
        label: Label = LABEL,
    ) -> None:
        super().__init__(hci_source, hci_sink, label, now=now, battery=50)
        self._body, self.packets_per_s = body, packets_per_s
        self.finger = False
        self.streamed: deque[Sample] = deque(maxlen=20_000)
        self._stream_gatt = Gatt(NOTIFY, push="notify")
        self.serve(SERVICE, [self._stream_gatt, Gatt(RX, write=lambda _raw: None)])

    async def start(self) -> None:
        await super().start()
        self._spawn(self._stream())

    def finger_on(self) -> None:
        self.finger = True

    def finger_off(self) -> None:
        self.finger = False

    async def _stream(self) -> None:
        loop = asyncio.get_running_loop()
        due, period = loop.time(), PACKETS_AT_ONCE / self.packets_per_s
        while True:
            await self.until_subscribed(self._stream_gatt)
            due = max(due + period, loop.time())
            await asyncio.sleep(due - loop.time())
            at = self._now()
            packets = [self._packet(at + step / self.packets_per_s) for step in range(PACKETS_AT_ONCE)]
            await self.notify(self._stream_gatt, b"".join(map(bytes, packets)))

    def _packet(self, at_s: float) -> Packet:
        if not self.finger:
            self.streamed.append(Sample(at_s, None, None))
            return Packet(NO_SATURATION, NO_PULSE, 0, no_finger=True)
        spo2, pulse = round(self._body.spo2(at_s)), round(self._body.pulse(at_s))
        self.streamed.append(Sample(at_s, Decimal(spo2), Decimal(pulse)))
        wave = min(WAVE_FULL, self._body.pleth(at_s))
        beat = self._body.phase(at_s) < self._body.pulse(at_s) / 60 / self.packets_per_s
        return Packet(spo2, pulse, wave, strength=9, bar=wave * 15 // WAVE_FULL, beat=beat)
