"""The kit's part in the room: guests at the door, how good each link is, and what is done with the camera."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol
from uuid import UUID

from carebag_edge.bedside import Bedside
from carebag_edge.camera_port import CameraStopped, ExaminationCamera, Still
from carebag_edge.errors import NotSaved, Refused
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.live_port import LiveMedia, PathQuality
from carebag_edge.wording import as_code, short
from carebag_wire.base import Utc
from carebag_wire.guests import LinkQuality
from carebag_wire.image_strip import NotAnImage, strip
from carebag_wire.messages import CameraDo, LinkReport, Present
from carebag_wire.visit import CameraState

REPORT_EVERY_S = 3.0
WEAK_LOSS, BAD_LOSS = 0.03, 0.10
WEAK_RTT_MS, BAD_RTT_MS = 300.0, 600.0
SILENT_S = 4.0


class Owner(Protocol):
    """What the desk asks of the kit."""

    def journaled(self, code: str) -> None: ...

    def changed(self, code: str | None = None) -> None: ...

    def report_link(self, report: LinkReport) -> None:
        """Send a report to the hub; it may be lost."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...


class RoomDesk:
    """One for each kit; all methods on the event loop."""

    def __init__(self, owner: Owner, bedside: Bedside, live: LiveMedia, camera: ExaminationCamera, me: str) -> None:
        """`me` is the kit's own participant id."""
        self._owner, self._bedside, self._live, self._camera, self._me = owner, bedside, live, camera, me
        self.waiting: list[UUID] = []
        self._by = ""
        self._still_at: Utc | None = None
        self._held_in: UUID | None = None

    @property
    def camera(self) -> CameraState | None:
        """None without any camera."""
        names = self._camera.names
        if not names:
            return None
        held = self._camera.held
        return CameraState(
            names=[short(name) for name in names],
            chosen=self._camera.chosen,
            frozen_at=held.times.kit_utc if held else None,
            by=self._by,
            still_at=self._still_at,
        )

    def present(self, message: Present) -> None:
        self.waiting = message.waiting

    def work_camera(self, message: CameraDo, by: str = "") -> None:
        """Begin what a doctor (named in the message) or the nurse (`by`) wants; what comes of it is said in words."""
        visit = self._bedside.binder.visit
        if visit is None or visit.visit_id != message.visit_id:
            return
        self._owner.spawn(self._do(message, short(message.by or by), by_doctor=not by))

    def visit_changed(self) -> None:
        """A picture that was frozen in one home is not shown in the next."""
        visit = self._bedside.binder.visit
        if (visit.visit_id if visit else None) != self._held_in:
            self._camera.release()
            self._by, self._still_at = "", None
            self._held_in = visit.visit_id if visit else None

    async def _do(self, message: CameraDo, by: str, *, by_doctor: bool) -> None:
        try:
            code = await self._done(message, by_doctor=by_doctor)
        except (CameraStopped, Refused, NotAnImage) as problem:
            self._owner.changed(as_code(problem.code))
            return
        except (NotSaved, OSError, *DATABASE_ERRORS):
            self._owner.changed("not_saved")
            return
        self._by = by
        if message.act == "still":
            self._owner.journaled(code)
        else:
            self._owner.changed(code)

    async def _done(self, message: CameraDo, *, by_doctor: bool) -> str:
        if message.act == "choose":
            try:
                if message.camera is None:
                    raise IndexError
                self._camera.choose(message.camera)
            except IndexError:
                raise CameraStopped("unknown_camera") from None
            return "camera_chosen"
        if message.act == "freeze":
            await self._camera.freeze()
            return "camera_frozen"
        if message.act == "release":
            self._camera.release()
            return "camera_released"
        await self._keep(message.visit_id, await self._camera.still(), by_doctor=by_doctor)
        return "still_by_doctor" if by_doctor else "still_saved"

    async def _keep(self, visit_id: UUID, still: Still, *, by_doctor: bool) -> None:
        image = await asyncio.to_thread(strip, still.jpeg)
        camera = short(still.camera)
        self._bedside.keep_photo(visit_id, image, times=still.times, camera=camera, by_doctor=by_doctor)
        self._still_at = still.times.kit_utc

    async def run(self) -> None:
        """Until cancelled: say every few seconds how the kit's own link is."""
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            visit = self._bedside.binder.visit
            quality = quality_of(list(self._live.quality().values()))
            if visit is not None and quality is not None:
                self._owner.report_link(LinkReport(visit_id=visit.visit_id, participant=self._me, quality=quality))


def quality_of(paths: list[PathQuality]) -> LinkQuality | None:
    """The kit's own link in a word: the best of its paths, since what is wrong with one only is at its other end."""
    judged = [_judged(path) for path in paths]
    return min(judged, key=lambda one: (("good", "weak", "bad").index(one.word), one.loss_percent or 0), default=None)


def _judged(path: PathQuality) -> LinkQuality:
    word, why = _word(path.loss, path.rtt_ms or 0.0, path.silent_s)
    return LinkQuality.model_validate(
        {
            "word": word,
            "why": why,
            "loss_percent": round(min(1.0, max(0.0, path.loss)) * 100, 1),
            "rtt_ms": None if path.rtt_ms is None else round(path.rtt_ms),
            "kbit_s": max(0, round(path.send_kbps)),
        }
    )


def _word(loss: float, rtt_ms: float, silent_s: float) -> tuple[str, str]:
    if silent_s > SILENT_S:
        return "bad", "silent"
    if loss > BAD_LOSS or rtt_ms > BAD_RTT_MS:
        return "bad", "loss" if loss > BAD_LOSS else "delay"
    if loss > WEAK_LOSS or rtt_ms > WEAK_RTT_MS:
        return "weak", "loss" if loss > WEAK_LOSS else "delay"
    return "good", ""
