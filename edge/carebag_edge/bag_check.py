"""What must be right with the bag before the first visit: test cartridges, and that somebody looked. Kept for good."""

from datetime import date
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_edge.journal import Journal
from carebag_wire.base import uuid7
from carebag_wire.nurse_messages import AddCartridge, FinishCheck
from carebag_wire.visit import Cartridge, CheckDone, Person

CARTRIDGES, CHECK = "cartridges", "check"
MOST_CARTRIDGES = 50
_list: TypeAdapter[list[Cartridge]] = TypeAdapter(list[Cartridge])


class BagCheck:
    """Lots in the bag, also those past their day (the page says so), and the last morning check."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.cartridges: list[Cartridge] = []
        self.done: CheckDone | None = None
        try:
            self.cartridges = _list.validate_json(journal.state(CARTRIDGES) or "[]")
            done = journal.state(CHECK)
            self.done = CheckDone.model_validate_json(done) if done else None
        except ValidationError:
            pass  # written by another version: it is looked at every morning anyway

    def add(self, message: AddCartridge, nurse: Person) -> None:
        """One lot; scanned twice it is there once.

        Raises:
            Refused: `text_missing`, `no_such_date`, `too_many`.
        """
        product, lot = message.product.strip(), message.lot.strip()
        if not product or not lot:
            raise Refused("text_missing")
        try:
            date.fromisoformat(message.expires)
        except ValueError:
            raise Refused("no_such_date") from None
        if any((one.product, one.lot, one.expires) == (product, lot, message.expires) for one in self.cartridges):
            return
        if len(self.cartridges) >= MOST_CARTRIDGES:
            raise Refused("too_many")
        new = Cartridge(
            id=uuid7(self._clock.unix_ms()),
            product=product,
            lot=lot,
            expires=message.expires,
            added_at=self._clock.utc(),
            added_by=nurse.name,
        )
        self._keep([*self.cartridges, new])

    def remove(self, cartridge_id: UUID) -> None:
        """Raises: Refused: `unknown_cartridge`."""
        left = [one for one in self.cartridges if one.id != cartridge_id]
        if len(left) == len(self.cartridges):
            raise Refused("unknown_cartridge")
        self._keep(left)

    def finish(self, message: FinishCheck, nurse: Person) -> None:
        done = CheckDone(at=self._clock.utc(), by=nurse.name, remarks=message.remarks)
        self._journal.put_state(CHECK, done.model_dump_json())
        self.done = done

    def _keep(self, cartridges: list[Cartridge]) -> None:
        self._journal.put_state(CARTRIDGES, _list.dump_json(cartridges).decode())
        self.cartridges = cartridges
