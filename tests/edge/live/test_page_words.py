"""A stranger's words in call set-up: read, or refused by name."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiortc.sdp import candidate_from_sdp
from hypothesis import given
from hypothesis import strategies as st

from carebag_edge.live.page_words import answer_sdp, ice_candidate, refused_as

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
BODIES = st.dictionaries(st.sampled_from(["type", "sdp", "candidate", "sdpMid", "sdpMLineIndex"]), JSON)


def test_a_candidate_and_the_end_of_them() -> None:
    line = "candidate:1 1 udp 2130706431 192.0.2.7 54321 typ host"
    parsed = ice_candidate({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0}, candidate_from_sdp)
    assert parsed is not None
    assert (parsed.ip, parsed.port, parsed.sdpMid, parsed.sdpMLineIndex) == ("192.0.2.7", 54321, "0", 0)
    assert ice_candidate({}, candidate_from_sdp) is None
    assert ice_candidate({"candidate": ""}, candidate_from_sdp) is None


def named(refusals: set[str], act: Callable[[], object]) -> bool:
    """Whether it went well, or was refused by one of these names; anything else is raised."""
    try:
        act()
    except ValueError as refused:
        return str(refused) in refusals
    return True


@given(BODIES)
def test_any_words(body: dict[str, Any]) -> None:
    def candidate() -> None:
        with refused_as("not_a_candidate"):
            ice_candidate(body, candidate_from_sdp)

    assert named({"not_an_answer"}, lambda: answer_sdp(body))
    assert named({"not_a_candidate"}, candidate)


def test_being_cancelled_is_no_refusal() -> None:
    with pytest.raises(asyncio.CancelledError), refused_as("answer_does_not_fit"):
        raise asyncio.CancelledError
