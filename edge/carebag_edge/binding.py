"""Whom a record is about: decided when it is taken, never derived again. Pure: no clock, no storage.

A value belongs to the visit that was open when it was *measured*, never to the one that is open when it arrives.

- Watched: its measurement was seen to begin. A CRP takes minutes; if the nurse closed one visit and opened the next
  meanwhile, the result is still the first patient's.
- From a memory, or unwatched, with a known age: it belongs to a visit if by both of the kit's clocks, and with all of
  the uncertainty, it was taken between that visit's opening and its closing.
- Everything else belongs to nobody here: visit None, the unassigned tray, where a person decides.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from carebag_wire.base import Utc
from carebag_wire.values import Binding, Circumstances
from carebag_wire.visit import RequestKind

UNKNOWN = Circumstances()
REMEMBERED_VISITS = 20
"""So many closed visits may still get a late value: more than a day's work."""


class Moment(BaseModel):
    """One moment on both of the kit's clocks."""

    model_config = ConfigDict(frozen=True)

    utc: Utc
    ns: int | None = None
    """Monotonic; None in what an older program wrote."""


@dataclass(frozen=True)
class Age:
    """How old a value is, and how far that may be off either way, in seconds."""

    seconds: float
    uncertainty_s: float

    @classmethod
    def known(cls, seconds: float | None, uncertainty_s: float | None) -> "Age | None":
        """None for what is no age: not told, no number, or of a moment that is still to come."""
        if seconds is None or uncertainty_s is None or not (math.isfinite(seconds) and math.isfinite(uncertainty_s)):
            return None
        return cls(seconds, uncertainty_s) if uncertainty_s >= 0 and seconds + uncertainty_s >= 0 else None


class Hand(BaseModel):
    """A nurse who held the visit, until a colleague took it over."""

    model_config = ConfigDict(frozen=True)

    nurse_id: UUID
    until: Moment


class OpenVisit(BaseModel):
    """The visit that is open on this kit; survives a restart as JSON."""

    model_config = ConfigDict(frozen=True)

    visit_id: UUID
    patient_id: UUID
    nurse_id: UUID
    """Practitioner who opened it."""
    opened_at: Utc
    opened_ns: int | None = None
    holder_id: UUID | None = None
    """Practitioner who took it over last; None: nobody did."""
    hands: tuple[Hand, ...] = ()
    """Who held it before, the first first."""

    @property
    def nurse_now(self) -> UUID:
        return self.holder_id or self.nurse_id

    def taken_over(self, nurse_id: UUID, at: Moment) -> "OpenVisit":
        hands = (*self.hands, Hand(nurse_id=self.nurse_now, until=at))
        return self.model_copy(update={"holder_id": nurse_id, "hands": hands})

    @property
    def opened(self) -> Moment:
        return Moment(utc=self.opened_at, ns=self.opened_ns)


class Armed(BaseModel):
    """A request that the nurse began and that waits for its value."""

    model_config = ConfigDict(frozen=True)

    request_id: UUID
    visit_id: UUID
    kind: RequestKind
    circumstances: Circumstances = Circumstances()
    since: Moment | None = None
    """What was surely taken before does not answer it."""


class PastVisit(BaseModel):
    """A closed visit, for what was measured in it and comes late; survives a restart as JSON."""

    model_config = ConfigDict(frozen=True)

    visit: OpenVisit
    nurse_id: UUID
    """Who held the kit at its end."""
    closed: Moment
    armed: tuple[Armed, ...] = ()
    """What still waited for its value, with side and posture."""


@dataclass(frozen=True)
class Whom:
    """Visit, patient, nurse and request of one thing taken; all None: the unassigned tray."""

    visit_id: UUID | None = None
    patient_id: UUID | None = None
    nurse_id: UUID | None = None
    request_id: UUID | None = None
    circumstances: Circumstances = UNKNOWN
    """Side, posture, point: known only of what was asked for."""

    def binding(self, kit_id: UUID, kit_seq: int) -> Binding:
        return Binding(
            visit_id=self.visit_id,
            patient_id=self.patient_id,
            nurse_id=self.nurse_id,
            kit_id=kit_id,
            kit_seq=kit_seq,
            request_id=self.request_id,
        )


