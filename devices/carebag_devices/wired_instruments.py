"""Instruments that are not on the air: analysers on a serial port or network address, stethoscopes on a sound input.

They are named when the kit is set up (`carebag kit --wired afinion_as100=serial:///dev/ttyUSB0`), not found.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from carebag_devices.catalog import Model, model_named
from carebag_devices.drivers.session import Reporter
from carebag_devices.events import Identity
from carebag_devices.wired.run import run_wired, wired_identity

DRIVERS = ("lis2_wired", "afinion_wired", "poct1a_wired", "sound_card")


@dataclass(frozen=True)
class Wired:
    """`model_key` of the catalog; `address`: `serial:…`, `tcp:…`, or a sound input's name."""

    model_key: str
    address: str


class WiredInstruments:
    """Runs each of them until cancelled. Raises `ValueError` for a key or an address that cannot be."""

    def __init__(
        self, wired: Sequence[Wired], catalog: Sequence[Model], new_reporter: Callable[[Identity], Reporter]
    ) -> None:
        self._wired = [(one, _model(one, catalog)) for one in wired]
        self._new_reporter = new_reporter
        self.listeners: list[Any] = []
        """Stethoscopes on sound inputs, ready to listen."""

    def start(self) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._run(one, model), name=f"wired {model.key}") for one, model in self._wired]

    async def _run(self, wired: Wired, model: Model) -> None:
        report = self._new_reporter(identity_of(wired, model))
        if model.driver == "sound_card":
            # PortAudio is an extra of its own
            from carebag_devices.sound_card import SoundCard

            card = SoundCard(wired.address, model, report)
            self.listeners.append(card)
            await card.run()
        else:
            await run_wired(wired.address, model, report)


def identity_of(wired: Wired, model: Model) -> Identity:
    """Who it is before it has said a word. Raises `ValueError` for an address that is none."""
    if model.driver == "sound_card":
        return Identity(f"sound:{wired.address}", model.kind, model.maker, model.name or wired.address)
    return wired_identity(wired.address, model)


def _model(wired: Wired, catalog: Sequence[Model]) -> Model:
    model = model_named(wired.model_key, catalog)
    if model is None or model.driver not in DRIVERS:
        raise ValueError(f"{wired.model_key} is no wired instrument of the catalog")
    identity_of(wired, model)
    return model


def wired_keys(catalog: Sequence[Model]) -> list[str]:
    """Keys of the models that are named with an address."""
    return [model.key for model in catalog if model.driver in DRIVERS]
