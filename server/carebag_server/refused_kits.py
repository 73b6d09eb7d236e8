"""Kits that the hub will not have: each is told about in one line of the log an hour, however often it knocks."""

import logging
import threading
import uuid
from collections import OrderedDict

log = logging.getLogger("carebag.hub")
HOUR_S = 3600.0
KEPT = 100
"""Told about within an hour; more are somebody who makes ids up, and get no line of their own."""
WHAT_TO_DO = {
    "kit_unknown": "it is not registered at this hub. Make a code for it (carebag admin kit add), or point it at its "
    "own hub (carebag kit --hub)",
    "kit_revoked": "it is reported lost or taken out of use",
    "bad_proof": "it does not sign with the key it is registered with. If its data folder was lost or replaced, "
    "make a code for it (carebag admin kit rotate)",
}
"""Refusals that stay as they are until a person does something."""


class RefusedKits:
    """Remembers what the log was told; forgotten at a restart. For use from several threads."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[uuid.UUID, str], float] = OrderedDict()
        self._turn = threading.Lock()

    def news(self, kit_id: uuid.UUID, code: str, now_s: float) -> bool:
        """Whether this refusal was not told within the last hour, and there is room to tell it."""
        with self._turn:
            while self._told and now_s - next(iter(self._told.values())) >= HOUR_S:
                self._told.popitem(last=False)
            if (kit_id, code) in self._told or len(self._told) >= KEPT:
                return False
            self._told[kit_id, code] = now_s
            return True

    def refused(self, kit_id: uuid.UUID, code: str, now_s: float) -> bool:
        """Write the line if it is news. Returns: whether the refusal is of a kind that has its own line."""
        if code not in WHAT_TO_DO:
            return False
        if self.news(kit_id, code, now_s):
            log.warning("kit %s is refused, %s: %s. Not said again for an hour", kit_id, code, WHAT_TO_DO[code])
        return True
