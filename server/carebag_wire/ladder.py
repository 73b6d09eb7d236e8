"""The ladder: how much of a visit goes to the doctor now. Every step is said in words, and climbed again by itself."""

from typing import Literal

from carebag_wire.base import ShortText, Utc, Wire

Rung = Literal["live", "less_video", "sound_and_vitals", "store_and_forward", "telephone"]
"""From the top: everything; a smaller picture; no picture; measured now and sent later; time to telephone."""
RungReason = Literal["", "little_room", "hub_away", "no_path"]


class Ladder(Wire):
    """Where a kit stands while its visit is open and a doctor takes part, or the hub is away."""

    rung: Rung
    why: RungReason = ""
    """What keeps it from the top: little room on the link, the hub is not reached, no direct path to the doctor."""
    since: Utc
    telephone: ShortText = ""
    """The number to call on the lowest rungs: the doctor's for the nurse. Empty when nobody has entered one."""
