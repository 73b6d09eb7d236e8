"""What hubs that serve the same visits tell each other: who came and went, what changed, and what is to be passed on.

Every hub takes these in the same order and acts alike. None of it is kept; what matters is in the store.
"""

import uuid
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from carebag_server.announcements import Announcement
from carebag_wire.base import Wire
from carebag_wire.calls import SfuServes
from carebag_wire.guests import Guest
from carebag_wire.messages import (
    CameraDo,
    KitStatus,
    KitVisits,
    LinkReport,
    Live,
    Signal,
    Snapshot,
)
from carebag_wire.visit import DoctorHears

Number = Annotated[int, Field(ge=0)]
Line = Number
"""A connection's number, with its hub's in the upper half: see `company.hub_of`."""


class ConsoleCame(Wire):
    what: Literal["console_came"] = "console_came"
    line: Line
    practitioner_id: uuid.UUID
    name: str
    page: str = ""
    """See `same_page`; "" for one that is another participant with each connection."""
    turn: Number = 0
    place: Line = 0
    visit_id: uuid.UUID | None = None
    """The room where it says that it was, and may be."""


class KitCame(Wire):
    what: Literal["kit_came"] = "kit_came"
    line: Line
    kit_id: uuid.UUID
    name: str
    key: str
    """Raw public key, base64."""
    away: bool = False
    """Expected back since all hubs ended, and not there yet."""


class KitEntered(Wire):
    """The kit's visits were read; they themselves stay at its hub."""

    what: Literal["kit_entered"] = "kit_entered"
    line: Line
    nurses: dict[uuid.UUID, str] = Field(default_factory=dict)
    """Whose face is behind `nurse:<kit>`, by visit."""
    visits: KitVisits | None = Field(default=None, exclude=True)


class KitSaid(Wire):
    what: Literal["kit_said"] = "kit_said"
    line: Line
    status: KitStatus


class GuestCame(Wire):
    what: Literal["guest_came"] = "guest_came"
    line: Line
    guest: Guest
    kit_id: uuid.UUID


class Joined(Wire):
    what: Literal["joined"] = "joined"
    line: Line
    visit_id: uuid.UUID
    kit_id: uuid.UUID
    take_over: bool


class Entered(Wire):
    """The visit was read for who sits there; what was read stays at its hub."""

    what: Literal["entered"] = "entered"
    line: Line
    visit_id: uuid.UUID
    nurses: dict[uuid.UUID, str] = Field(default_factory=dict)
    snapshot: Snapshot | None = Field(default=None, exclude=True)


class Left(Wire):
    what: Literal["left"] = "left"
    line: Line


class Away(Wire):
    """The connection broke; who was there may come back over another one, and else is `Gone` in a moment."""

    what: Literal["away"] = "away"
    line: Line
    hub_ends: bool = False
    """Its hub sends everybody away."""


class Gone(Wire):
    what: Literal["gone"] = "gone"
    line: Line


class Announced(Wire):
    """What one transaction changed."""

    what: Literal["announced"] = "announced"
    order: int
    """Of the commit among those of all hubs; 0 where there is one hub only."""
    announcements: list[Announcement]


class Passed(Wire):
    """For one connection of the hub that this is addressed to."""

    what: Literal["passed"] = "passed"
    line: Line
    message: Annotated[Signal | Live | LinkReport | CameraDo | DoctorHears | SfuServes, Field(discriminator="type")]


class Expected(Wire):
    """By a hub that found no other: these were there when the last one ended, and are waited for."""

    what: Literal["expected"] = "expected"
    events: "list[RoomEvent]"
    """That make them."""


class ReadAnew(Wire):
    """These visits changed and some hub may not have been told: who sees them must read them again."""

    what: Literal["read_anew"] = "read_anew"
    visits: list[uuid.UUID]
    kits: list[uuid.UUID]


RoomEvent = Annotated[
    ConsoleCame
    | KitCame
    | KitEntered
    | KitSaid
    | GuestCame
    | Joined
    | Entered
    | Left
    | Away
    | Gone
    | Announced
    | Passed
    | Expected
    | ReadAnew,
    Field(discriminator="what"),
]
"""What is about rooms; the rest is about the hubs themselves."""


class Came(Wire):
    """This hub begins: everybody tells it who is there."""

    what: Literal["came"] = "came"


class Here(Wire):
    """To a hub that came: all connections of the one that says it, as of when the other came."""

    what: Literal["here"] = "here"
    hubs: list[Number]
    settled: bool = True
    """It had come in: whoever was there before the hubs ended is expected already, or not any more."""
    events: list[RoomEvent]
    """That make them."""


class Beat(Wire):
    """Still there."""

    what: Literal["beat"] = "beat"


class HubGone(Wire):
    """From now on nothing counts that this hub says, and none of its connections is there."""

    what: Literal["hub_gone"] = "hub_gone"
    hub: Number
    clean: bool
    """It said so itself, and had told everything."""


Expected.model_rebuild()
HubEvent = Annotated[RoomEvent | Came | Here | Beat | HubGone, Field(discriminator="what")]
hub_event: TypeAdapter[HubEvent] = TypeAdapter(HubEvent)
