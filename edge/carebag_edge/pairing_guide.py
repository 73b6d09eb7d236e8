"""The search for a new instrument as the nurse's page shows it. Pure: time comes in."""

from datetime import datetime, timedelta

from carebag_devices.events import PairingChanged
from carebag_edge.wording import as_code, short
from carebag_wire.values import InstrumentKind
from carebag_wire.visit import Found, Pairing

END_SHOWN_NS = 60_000_000_000
"""So long the page says that it is paired, or why not."""
MOST_FOUND = 50


class PairingGuide:
    """What is shown now; None while nothing is searched for."""

    def __init__(self) -> None:
        self.shown: Pairing | None = None
        self._kind: InstrumentKind | None = None
        self._ended_ns: int | None = None

    def asked(self, kind: InstrumentKind) -> None:
        """The nurse looks for an instrument of this kind."""
        self._kind = kind

    def take(self, event: PairingChanged, now: datetime, monotonic_ns: int) -> None:
        self._kind = event.kind or self._kind
        if event.stage == "idle":
            if self._ended_ns is None:
                self.shown = None
            return
        if self._kind is None:
            return
        self._ended_ns = monotonic_ns if event.stage in ("done", "failed") else None
        self.shown = Pairing(
            stage=event.stage,
            kind=self._kind,
            until=now + timedelta(seconds=min(3600.0, max(0.0, event.seconds_left))),
            found=[
                Found(
                    id=short(one.id),
                    name=short(one.name),
                    signal=one.signal,
                    inviting=one.inviting,
                    known=one.known,
                    press=as_code(one.press) if one.press else None,
                )
                for one in event.found[:MOST_FOUND]
            ],
            device_id=short(event.device_id),
            problem=as_code(event.problem) if event.problem else None,
        )

    def stopped(self) -> None:
        """The nurse has seen how it ended, or ends it."""
        self.shown, self._ended_ns = None, None

    def tick(self, monotonic_ns: int) -> bool:
        """Time passed; whether something else is shown."""
        if self._ended_ns is None or monotonic_ns - self._ended_ns < END_SHOWN_NS:
            return False
        self.stopped()
        return True
