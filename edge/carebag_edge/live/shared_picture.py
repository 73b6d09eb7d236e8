"""When the picture goes once to the hub's SFU instead of to each viewer. Pure: times are passed in.

From the second viewer on it is sent there beside the direct ones; a viewer who has it from there gets none directly. So
nothing is missed on the way there, and one who cannot reach the SFU loses nothing.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from carebag_wire.calls import SfuServes

MANY: Final = 2
"""Viewers for whom one copy is worth the way round."""
BEGIN_S: Final = 1.0
"""A page that is loaded anew is two for a moment."""
DIRECT_AFTER_S: Final = 5.0
"""Of fewer viewers: a page that is loaded anew is away for a moment."""
END_AFTER_S: Final = 7.0
"""Later than that, so that the direct picture is there first."""
SILENT_S: Final = 4.0
"""The SFU reports each second."""
STEADY_S: Final = 2.0
"""Heard for so long it is believed: no switching to and fro with a link that comes and goes."""


class SharedPicture:
    """Feed `told` with what the hub says and `look` once a second; read `calling` and `holds`."""

    def __init__(self) -> None:
        self.calling = False
        """Whether there should be a call to the SFU."""
        self._told: SfuServes | None = None
        self._many_s: float | None = None
        self._few_s: float | None = None
        self._mute_s = float("-inf")
        self._holding = False

    def told(self, serves: SfuServes) -> None:
        """The hub's word, whole."""
        self._told = serves

    def look(self, now_s: float, visit_id: UUID | None, viewers: Collection[str], silent_s: float | None) -> None:
        """How it is now.

        Args:
            now_s: a clock that only rises.
            viewers: who of the visit is called directly.
            silent_s: since the SFU was heard of; None: it is not connected.
        """
        told = self._told
        if not viewers or told is None or not told.available or told.visit_id != visit_id:
            self.calling = self._holding = False
            self._many_s = self._few_s = None
            return
        many = len(viewers) >= MANY
        self._many_s = (self._many_s if self._many_s is not None else now_s) if many else None
        self._few_s = None if many else (self._few_s if self._few_s is not None else now_s)
        if self._many_s is not None and now_s - self._many_s >= BEGIN_S:
            self.calling = True
        few_for_s = 0.0 if self._few_s is None else now_s - self._few_s
        self.calling &= few_for_s < END_AFTER_S
        if not self.calling or silent_s is None or silent_s > SILENT_S:
            self._mute_s = now_s
        self._holding = self.calling and few_for_s < DIRECT_AFTER_S and now_s - self._mute_s >= STEADY_S

    def holds(self, viewer: str) -> bool:
        """Whether this viewer has the picture from the SFU, and needs none from here."""
        return self._holding and self._told is not None and viewer in self._told.viewers
