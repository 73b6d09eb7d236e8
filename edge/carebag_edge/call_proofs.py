"""What the kit vouches for in call set-up: its signature over fingerprints, and the six digits to read aloud.

The hub carries the set-up and could put another certificate in. So the kit signs the fingerprints of every description
that leaves it, its own and the nurse's page's (which the kit serves), and the doctor's page checks them.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from carebag_edge.keys import KitKey
from carebag_wire.calls import CallCode, fingerprints, proof_text, six_digits
from carebag_wire.messages import Signal


@dataclass(frozen=True)
class _Offered:
    visit_id: UUID
    epoch: int
    prints: str


class CallProofs:
    """Signs descriptions, and remembers of each doctor's call what the digits are made of.

    Args:
        changed: called on the event loop when `codes` is another one.
    """

    def __init__(self, key: KitKey, changed: Callable[[], None] = lambda: None) -> None:
        self._key = key
        self._changed = changed
        self._me = f"kit:{key.kit_id}"
        self._offered: dict[str, _Offered] = {}
        """What the kit offered last and nobody answered yet, by viewer."""
        self._codes: dict[str, CallCode] = {}

    @property
    def codes(self) -> list[CallCode]:
        return list(self._codes.values())

    def of_kit(self, signal: Signal) -> Signal:
        """The kit's own set-up as it leaves: with its sender, and signed."""
        signed = self.signed(signal.model_copy(update={"sender": self._me}))
        prints = _prints(signal)
        offered = self._offered.get(signal.to)
        # a guest has nobody to compare digits with
        named = not signal.to.startswith("guest:")
        if named and prints and (offered is None or offered.epoch != signal.epoch):
            self._offered[signal.to] = _Offered(signal.visit_id, signal.epoch, prints)
            if self._codes.pop(signal.to, None) is not None:
                self._changed()
        return signed

    def signed(self, signal: Signal) -> Signal:
        """With the kit's proof, if it has a description; `sender` must be filled in."""
        prints = _prints(signal)
        if not prints:
            return signal
        text = proof_text(signal.visit_id, signal.sender, signal.to, signal.epoch, prints)
        return signal.model_copy(update={"proof": self._key.sign(text)})

    async def heard(self, signal: Signal) -> None:
        """A page's answer: the digits are made of both fingerprints. Only the first one counts, as for the call."""
        offered, prints = self._offered.get(signal.sender), _prints(signal)
        if offered is None or not prints or (offered.visit_id, offered.epoch) != (signal.visit_id, signal.epoch):
            return
        del self._offered[signal.sender]
        made_of = (signal.visit_id, self._me, signal.sender, signal.epoch, offered.prints, prints)
        digits = await asyncio.to_thread(six_digits, *made_of)
        if signal.sender not in self._offered:
            self._codes[signal.sender] = CallCode(viewer=signal.sender, digits=digits)
            self._changed()

    def present(self, viewers: Collection[str]) -> None:
        """Only these are in the room."""
        for known in (self._offered, self._codes):
            for viewer in [one for one in known if one not in viewers]:
                del known[viewer]


def _prints(signal: Signal) -> str:
    sdp = (signal.description or {}).get("sdp")
    return fingerprints(sdp) if isinstance(sdp, str) else ""
