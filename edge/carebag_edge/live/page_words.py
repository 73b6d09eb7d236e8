"""What a page says in call set-up, read the same way for every WebRTC library; what does not fit is `ValueError`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def answer_sdp(description: dict[str, Any]) -> str:
    """The SDP of a page's answer. Raises `ValueError` for anything else."""
    sdp = description.get("sdp")
    if description.get("type") != "answer" or not isinstance(sdp, str):
        raise ValueError("not_an_answer")
    return sdp


def ice_candidate(candidate: dict[str, Any], parse: Callable[[str], Any]) -> Any | None:
    """A candidate from the page's `RTCIceCandidateInit`, None for their end; to be used inside `refused_as`.

    `parse` is the library's reader of what stands behind `candidate:` (RFC 8839 5.1).
    """
    text = candidate.get("candidate")
    if not text:
        return None
    parsed = parse(str(text).removeprefix("candidate:"))
    parsed.sdpMid = candidate.get("sdpMid")
    parsed.sdpMLineIndex = candidate.get("sdpMLineIndex")
    return parsed


@contextmanager
def refused_as(reason: str) -> Iterator[None]:
    """Whatever a library makes of a stranger's words becomes `ValueError(reason)`."""
    try:
        yield
    except asyncio.CancelledError:
        raise
    except Exception as error:  # parsers raise whatever their splits and indices raise
        raise ValueError(reason) from error