NOBODY = Whom()


@dataclass(frozen=True)
class _Began:
    """An instrument began to measure for somebody."""

    whom: Whom
    lost: bool = False
    """The link broke since; a value may come when it is back."""
    doubtful: bool = False
    """It came back ready without a value: its next one may be the old one or a new one."""


class Binder:
    """Knows the open visit and the last ones, what is armed, and in which visit each instrument began to measure."""

    def __init__(
        self, visit: OpenVisit | None = None, armed: Iterable[Armed] = (), past: Iterable[PastVisit] = ()
    ) -> None:
        self._visit = visit
        self._armed = {one.kind: one for one in armed}
        self._past = list(past)[-REMEMBERED_VISITS:]
        self._began: dict[str, _Began] = {}
        self.nurse_id: UUID | None = visit.nurse_now if visit else None
        """Practitioner who holds the visit now; a colleague may have taken it over from the one who opened it."""

    @property
    def visit(self) -> OpenVisit | None:
        return self._visit

    @property
    def armed(self) -> tuple[Armed, ...]:
        return tuple(self._armed.values())

    @property
    def past(self) -> tuple[PastVisit, ...]:
        """The last visits that were closed, the newest last."""
        return tuple(self._past)

    def open(self, visit: OpenVisit) -> None:
        """Raises: ValueError while another visit is open."""
        if self._visit is not None:
            raise ValueError("a visit is open")
        self._visit = visit
        self.nurse_id = visit.nurse_now

    def take_over(self, visit: OpenVisit) -> None:
        """The open visit as `OpenVisit.taken_over` gave it. What began to measure before stays with who held it then.

        Raises: ValueError if it is not the open one.
        """
        if self._visit is None or self._visit.visit_id != visit.visit_id:
            raise ValueError("the visit is not open")
        self._visit, self.nurse_id = visit, visit.nurse_now

    def close(self, at: Moment) -> None:
        """From now on nothing belongs to it but what was measured, or began, before."""
        self._past = list(self.past_after(at))
        self._visit = None
        self._armed.clear()

    def past_after(self, at: Moment) -> tuple[PastVisit, ...]:
        """What `past` will be once the open visit is closed, so that it can be kept before."""
        if self._visit is None:
            return self.past
        nurse_id = self.nurse_id or self._visit.nurse_id
        closed = PastVisit(visit=self._visit, nurse_id=nurse_id, closed=at, armed=self.armed)
        return (*self._past, closed)[-REMEMBERED_VISITS:]

    def arm(self, armed: Armed) -> None:
        """The next value of its kind answers this request.

        Raises:
            ValueError: the request belongs to another visit than the open one.
        """
        if self._visit is None or armed.visit_id != self._visit.visit_id:
            raise ValueError("the request's visit is not open")
        self._armed[armed.kind] = armed

    def disarm(self, request_id: UUID) -> bool:
        """Answered, declined, cancelled; False if it was not armed."""
        kinds = [kind for kind, one in self._armed.items() if one.request_id == request_id]
        for kind in kinds:
            del self._armed[kind]
        before = self._past
        self._past = [_without(one, request_id) for one in before]
        return bool(kinds) or self._past != before

    def now(self) -> Whom:
        """Whom something belongs to that is taken this moment, asked for by nobody."""
        if self._visit is None:
            return NOBODY
        return Whom(self._visit.visit_id, self._visit.patient_id, self.nurse_id)

    def began(self, device_id: str) -> None:
        """The instrument began to measure: hold on to the visit of now. Again while it measures: no effect."""
        before = self._began.get(device_id)
        if before is None or before.doubtful:
            self._began[device_id] = _Began(self.now())

    def lost(self, device_id: str) -> None:
        """The link broke. If it was measuring, the value still belongs to the visit in which it began."""
        before = self._began.get(device_id)
        if before is not None:
            self._began[device_id] = replace(before, lost=True)

    def ended(self, device_id: str) -> None:
        """It stopped measuring, with a value or without."""
        before = self._began.pop(device_id, None)
        if before is not None and before.lost:
            self._began[device_id] = replace(before, doubtful=True)

    def is_measuring(self, device_id: str) -> bool:
        """Whether its measurement was seen to begin and nothing was lost since."""
        before = self._began.get(device_id)
        return before is not None and not before.lost and not before.doubtful

    def saw_begin(self, device_id: str) -> bool:
        """Whether its measurement was seen to begin, whatever happened to the link since."""
        return device_id in self._began

    def whom(self, kind: RequestKind, device_id: str = "") -> Whom:
        """Whom a watched value belongs to that arrives now, with the armed request of its kind and visit, if any."""
        began = self._began.pop(device_id, None)
        whom = began.whom if began else self.now()
        if began and began.doubtful and whom.visit_id != self.now().visit_id:
            whom = NOBODY
        return _asked(whom, self._waiting(whom.visit_id, kind))

    def whom_then(self, kind: RequestKind, arrived: Moment, age: Age | None) -> Whom:
        """Whom a value belongs to that nobody watched: the visit that was surely open when it was taken, or nobody."""
        if age is None:
            return NOBODY
        whom = self._then(arrived, age)
        armed = self._waiting(whom.visit_id, kind)
        if armed is None or armed.since is None or not _began_before(armed.since, arrived, age):
            return whom
        return _asked(whom, armed)

    def _then(self, arrived: Moment, age: Age) -> Whom:
        """The one visit; nobody where two meet in the very moment."""
        found = [
            Whom(past.visit.visit_id, past.visit.patient_id, _in_whose_hands(past.visit, past.nurse_id, arrived, age))
            for past in self._past
            if _began_before(past.visit.opened, arrived, age) and _ended_after(past.closed, arrived, age)
        ]
        if self._visit is not None and _began_before(self._visit.opened, arrived, age):
            now = self.now()
            found.append(replace(now, nurse_id=_in_whose_hands(self._visit, now.nurse_id, arrived, age)))
        return found[0] if len(found) == 1 else NOBODY

    def _waiting(self, visit_id: UUID | None, kind: RequestKind) -> Armed | None:
        """The armed request of this kind in this visit, which may be closed by now."""
        waiting = [*self.armed, *(one for past in reversed(self._past) for one in past.armed)]
        return next((one for one in waiting if one.visit_id == visit_id and one.kind == kind), None)


