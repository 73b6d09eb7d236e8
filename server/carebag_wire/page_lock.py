"""How the nurse's page at the kit is locked, what a locked page is still told, and the PIN that opens it."""

from typing import Annotated, Literal

from pydantic import Field

from carebag_wire.base import Count, ShortText, Wire
from carebag_wire.visit import Participant

MIN_DIGITS, MAX_DIGITS = 6, 12


class Pin(Wire):
    """Sent to the kit alone, and never kept as it is."""

    pin: Annotated[str, Field(pattern=rf"^[0-9]{{{MIN_DIGITS},{MAX_DIGITS}}}$", repr=False)]


class PageLock(Wire):
    """All that a locked page is shown; nothing of a patient, of whom no word is here."""

    type: Literal["page_lock"] = "page_lock"
    state: Literal["open", "pin_needed", "locked", "sign_in"]
    """`pin_needed`: she chooses a PIN before anything is shown. `sign_in`: only a sign-in at the hub opens it."""
    nurse: ShortText
    """Whose session it is."""
    pin: bool
    """Whether she chose one; without, the page does not lock itself."""
    may_choose: bool
    """Whether she may choose one now: the hub vouched for her a moment ago."""
    tries_left: Count
    idle_seconds: Count
    """After how long without a touch it locks itself."""
    left_seconds: Count | None = None
    """Until then; None: it does not."""
    hub: Literal["online", "connecting", "offline"] = "offline"
    participants: list[Participant] = []
    """Who is in the room, for the call that goes on; guests without their names."""
    asked: Count = 0
    """How many requests of the doctor wait for her."""
    moves: Count = 0
    """As in `KitState`."""
