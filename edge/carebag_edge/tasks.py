"""What the doctor asks for, from the nurse's side: begun, declined, and which instrument waits for which request."""

from uuid import UUID

from carebag_edge.bedside import Bedside
from carebag_edge.binding import Armed
from carebag_edge.clock import Clock
from carebag_edge.errors import Refused
from carebag_edge.visits import OVER
from carebag_wire.base import uuid7
from carebag_wire.messages import Changed, KitVisits
from carebag_wire.records import RequestProgressed
from carebag_wire.visit import Request


class Tasks:
    """The requests of the open visit."""

    def __init__(self, bedside: Bedside, clock: Clock) -> None:
        self._bedside = bedside
        self._clock = clock

    def find(self, request_id: UUID) -> Request:
        """Raises: Refused: `visit_not_open`, `unknown_request`, `request_over`."""
        snapshot = self._bedside.open_snapshot(None)
        if snapshot is None:
            raise Refused("visit_not_open")
        request = next((one for one in snapshot.requests if one.id == request_id), None)
        if request is None:
            raise Refused("unknown_request")
        if request.state in OVER:
            raise Refused("request_over")
        return request

    def start(self, request_id: UUID) -> Request:
        """The nurse began: from now on the next value of this kind answers it. Again: it is only armed again."""
        request = self.find(request_id)
        binder = self._bedside.binder
        binder.arm(
            Armed(
                request_id=request.id,
                visit_id=request.visit_id,
                kind=request.kind,
                circumstances=request.circumstances,
                since=self._clock.moment(),
            )
        )
        with self._bedside.journal.transaction():
            if request.state == "asked":
                self._progressed(request, "started", "")
            self._bedside.save_armed()
        self._bedside.refresh()
        return request

    def decline(self, request_id: UUID, reason: str) -> None:
        """The nurse will not or cannot do it, and says why. Raises: Refused: also `reason_missing`."""
        request = self.find(request_id)
        if not reason.strip():
            raise Refused("reason_missing")
        with self._bedside.journal.transaction():
            self._progressed(request, "declined", reason.strip())
            self._bedside.answered(request.id)
        self._bedside.refresh()

    def hub_said(self, message: KitVisits | Changed) -> None:
        """What the doctor cancelled or the hub knows to be over waits for nothing any more."""
        requests = (
            [message.request] if isinstance(message, Changed) else [r for v in message.visits for r in v.requests]
        )
        for request in requests:
            if request is not None and request.state in OVER:
                self._bedside.answered(request.id)

    def _progressed(self, request: Request, state: str, reason: str) -> None:
        whom, times, journal = self._bedside.binder.now(), self._clock.times(), self._bedside.journal
        journal.append(
            lambda kit_seq: RequestProgressed.model_validate(
                {
                    "id": uuid7(self._clock.unix_ms()),
                    "binding": whom.binding(journal.key.kit_id, kit_seq).model_copy(update={"request_id": request.id}),
                    "times": times,
                    "state": state,
                    "reason": reason,
                }
            )
        )
