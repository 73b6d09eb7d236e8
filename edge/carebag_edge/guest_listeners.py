"""Which guests see and hear the examination: those with a host's word, in the places that the doctors leave. Pure."""

from collections.abc import Sequence

from carebag_edge.live_port import MAX_VIEWERS
from carebag_wire.visit import VisitSnapshot


def guests_served(snapshot: VisitSnapshot | None, before: Sequence[str]) -> list[str]:
    """Participant ids of guests to send picture and monitor sound to.

    Args:
        snapshot: the open visit; None without one.
        before: who was served until now: they keep their places while there are any; then who was invited first.
    """
    if snapshot is None:
        return []
    here = {one.id for one in snapshot.participants if one.role == "guest"}
    doctors = sum(one.role == "doctor" for one in snapshot.participants)
    places = {one: place for place, one in enumerate(before)}
    wanted = sorted((one for one in _allowed(snapshot) if one in here), key=lambda one: places.get(one, len(before)))
    return wanted[: max(0, MAX_VIEWERS - doctors)]


def word_taken_back(snapshot: VisitSnapshot | None, served: Sequence[str]) -> bool:
    """Whether one of these guests has no host's word any more, be the guest here or not."""
    return snapshot is None or not set(served) <= set(_allowed(snapshot))


def _allowed(snapshot: VisitSnapshot) -> list[str]:
    return [f"guest:{one.id}" for one in snapshot.guests if one.state == "admitted" and one.examination]
