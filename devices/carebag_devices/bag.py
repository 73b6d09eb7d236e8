"""The bag: every instrument the kit knows, run side by side; what the kit (`carebag_edge`) sees of `devices`."""

from collections.abc import Callable
from typing import Literal, Protocol

from carebag_devices.events import Event

Sink = Callable[[Event], None]
"""Called synchronously inside the Bluetooth callback; must not block longer than one durable commit."""


class Instruments(Protocol):
    """What the kit asks of the bag. Events come through the sink given at construction."""

    async def run(self) -> None:
        """Scan, connect, serve, reconnect until cancelled."""

    async def listen(self, stream: int, rate_hz: int = 4000) -> None:
        """Start the stethoscope's stream; raises `DeviceSilent` when none answers within 10 s."""

    async def stop_listening(self) -> None:
        """Stop it; a `SoundStopped` follows."""

    def retry(self, device_id: str, action: Literal["connect", "pair", "forget"]) -> None:
        """The nurse pressed 'try again', 'pair', or 'forget' on an instrument's card."""
