"""Which rung of the ladder the visit stands on, from what the kit measures. Pure: times are passed in.

Down soon, so that sound and values keep their room; up when it has been good for a while, and later after each try that
failed. Nothing is measured again on the way: every rung records the same, only what is sent at once differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from carebag_edge.live_port import PathQuality, VideoLimit
from carebag_wire.ladder import Rung, RungReason

DOWN_AFTER_S: Final = 3.0
"""A bad second is not a bad link."""
UP_AFTER_S: Final = 12.0
UP_AT_MOST_S: Final = 96.0
"""Between two tries to climb; doubled each time a try failed."""
FAILED_WITHIN_S: Final = 20.0
AWAY_AFTER_S: Final = 6.0
"""Longer than an address change or a restart of the browser takes."""
TELEPHONE_AFTER_S: Final = 45.0
SILENT_S: Final = 4.5
"""A page says something each second; after this much silence nothing arrives there either."""
SMALL_VIDEO_STEP: Final = 1
"""At this step and below (100 kbit/s, ten pictures a second), the picture is plainly smaller or slower."""
HEAVY_LOSS: Final = 0.2
LONG_DELAY_MS: Final = 900.0


@dataclass(frozen=True)
class Seen:
    """What the kit sees now."""

    hub: bool
    """Whether the hub answers."""
    doctors: int = 0
    """In the visit's room, as the hub told last."""
    paths: Sequence[PathQuality] = ()
    """To the doctors who are connected."""


@dataclass(frozen=True)
class Standing:
    rung: Rung
    why: RungReason
    since_s: float
    """Since when nobody is reached, where nobody is; else when this rung began."""

    @property
    def video(self) -> VideoLimit:
        """What the picture may take."""
        return _VIDEO[self.rung]


_VIDEO: Final[dict[Rung, VideoLimit]] = {
    "live": "full",
    "less_video": "full",  # the rate controller is already there
    "sound_and_vitals": "none",
    "store_and_forward": "full",  # for the moment the path comes back
    "telephone": "full",
}
_ORDER: Final[tuple[Rung, ...]] = ("live", "less_video", "sound_and_vitals", "store_and_forward", "telephone")


class Climber:
    """Feed `step` some times a second; it gives the rung, or None while there is nobody to be live with."""

    def __init__(self) -> None:
        self._standing: Standing | None = None
        self._away_s: float | None = None
        self._worse_s: float | None = None
        self._better_s: float | None = None
        self._wait_s = UP_AFTER_S
        self._rose_s = float("-inf")

    def step(self, now_s: float, seen: Seen) -> Standing | None:
        """Where the visit stands at `now_s`, a clock that only rises."""
        connected = [path for path in seen.paths if path.silent_s <= SILENT_S]
        if connected:
            self._away_s = None
            self._climb(now_s, _wanted(connected, self._standing))
        elif seen.hub and seen.doctors == 0:
            self._forget()
        else:
            self._away(now_s, "no_path" if seen.hub else "hub_away")
        return self._standing

    def _forget(self) -> None:
        self._standing = self._away_s = self._worse_s = self._better_s = None

    def _away(self, now_s: float, why: RungReason) -> None:
        """Nobody is reached: it is kept and sent later; after a while somebody should telephone."""
        self._worse_s = self._better_s = None
        if self._away_s is None:
            self._away_s = now_s
        away_s = now_s - self._away_s
        if away_s >= TELEPHONE_AFTER_S:
            self._stand(self._away_s, "telephone", why)
        elif away_s >= AWAY_AFTER_S:
            self._stand(self._away_s, "store_and_forward", why)

    def _climb(self, now_s: float, wanted: Rung) -> None:
        here = self._standing.rung if self._standing is not None else None
        if here is None or _ORDER.index(here) > _ORDER.index("sound_and_vitals"):
            # back from nothing: at once, and never higher than what is measured
            self._stand(now_s, wanted, _why(wanted))
            self._worse_s = self._better_s = None
        elif _ORDER.index(wanted) > _ORDER.index(here):
            self._better_s = None
            self._worse_s = now_s if self._worse_s is None else self._worse_s
            if now_s - self._worse_s >= DOWN_AFTER_S:
                self._fall(now_s, wanted)
        elif wanted != here:
            self._worse_s = None
            self._better_s = now_s if self._better_s is None else self._better_s
            if now_s - self._better_s >= (self._wait_s if here == "sound_and_vitals" else DOWN_AFTER_S):
                self._rise(now_s, wanted)
        else:
            self._worse_s = self._better_s = None

    def _fall(self, now_s: float, wanted: Rung) -> None:
        tried = now_s - self._rose_s <= FAILED_WITHIN_S
        if wanted == "sound_and_vitals":
            self._wait_s = min(self._wait_s * 2, UP_AT_MOST_S) if tried else UP_AFTER_S
        self._worse_s = None
        self._stand(now_s, wanted, _why(wanted))

    def _rise(self, now_s: float, wanted: Rung) -> None:
        """The picture is tried small first: whether there is room is seen only by sending it."""
        if self._standing is not None and self._standing.rung == "sound_and_vitals":
            wanted, self._rose_s = "less_video", now_s
        self._better_s = None
        self._stand(now_s, wanted, _why(wanted))

    def _stand(self, since_s: float, rung: Rung, why: RungReason) -> None:
        here = self._standing
        if here is None or here.rung != rung or here.why != why:
            self._standing = Standing(rung, why, since_s)


def _why(rung: Rung) -> RungReason:
    return "" if rung == "live" else "little_room"


def _wanted(paths: Sequence[PathQuality], standing: Standing | None) -> Rung:
    """What the best path to a doctor could carry: a guest's bad link takes nothing from the doctor's."""
    return min((_carried(path, standing) for path in paths), key=_ORDER.index)


def _carried(path: PathQuality, standing: Standing | None) -> Rung:
    bad = path.loss > HEAVY_LOSS or (path.rtt_ms or 0.0) > LONG_DELAY_MS
    if standing is not None and standing.rung == "sound_and_vitals":
        return "sound_and_vitals" if bad else "less_video"
    if bad and path.video_step <= 0:
        return "sound_and_vitals"
    return "less_video" if path.video_step <= SMALL_VIDEO_STEP else "live"