def _asked(whom: Whom, armed: Armed | None) -> Whom:
    return replace(whom, request_id=armed.request_id, circumstances=armed.circumstances) if armed else whom


def _in_whose_hands(visit: OpenVisit, last: UUID | None, arrived: Moment, age: Age) -> UUID | None:
    """Who held the visit when a value was taken; whoever held it last where that is not sure."""
    return next((hand.nurse_id for hand in visit.hands if _ended_after(hand.until, arrived, age)), last)


def _without(past: PastVisit, request_id: UUID) -> PastVisit:
    return past.model_copy(update={"armed": tuple(one for one in past.armed if one.request_id != request_id)})


def _began_before(at: Moment, arrived: Moment, age: Age) -> bool:
    """Whether a value was surely taken at `at` or later."""
    return all(since >= age.seconds + age.uncertainty_s for since in _since(at, arrived))


def _ended_after(at: Moment, arrived: Moment, age: Age) -> bool:
    """Whether a value was surely taken at `at` or before."""
    return all(since <= age.seconds - age.uncertainty_s for since in _since(at, arrived))


def _since(at: Moment, now: Moment) -> list[float]:
    """Seconds from `at` to `now` by each clock: the wall clock may have jumped, the other may have slept.

    A monotonic clock that is behind began anew when the machine did, and says nothing.
    """
    seconds = [(now.utc - at.utc).total_seconds()]
    if at.ns is not None and now.ns is not None and now.ns >= at.ns:
        seconds.append((now.ns - at.ns) / 1e9)
    return seconds
