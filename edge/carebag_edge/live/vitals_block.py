"""The vital signs of now in some forty bytes, to ride in sound packets: no timer of another transport can hold them.

A block (big endian; `web/src/shared/sound/vitalsBlock.ts` reads the same):

    B   1                          the form; a reader drops what it does not know
    B   state                      0 live, 1 stale, 2 lost, 3 invalid
    I   seq
    6 B since                      Unix time, ms
    6 B measured_at                Unix time, ms; 0: none
    4 * (B length, UTF-8)          SpO2, pulse, problem (empty: none), device id

It is `LiveVitals` without the pulse wave, which is for drawing only and may be lost.
"""

from datetime import UTC, datetime
from typing import Final

from carebag_edge.live.sound_packet import MAX_STATE_BYTES
from carebag_wire.visit import LiveVitals

FORM: Final = 1
_STATES: Final = ("live", "stale", "lost", "invalid")


def vitals_block(vitals: LiveVitals) -> bytes:
    """The block; empty when it would be longer than a packet has room for (texts of foreign devices)."""
    head = bytes([FORM, _STATES.index(vitals.state)]) + (vitals.seq & 0xFFFFFFFF).to_bytes(4, "big")
    times = _ms(vitals.since) + _ms(vitals.measured_at)
    texts = [
        (text or "").encode() for text in (vitals.spo2_percent, vitals.pulse_per_min, vitals.problem, vitals.device_id)
    ]
    length = len(head) + len(times) + sum(1 + len(text) for text in texts)
    if length > MAX_STATE_BYTES:
        return b""
    return head + times + b"".join(bytes([len(text)]) + text for text in texts)


def _ms(at: datetime | None) -> bytes:
    ms = 0 if at is None else round(at.astimezone(UTC).timestamp() * 1000)
    return max(0, ms).to_bytes(6, "big")
