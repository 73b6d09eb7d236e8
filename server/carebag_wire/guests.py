"""Guests of a visit: who was invited by whom, what the guest's own page is told, and how good each side's link is."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from carebag_wire.base import Code, Count, Id, ShortText, Utc, Wire

GuestRole = Literal["relative", "interpreter", "second_doctor"]
GuestState = Literal["invited", "waiting", "admitted", "ended"]
"""invited (the link is not used yet) → waiting (at the door) → admitted; ended from anywhere, for good."""
_PRINTED = r"^[^\x00-\x1f\u202a-\u202e\u2066-\u2069]+$"
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True, pattern=_PRINTED)]
GuestAct = Literal["admit", "end", "show_camera", "hide_camera", "show_examination", "hide_examination"]
"""Hiding either takes both away; showing the examination shows the camera too."""


class Guest(Wire):
    """A guest as doctor and nurse see one."""

    id: Id
    visit_id: Id
    role: GuestRole
    name: ShortText
    """As invited."""
    said_name: ShortText = ""
    """What the guest answered to "who are you"; empty before."""
    state: GuestState
    reason: Code | None = None
    """Why it ended: `guest_revoked`, `guest_link_expired`, `visit_closed`."""
    camera: bool
    """Whether the examination camera may be shown to the guest."""
    examination: bool = False
    """Whether the kit lets the guest see the examination camera and hear body sound; never without `camera`."""
    invited_by: ShortText
    invited_at: Utc
    link_expires_at: Utc
    came_at: Utc | None = None
    admitted_by: ShortText = ""
    admitted_at: Utc | None = None
    ended_by: ShortText = ""
    ended_at: Utc | None = None


class InviteGuest(Wire):
    role: GuestRole
    name: PersonName
    consent: bool
    """The patient agreed; without it nobody is invited."""
    camera: bool = False
    examination: bool = False


class GuestInvited(Wire):
    """The link is told once, to whoever invited; the hub keeps its digest only."""

    guest: Guest
    url: ShortText


class GuestDo(Wire):
    act: GuestAct


class NurseInvites(InviteGuest):
    """The nurse's invitation, by way of her kit."""

    nurse_id: Id


class NurseDoes(GuestDo):
    nurse_id: Id


class GuestToken(Wire):
    token: Annotated[str, Field(min_length=20, max_length=200)]


class GuestEnters(GuestToken):
    """The link is used up by this, and bound to the browser that used it."""

    name: PersonName


class GuestSelf(Wire):
    """What the guest's own page knows: nothing of the patient, nothing of the visit."""

    guest_id: Id
    visit_id: Id
    role: GuestRole
    name: ShortText
    state: GuestState
    valid_until: Utc


class LinkQuality(Wire):
    """How one participant's connection is, measured by its own page or by the kit over the last seconds."""

    word: Literal["good", "weak", "bad"]
    why: Literal["", "loss", "delay", "unsteady", "silent", "slow"] = ""
    """What makes it less than good: packets lost, a long way, an uneven one, nothing comes, little room."""
    loss_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    rtt_ms: Annotated[float, Field(ge=0, le=600_000)] | None = None
    jitter_ms: Annotated[float, Field(ge=0, le=600_000)] | None = None
    kbit_s: Count | None = None
    """What leaves or arrives, whichever is more."""
