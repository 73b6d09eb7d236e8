"""When the picture goes by way of the SFU: from the second viewer on, only to whom it serves, never to and fro."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.shared_picture import BEGIN_S, DIRECT_AFTER_S, END_AFTER_S, STEADY_S, SharedPicture
from carebag_wire.calls import SfuServes

VISIT = UUID(int=1)
BOTH = ("north", "south")


def told(*viewers: str, available: bool = True, visit: UUID = VISIT) -> SfuServes:
    return SfuServes(visit_id=visit, to="kit", available=available, viewers=list(viewers))


def shared() -> SharedPicture:
    """As it stands 10 s after two viewers came and both are served."""
    picture = SharedPicture()
    picture.told(told(*BOTH))
    for second in range(11):
        picture.look(second, VISIT, BOTH, 0.0 if second > 1 else None)
    assert picture.calling
    assert all(picture.holds(viewer) for viewer in BOTH)
    return picture


def test_one_viewer_or_no_sfu_changes_nothing() -> None:
    for viewers, serves in ((("north",), told("north")), (BOTH, None), (BOTH, told(*BOTH, available=False))):
        picture = SharedPicture()
        if serves is not None:
            picture.told(serves)
        for second in range(20):
            picture.look(second, VISIT, viewers, None)
            assert not picture.calling
            assert not picture.holds("north")


def test_a_page_that_is_loaded_anew_is_no_second_viewer() -> None:
    picture = SharedPicture()
    picture.told(told())
    picture.look(0.0, VISIT, BOTH, None)
    picture.look(BEGIN_S / 2, VISIT, ("north",), None)
    picture.look(BEGIN_S, VISIT, BOTH, None)
    assert not picture.calling
    picture.look(2 * BEGIN_S, VISIT, BOTH, None)
    assert picture.calling


def test_only_who_is_served_gets_none_directly_and_only_while_the_sfu_is_heard() -> None:
    picture = shared()
    picture.told(told("north"))
    assert picture.holds("north")
    assert not picture.holds("south")
    picture.look(11.0, VISIT, BOTH, 4.5)
    assert not picture.holds("north")
    picture.look(12.0, VISIT, BOTH, 0.5)
    assert not picture.holds("north")
    picture.look(11.0 + STEADY_S, VISIT, BOTH, 0.5)
    assert picture.holds("north")
    assert picture.calling


def test_to_one_viewer_it_goes_directly_before_the_other_way_ends() -> None:
    picture = shared()
    picture.told(told("north"))
    picture.look(20.0, VISIT, ("north",), 0.0)
    assert picture.holds("north")
    picture.look(20.0 + DIRECT_AFTER_S, VISIT, ("north",), 0.0)
    assert not picture.holds("north")
    assert picture.calling
    picture.look(20.0 + END_AFTER_S, VISIT, ("north",), 0.0)
    assert not picture.calling


def test_an_sfu_that_is_away_ends_it_at_once() -> None:
    picture = shared()
    picture.told(told(available=False))
    picture.look(10.1, VISIT, BOTH, 0.0)
    assert not picture.calling
    assert not picture.holds("north")


def test_what_was_said_of_another_visit_does_not_count() -> None:
    picture = shared()
    picture.look(11.0, UUID(int=2), BOTH, 0.0)
    assert not picture.calling
    picture = shared()
    picture.look(11.0, None, (), 0.0)
    assert not picture.calling


VIEWERS = st.sampled_from(((), ("north",), BOTH, ("north", "south", "west")))
SERVED = st.lists(st.sampled_from(("north", "south", "west")), unique=True)


@given(st.lists(st.tuples(VIEWERS, SERVED, st.booleans(), st.none() | st.floats(0, 10)), max_size=60))
def test_nobody_is_without_a_way_and_it_never_flutters(
    steps: list[tuple[Any, list[str], bool, float]],
) -> None:
    picture, began, ended = SharedPicture(), -100, -100
    for second, (viewers, served, available, silent_s) in enumerate(steps):
        before = picture.calling
        picture.told(told(*served, available=available))
        picture.look(float(second), VISIT, viewers, silent_s)
        for viewer in ("north", "south", "west"):
            if picture.holds(viewer):
                assert viewer in served
                assert picture.calling
                assert available
                assert silent_s is not None
        if picture.calling and not before:
            assert second - ended >= BEGIN_S
            began = second
        if before and not picture.calling:
            ended = second
            assert not available or not viewers or second - began >= END_AFTER_S - BEGIN_S
