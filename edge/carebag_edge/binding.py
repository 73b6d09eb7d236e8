"""Whom a record is about: decided when it is taken, never derived again. Pure: no clock, no storage.

A value belongs to the visit that was open when its measurement *began*. A CRP takes minutes; if the nurse closed one
visit and opened the next meanwhile, the result is still the first patient's. What a device had stored from before, and
what began while no visit was open, belongs to nobody here: visit None, the unassigned tray, where a person decides.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from carebag_wire.base import Utc
from carebag_wire.values import Binding, Circumstances, Provenance
from carebag_wire.visit import RequestKind

UNKNOWN = Circumstances()


class OpenVisit(BaseModel):
    """The visit that is open on this kit; survives a restart as JSON."""

    model_config = ConfigDict(frozen=True)

    visit_id: UUID
    patient_id: UUID
    nurse_id: UUID
    """Practitioner who opened it."""
    opened_at: Utc


class Armed(BaseModel):
    """A request that the nurse began and that waits for its value."""

    model_config = ConfigDict(frozen=True)

    request_id: UUID
    visit_id: UUID
    kind: RequestKind
    circumstances: Circumstances = Circumstances()


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
    """Knows the open visit, what is armed, and under which visit each instrument began to measure."""

    def __init__(self, visit: OpenVisit | None = None, armed: tuple[Armed, ...] = ()) -> None:
        self._visit = visit
        self._armed = {one.kind: one for one in armed}
        self._left: dict[tuple[UUID, RequestKind], Armed] = {}
        """Armed when its visit was closed: a value that began before still answers it, with its side and posture."""
        self._began: dict[str, _Began] = {}
        self.nurse_id: UUID | None = visit.nurse_id if visit else None
        """Practitioner who holds the kit now; a colleague may have taken over from the one who opened the visit."""

    @property
    def visit(self) -> OpenVisit | None:
        return self._visit

    @property
    def armed(self) -> tuple[Armed, ...]:
        return tuple(self._armed.values())

    def open(self, visit: OpenVisit) -> None:
        """Raises: ValueError while another visit is open."""
        if self._visit is not None:
            raise ValueError("a visit is open")
        self._visit = visit
        self.nurse_id = visit.nurse_id

    def close(self) -> None:
        """From now on nothing belongs to it but what began before."""
        self._left.update({(one.visit_id, one.kind): one for one in self.armed})
        self._visit = None
        self._armed.clear()

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
        self._left = {key: one for key, one in self._left.items() if one.request_id != request_id}
        return bool(kinds)

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

    def whom(self, kind: RequestKind, device_id: str = "", provenance: Provenance = "live") -> Whom:
        """Whom a value belongs to that arrives now; it carries the armed request of its kind and visit, if any."""
        if provenance == "stored":
            return NOBODY
        began = self._began.pop(device_id, None)
        whom = began.whom if began else self.now()
        if began and began.doubtful and whom.visit_id != self.now().visit_id:
            whom = NOBODY
        armed = self._armed.get(kind)
        if armed is None or whom.visit_id != armed.visit_id:
            armed = self._left.get((whom.visit_id, kind)) if whom.visit_id else None
        if armed is None:
            return whom
        return replace(whom, request_id=armed.request_id, circumstances=armed.circumstances)
