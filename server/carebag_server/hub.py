"""The hub's parts, made once by `app.create_app` and handed to every route."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from carebag_server.database import Database
from carebag_server.media import MediaStore
from carebag_server.refused_kits import RefusedKits
from carebag_server.settings import Settings
from carebag_server.together import Together, Watch
from carebag_server.tries import Tries

if TYPE_CHECKING:
    from carebag_server.callers import PersonCaller
    from carebag_server.oidc.provider import Provider
    from carebag_server.sockets import LiveRooms
    from carebag_server.visit_lists import VisitList


@dataclass
class Hub:
    settings: Settings
    database: Database
    now: Callable[[], datetime]
    """Aware UTC."""
    media: MediaStore
    live: "LiveRooms"
    guest_tries: Tries = field(default_factory=Tries)
    """Guests' links that did not work, by address; forgotten at a restart."""
    refused_kits: RefusedKits = field(default_factory=RefusedKits)
    provider: "Provider | None" = None
    """By whom people sign in beside their passkeys."""
    lists: "Together[PersonCaller, VisitList]" = field(init=False)
    signed_in: Watch = field(init=False)
    """Sessions behind the open sockets."""
    locked: Watch = field(init=False)
    """Those of them that are locked."""
    enrolled: Watch = field(init=False)
    """Kits behind the open sockets."""


def hub_of(connection: HTTPConnection) -> Hub:
    return cast("Hub", connection.app.state.hub)


TheHub = Annotated[Hub, Depends(hub_of)]
