"""Which rung is said when, and what is made anew after a move."""

from collections.abc import Mapping
from typing import Any

import pytest

from carebag_edge.hub_link import HubLink, LinkCore
from carebag_edge.live_port import NoLiveMedia, PathQuality, VideoLimit
from carebag_edge.supervisor import Supervisor
from carebag_wire.messages import Welcome


class Links(NoLiveMedia):
    """Live media whose paths a test decides."""

    def __init__(self) -> None:
        self.paths: dict[str, PathQuality] = {}
        self.limits: list[VideoLimit] = []
        self.renewed: list[bool] = []

    def quality(self) -> Mapping[str, PathQuality]:
        return self.paths

    def limit_video(self, limit: VideoLimit) -> None:
        self.limits.append(limit)

    def renew(self, *, moved: bool) -> None:
        self.renewed.append(moved)


class Owner:
    def __init__(self) -> None:
        self.open = True
        self.doctors = 1
        self.changes = 0

    def changed(self, code: str | None = None) -> None:
        self.changes += 1

    def visit_is_open(self) -> bool:
        return self.open

    def doctors_present(self) -> int:
        return self.doctors


class Kitchen:
    def __init__(self, hands: Any) -> None:
        self.hands = hands
        self.core = LinkCore(lambda: hands.utc)
        welcome = Welcome(protocol=2, participant_id="kit:1", me="Väska 1", server_time=hands.utc)
        self.core.received(welcome.model_dump_json())
        self.live, self.owner = Links(), Owner()
        link = HubLink(None, self.core, None)  # type: ignore[arg-type]
        self.supervisor = Supervisor(self.owner, link, self.live, hands.clock)

    def path(self, loss: float, rtt_ms: float, step: int, silent_s: float = 0.2) -> None:
        self.live.paths = {"doctor:1": PathQuality(rtt_ms, loss, 400.0, step, 15.0, silent_s)}

    def wait(self, seconds: float) -> str:
        for _ in range(int(seconds * 2)):
            self.hands.forward(0.5)
            self.supervisor.look()
        shown = self.supervisor.shown
        return shown.rung if shown else ""


@pytest.fixture
def kitchen(hands: Any) -> Kitchen:
    return Kitchen(hands)


def test_the_rung_is_told_once_and_acted_on(kitchen: Kitchen) -> None:
    kitchen.path(0.0, 80.0, 5)
    assert kitchen.wait(10) == "live"
    assert kitchen.owner.changes == 1
    kitchen.path(0.5, 1500.0, 0)
    assert kitchen.wait(10) == "sound_and_vitals"
    assert kitchen.live.limits == ["full", "none"]
    kitchen.path(0.0, 80.0, -1)
    assert kitchen.wait(30) == "less_video"
    assert kitchen.live.limits[-1] == "full"


def test_since_when_and_whom_to_call(kitchen: Kitchen) -> None:
    kitchen.supervisor.telephone = "060-123 45 67"
    kitchen.core.disconnected()
    lost = kitchen.hands.utc
    assert kitchen.wait(10) == "store_and_forward"
    shown = kitchen.supervisor.shown
    assert shown is not None
    assert (shown.why, shown.telephone) == ("hub_away", "060-123 45 67")
    since = shown.since
    assert abs((since - lost).total_seconds()) <= 0.5
    kitchen.wait(5)
    assert kitchen.supervisor.shown == shown
    assert kitchen.wait(60) == "telephone"
    assert kitchen.supervisor.shown is not None
    assert kitchen.supervisor.shown.since == since


def test_a_move_is_told_once_the_hub_is_reached_again(kitchen: Kitchen) -> None:
    kitchen.supervisor.hub_is_back()
    assert kitchen.supervisor.moves == 0
    kitchen.supervisor.moved()
    kitchen.supervisor.moved()
    assert kitchen.supervisor.moves == 0
    kitchen.supervisor.hub_is_back()
    kitchen.supervisor.hub_is_back()
    assert kitchen.supervisor.moves == 1


def test_without_an_open_visit_there_is_no_ladder(kitchen: Kitchen) -> None:
    kitchen.path(0.5, 1500.0, 0)
    kitchen.wait(10)
    kitchen.owner.open = False
    assert kitchen.wait(1) == ""
    assert kitchen.live.limits[-1] == "full"


def test_after_a_move_everything_is_made_anew(kitchen: Kitchen) -> None:
    kitchen.supervisor.moved()
    kitchen.supervisor.hub_is_back()
    assert kitchen.live.renewed == [True, False]
