from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.rtp_clock import picture_times


@given(st.lists(st.integers(1, 1 << 40), unique=True, max_size=48).map(sorted))
def test_the_times_of_pictures_come_back_from_the_message(ticks: list[int]) -> None:
    told = picture_times(ticks)
    if told is None:
        assert not ticks
        return
    found = [told["first"]]
    for step in told["after"]:
        assert step > 0
        found.append(found[-1] + step)
    assert (found, told["type"], told["rate_hz"]) == (ticks, "picture_times", 90_000)
