"""`carebag kit --media`: which engine, and words where it cannot be."""

import sys

import pytest

from carebag.kit import _engine
from carebag_edge.live.aiortc_peer import AiortcPeer


def test_aiortc_is_the_one_in_use() -> None:
    assert _engine("aiortc", relay_only=True) is AiortcPeer


def test_an_engine_that_is_not_installed_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webrtc", None)
    monkeypatch.delitem(sys.modules, "carebag_edge.live.wrtc_peer", raising=False)
    with pytest.raises(SystemExit, match=r"carebag\[wrtc\]"):
        _engine("wrtc", relay_only=False)


def test_an_engine_that_cannot_be_held_to_a_relay_is_refused() -> None:
    with pytest.raises(SystemExit, match="cannot be held to a relay"):
        _engine("wrtc", relay_only=True)
