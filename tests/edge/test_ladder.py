"""The ladder over made-up links: down soon, up by itself, no flapping."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.ladder import (
    AWAY_AFTER_S,
    DOWN_AFTER_S,
    TELEPHONE_AFTER_S,
    UP_AFTER_S,
    Climber,
    Seen,
    Standing,
)
from carebag_edge.live_port import PathQuality


def path(loss: float, rtt_ms: float | None, step: int, silent_s: float = 0.3) -> PathQuality:
    return PathQuality(rtt_ms, loss, 400.0, step, 15.0, silent_s)


GOOD = Seen(True, 1, (path(0.0, 80.0, 5),))
SMALL = Seen(True, 1, (path(0.02, 90.0, 1),))
NO_ROOM = Seen(True, 1, (path(0.4, 1200.0, 0),))
CLEAR = Seen(True, 1, (path(0.0, 80.0, -1),))
"""Well again, while no picture is sent."""
NO_PATH = Seen(True, 1)
NO_HUB = Seen(False, 1, (path(0.0, 80.0, 5, silent_s=30.0),))
NOBODY = Seen(True)
TICK_S = 0.25


class Day:
    """Feeds a climber with what is seen for so many seconds."""

    def __init__(self) -> None:
        self.climber = Climber()
        self.now_s = 1000.0
        self.rungs: list[str] = []

    def see(self, seen: Seen, seconds: float) -> Standing | None:
        standing = None
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            standing = self.climber.step(self.now_s, seen)
            rung = standing.rung if standing else ""
            if not self.rungs or self.rungs[-1] != rung:
                self.rungs.append(rung)
            self.now_s += TICK_S
        return standing


def rung(standing: Standing | None) -> str:
    return standing.rung if standing else ""


def test_nobody_to_be_live_with_is_no_rung() -> None:
    day = Day()
    assert day.see(NOBODY, 100) is None
    assert rung(day.see(GOOD, 1)) == "live"
    assert day.see(NOBODY, 1) is None


def test_a_bad_second_is_not_a_bad_link() -> None:
    day = Day()
    day.see(GOOD, 10)
    day.see(NO_ROOM, DOWN_AFTER_S - TICK_S)
    assert rung(day.see(GOOD, 5)) == "live"
    assert day.rungs == ["live"]


def test_the_picture_goes_before_the_sound() -> None:
    day = Day()
    day.see(GOOD, 5)
    standing = day.see(NO_ROOM, DOWN_AFTER_S + 1)
    assert standing is not None
    assert (standing.rung, standing.video, standing.why) == ("sound_and_vitals", "none", "little_room")


def test_a_small_picture_is_said_and_grows_again() -> None:
    day = Day()
    day.see(GOOD, 5)
    day.see(SMALL, 10)
    day.see(GOOD, 10)
    assert day.rungs == ["live", "less_video", "live"]


def test_up_again_by_itself_the_picture_small_first() -> None:
    day = Day()
    day.see(NO_ROOM, 10)
    day.see(CLEAR, UP_AFTER_S + 1)
    assert rung(day.see(GOOD, 10)) == "live"
    assert day.rungs == ["sound_and_vitals", "less_video", "live"]


def test_a_try_that_failed_is_made_again_later() -> None:
    day = Day()
    day.see(NO_ROOM, 5)
    waits = []
    for _ in range(4):
        began = day.now_s
        while rung(day.climber.step(day.now_s, CLEAR)) == "sound_and_vitals":
            day.now_s += TICK_S
        waits.append(day.now_s - began)
        day.see(NO_ROOM, DOWN_AFTER_S + 1)
    assert waits == sorted(waits)
    assert waits[1] >= 2 * waits[0] - 1
    assert waits[3] >= 7 * waits[0]


def test_an_outage_is_kept_and_sent_later_and_then_a_matter_for_the_telephone() -> None:
    day = Day()
    day.see(GOOD, 10)
    assert rung(day.see(NO_HUB, AWAY_AFTER_S - TICK_S)) == "live"
    standing = day.see(NO_HUB, 1)
    assert standing is not None
    assert (standing.rung, standing.why) == ("store_and_forward", "hub_away")
    assert rung(day.see(NO_HUB, TELEPHONE_AFTER_S)) == "telephone"
    assert rung(day.see(GOOD, TICK_S)) == "live"


def test_a_doctor_whom_no_path_reaches() -> None:
    day = Day()
    standing = day.see(NO_PATH, AWAY_AFTER_S + 1)
    assert standing is not None
    assert (standing.rung, standing.why) == ("store_and_forward", "no_path")


def test_a_visit_that_began_without_the_hub() -> None:
    day = Day()
    assert rung(day.see(Seen(False), AWAY_AFTER_S + 1)) == "store_and_forward"


def test_the_best_path_decides() -> None:
    day = Day()
    both = Seen(True, 2, (*NO_ROOM.paths, *GOOD.paths))
    assert rung(day.see(both, 30)) == "live"


def test_back_from_an_outage_onto_a_poor_link() -> None:
    day = Day()
    day.see(NO_HUB, 10)
    assert rung(day.see(NO_ROOM, TICK_S)) == "sound_and_vitals"


rtts = st.none() | st.floats(0, 2000)
paths = st.builds(path, st.floats(0, 1), rtts, st.integers(-1, 8), st.floats(0, 60))
sights = st.builds(Seen, st.booleans(), st.integers(0, 2), st.lists(paths, max_size=3).map(tuple))


@given(st.lists(st.tuples(sights, st.floats(0.1, 20)), max_size=12))
def test_any_day(day: Iterable[tuple[Seen, float]]) -> None:
    """A rung is one of the ladder, and no picture is sent where there is said to be none."""
    climber, now_s = Climber(), 0.0
    for seen, seconds in day:
        end_s = now_s + seconds
        while now_s < end_s:
            standing = climber.step(now_s, seen)
            if standing is not None:
                assert standing.since_s <= now_s
                assert (standing.video == "none") == (standing.rung == "sound_and_vitals")
                assert (standing.why == "") == (standing.rung == "live")
            now_s += 1.0


@given(st.integers(0, 2**32 - 1))
def test_a_link_that_wavers_does_not_make_the_page_flicker(seed: int) -> None:
    """Changing each second between good and hopeless: at most one change of the rung in three seconds."""
    day = Day()
    for second in range(64):
        day.see(NO_ROOM if seed >> (second % 32) & 1 else GOOD, 1)
    assert len(day.rungs) <= 64 / DOWN_AFTER_S + 1
