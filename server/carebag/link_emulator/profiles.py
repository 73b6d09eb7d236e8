"""The links that the live visit is measured on. `up` is from the kit to the doctor."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from carebag.link_emulator.model import Outage, Way

HANDOVER_GAP_S = 1.0
"""Between the old address and the new one there is none, as between Wi-Fi and 4G."""


RECOVER_S = 6.0


@dataclass(frozen=True)
class Profile:
    """A link with what befalls it. Times count from the moment the measuring begins.

    Args:
        outages: windows in which nothing passes, either way.
        handovers: seconds at which the kit's address goes; another comes `HANDOVER_GAP_S` later.
        shortest_s: how long a run must be for all of that to happen and be recovered from.
    """

    name: str
    what: str
    up: Way
    down: Way
    outages: tuple[Outage, ...] = ()
    handovers: tuple[float, ...] = ()
    shortest_s: float = 20.0

    @property
    def one_way_ms(self) -> float:
        """Kit to doctor, without queueing."""
        return self.up.delay_ms

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Profile":
        """What `asdict` gave, back again."""
        return cls(
            **{
                **data,
                "up": Way(**data["up"]),
                "down": Way(**data["down"]),
                "outages": tuple(Outage(**one) for one in data["outages"]),
                "handovers": tuple(data["handovers"]),
            }
        )

    def during(self, seconds: float) -> "Profile":
        """With only what can befall a run of `seconds` and leaves it time to recover in."""
        return replace(
            self,
            outages=tuple(one for one in self.outages if one.end_s + RECOVER_S <= seconds),
            handovers=tuple(at for at in self.handovers if at + HANDOVER_GAP_S + RECOVER_S <= seconds),
        )

    def to_data(self) -> dict[str, Any]:
        return asdict(self)


def _same(name: str, what: str, way: Way) -> Profile:
    return Profile(name, what, way, way)


def _every(period_s: float, first_s: float, until_s: float) -> list[float]:
    found = []
    while first_s < until_s:
        found.append(first_s)
        first_s += period_s
    return found


_FIRST_S, _UNTIL_S = 8.0, 3600.0

PROFILES: dict[str, Profile] = {
    one.name: one
    for one in (
        _same("clean", "40 ms each way, ±5 ms", Way()),
        Profile(
            "rural-4g",
            "60 ms each way, ±20 ms, 1 % loss in runs of 2, 2 Mbit/s up, 8 Mbit/s down, 0.4 s out every 20 s",
            Way(60, 20, 0.01, 2, 2000),
            Way(60, 20, 0.01, 2, 8000),
            outages=tuple(Outage(at, 0.4) for at in _every(20, _FIRST_S, _UNTIL_S)),
        ),
        _same("loss-5", "40 ms each way, ±5 ms, 5 % loss", Way(loss=0.05)),
        _same("loss-10", "40 ms each way, ±5 ms, 10 % loss", Way(loss=0.10)),
        _same("bursts", "40 ms each way, ±5 ms, 5 % loss in runs of 4", Way(loss=0.05, burst=4)),
        Profile(
            "outage-8s",
            "40 ms each way, ±5 ms, nothing for 8 s every 25 s",
            Way(),
            Way(),
            outages=tuple(Outage(at, 8.0) for at in _every(25, _FIRST_S, _UNTIL_S)),
            shortest_s=25,
        ),
        Profile(
            "handover",
            "40 ms each way, ±5 ms, the kit gets a new address every 15 s, after 1 s without any",
            Way(),
            Way(),
            handovers=tuple(_every(15, _FIRST_S, _UNTIL_S)),
            shortest_s=20,
        ),
        _same("1mbit", "40 ms each way, ±5 ms, 1 Mbit/s with 300 ms of queue", Way(rate_kbit=1000)),
        _same("500kbit", "40 ms each way, ±5 ms, 500 kbit/s with 300 ms of queue", Way(rate_kbit=500)),
    )
}
