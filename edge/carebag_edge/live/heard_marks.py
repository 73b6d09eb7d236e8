"""S1 and S2 of the stream of now, for pages that missed the message that told them. No network.

The channel of live states loses messages; samples that are lost with them are repaired, and their marks must be too. So
each state says the marks of the last seconds again, and what a page asks for as samples it gets as marks as well.
"""

from typing import Literal

from carebag_wire.visit import ListeningState

AGAIN_S = 3.0
"""How far back each state tells marks again: a dozen bytes each, two or three a second."""
MOST = 400
"""In one message: about two minutes."""


class HeardMarks:
    """What was told of one stream; another one's state begins anew."""

    def __init__(self) -> None:
        self._state: ListeningState | None = None
        self._marks: dict[int, tuple[int, Literal["S1", "S2"]]] = {}

    def take(self, state: ListeningState) -> ListeningState:
        """Keep what a state tells. Returns it with the marks of the seconds before."""
        if self._state is None or self._state.stream != state.stream:
            self._marks = {}
        self._state = state
        self._marks.update((mark[0], mark) for mark in state.sound_marks)
        return self._with(round(state.samples - AGAIN_S * state.rate_hz), None) or state

    def all(self) -> ListeningState | None:
        """The state of now with all marks, for a page that comes; None before the first."""
        return self._with(0, None)

    def between(self, stream: int, first: int, end: int) -> ListeningState | None:
        """The state of now with the marks from sample `first` on and before `end`; None where there are none."""
        state = self._with(first, end) if self._state is not None and self._state.stream == stream else None
        return state if state is not None and state.sound_marks else None

    def _with(self, first: int, end: int | None) -> ListeningState | None:
        if self._state is None:
            return None
        marks = [mark for at, mark in sorted(self._marks.items()) if at >= first and (end is None or at < end)]
        return self._state.model_copy(update={"sound_marks": marks[-MOST:]})
