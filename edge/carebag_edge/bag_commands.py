"""What the nurse does with the bag itself: pair, forget, check, test. Nothing here is about a patient."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from carebag_devices.bag import Instruments
from carebag_devices.events import UdiSaid
from carebag_edge.bag_check import BagCheck
from carebag_edge.bedside import Bedside
from carebag_edge.damage import DamageBook
from carebag_edge.errors import Refused
from carebag_edge.intake import Intake
from carebag_edge.listening import Listening
from carebag_edge.loop_test import LoopTester
from carebag_wire.nurse_messages import (
    AcknowledgeDamage,
    AddCartridge,
    ChooseDevice,
    FinishCheck,
    ForgetDevice,
    GivePasskey,
    LabelDevice,
    RemoveCartridge,
    RetryDevice,
    RunLoopTest,
    StartPairing,
    StopPairing,
)
from carebag_wire.udi import NotGs1, udi_on_label
from carebag_wire.visit import Person

LISTEN_RATE_HZ = 4000
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Owner(Protocol):
    """What the commands ask of the kit."""

    def changed(self, code: str | None = None) -> None: ...


class BagCommands:
    """One call for each message; `do` says whether it was one of these."""

    def __init__(
        self,
        *,
        bedside: Bedside,
        listening: Listening,
        intake: Intake,
        instruments: Instruments,
        check: BagCheck,
        damage: DamageBook,
        loop_test: LoopTester,
        owner: Owner,
        spawn: Spawn,
    ) -> None:
        self._bedside = bedside
        self._listening = listening
        self._intake = intake
        self._instruments = instruments
        self._check = check
        self._damage = damage
        self._loop_test = loop_test
        self._owner = owner
        self._spawn = spawn

    def do(self, message: Any, nurse: Person) -> bool:
        """Raises: Refused, DATABASE_ERRORS."""
        if not (self._pair(message) or self._keep(message, nurse)):
            return False
        self._owner.changed()
        return True

    def _pair(self, message: Any) -> bool:
        match message:
            case StartPairing():
                self._intake.pairing.asked(message.kind)
                self._instruments.start_pairing(message.kind)
            case ChooseDevice():
                self._intake.welcome(message.device_id)
                self._instruments.choose(message.device_id)
            case GivePasskey():
                self._instruments.give_passkey(message.passkey)
            case StopPairing():
                self._instruments.stop_pairing()
                self._intake.pairing.stopped()
            case RetryDevice():
                self._instruments.retry(message.device_id)
            case ForgetDevice():
                self._instruments.forget(message.device_id)
                self._intake.forget(message.device_id)
            case LabelDevice():
                self._label(message)
            case _:
                return False
        return True

    def _label(self, message: LabelDevice) -> None:
        try:
            udi = udi_on_label(message.text, message.by) if message.text.strip() else None
        except NotGs1 as error:
            raise Refused(str(error)) from None
        said = UdiSaid(udi.entry, udi.carrier, udi.device, udi.issuer) if udi else None
        if not self._instruments.note_label(message.device_id, said):
            raise Refused("not_labelled")

    def _keep(self, message: Any, nurse: Person) -> bool:
        match message:
            case AddCartridge():
                self._check.add(message, nurse)
            case RemoveCartridge():
                self._check.remove(message.cartridge_id)
            case FinishCheck():
                self._check.finish(message, nurse)
            case AcknowledgeDamage():
                self._damage.acknowledge(message.number, nurse)
            case RunLoopTest():
                self._run_loop_test()
            case _:
                return False
        return True

    def _run_loop_test(self) -> None:
        if self._bedside.binder.visit is not None:
            raise Refused("visit_is_open")
        if self._listening.active or self._loop_test.running:
            raise Refused("already_listening")
        self._loop_test.begin(self._listening.next_stream())
        self._spawn(self._loop_test.run(self._instruments, LISTEN_RATE_HZ))
