"""The pairing guide's logic: what was heard in the minute that the nurse looks for an instrument. Pure: time comes in.

idle ──start──▶ searching ──choose──▶ pairing ⇄ passkey
  ▲                 │ the window closes     │
  └─stop── failed ◀─┴───────────────────────┴──▶ done
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from carebag_devices.catalog import Model
from carebag_devices.events import Found, Kind, PairingChanged
from carebag_devices.link import Advert

WINDOW_S = 60.0
STRONG_DBM, FAIR_DBM = -62, -80
"""About an arm's length; about a room. Our choice: received power depends on hands and pockets."""


@dataclass(frozen=True)
class Heard:
    """One instrument of the kind that is looked for."""

    advert: Advert
    model: Model
    known: bool

    def found(self) -> Found:
        rssi = self.advert.rssi
        strength = (
            "fair" if rssi is None or FAIR_DBM <= rssi < STRONG_DBM else "strong" if rssi >= STRONG_DBM else "weak"
        )
        name = self.advert.name or self.model.name
        return Found(
            id=self.advert.address,
            name=name,
            model=self.model.key,
            signal=strength,  # type: ignore[arg-type]
            inviting=self.advert.limited,
            known=self.known,
            press=self.model.invites_by or "",
        )


class PairingDesk:
    """Every method that changes something tells it."""

    def __init__(self, tell: Callable[[PairingChanged], object], monotonic: Callable[[], float]) -> None:
        self._tell, self._monotonic = tell, monotonic
        self._until = 0.0
        self._heard: dict[str, Heard] = {}
        self.now = PairingChanged("idle")

    @property
    def chosen(self) -> str:
        """The instrument that is being paired; empty when none is."""
        return self.now.device_id if self.now.stage in ("pairing", "passkey") else ""

    @property
    def open(self) -> bool:
        """Whether something may still be chosen or pair."""
        return self.now.stage in ("searching", "pairing", "passkey") and self._monotonic() < self._until

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - self._monotonic())

    def start(self, kind: Kind, window_s: float = WINDOW_S) -> None:
        self._heard.clear()
        self._until = self._monotonic() + window_s
        self._enter(PairingChanged("searching", kind))

    def heard(self, advert: Advert, model: Model, *, known: bool) -> None:
        """An advertisement of a catalogued device; others of its kind are what the nurse looks for."""
        if not self.open or model.kind != self.now.kind:
            return
        heard, before = Heard(advert, model, known), self._heard.get(advert.address)
        self._heard[advert.address] = heard
        if before is None or before.found() != heard.found():
            self._enter(self.now)

    def choose(self, device_id: str) -> Heard | None:
        """The nurse points at one of the found; None when there is nothing to pair with."""
        chosen = self._heard.get(device_id)
        if not self.open or chosen is None:
            if self.now.stage == "searching":
                self.fail("too_late" if chosen else "not_found")
            return None
        if chosen.model.driver == "private":
            self.fail("private_protocol")
            return None
        self._enter(replace(self.now, stage="pairing", device_id=device_id, problem=None))
        return chosen

    def ask_passkey(self, device_id: str) -> bool:
        """The instrument shows a number; False when it is not the one that is being paired."""
        if device_id != self.chosen or not self.open:
            return False
        self._enter(replace(self.now, stage="passkey"))
        return True

    def passkey_given(self) -> None:
        if self.now.stage == "passkey":
            self._enter(replace(self.now, stage="pairing"))

    def succeed(self, device_id: str) -> None:
        if device_id == self.chosen:
            self._enter(replace(self.now, stage="done", problem=None))

    def fail(self, problem: str) -> None:
        if self.now.stage in ("searching", "pairing", "passkey"):
            self._enter(replace(self.now, stage="failed", problem=problem))

    def window_closed(self) -> None:
        """Call when `seconds_left` has run out."""
        if self.seconds_left == 0:
            self.fail("not_found" if self.now.stage == "searching" and not self._heard else "too_late")

    def stop(self) -> None:
        self._heard.clear()
        self._until = 0.0
        self._enter(PairingChanged("idle"))

    def _enter(self, news: PairingChanged) -> None:
        found = sorted(self._heard.values(), key=_likeliest_first) if news.stage != "idle" else []
        self.now = replace(news, seconds_left=self.seconds_left, found=tuple(one.found() for one in found))
        self._tell(self.now)


def _likeliest_first(heard: Heard) -> tuple[bool, bool, int]:
    return (not heard.advert.limited, heard.known, -(heard.advert.rssi if heard.advert.rssi is not None else -70))
