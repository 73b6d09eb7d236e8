"""The kit's part in the room: links in words, and what doctor and nurse do with the examination camera."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from carebag_edge.camera_port import CameraStopped, NoExaminationCamera, Still
from carebag_edge.live_port import PathQuality
from carebag_edge.room_desk import RoomDesk, quality_of
from carebag_wire.messages import CameraDo, Present
from carebag_wire.values import Times

VISIT, OTHER = uuid4(), uuid4()
TAKEN = Times(kit_monotonic_ns=7, kit_utc="2026-11-26T09:00:00Z")  # type: ignore[arg-type]
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes([1] * 64)
JPEG += bytes.fromhex("ffc0000b080002000301011100ffc4001400010000000000000000000000000000000aff")
JPEG += bytes.fromhex("da0008010100003f0037ffd9")


def path(**changes: Any) -> PathQuality:
    usual = {"rtt_ms": 80, "loss": 0.0, "send_kbps": 500, "video_step": 4, "video_fps": 15, "silent_s": 0.2}
    return PathQuality(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "word", "why"),
    [
        ({}, "good", ""),
        ({"rtt_ms": None}, "good", ""),
        ({"loss": 0.04}, "weak", "loss"),
        ({"loss": 0.11}, "bad", "loss"),
        ({"rtt_ms": 301}, "weak", "delay"),
        ({"rtt_ms": 601, "loss": 0.04}, "bad", "delay"),
        ({"silent_s": 5}, "bad", "silent"),
        ({"loss": 1.7}, "bad", "loss"),
    ],
)
def test_a_path_in_words(changes: dict[str, Any], word: str, why: str) -> None:
    quality = quality_of([path(**changes)])
    assert quality is not None
    assert (quality.word, quality.why) == (word, why)


def test_the_best_path_is_the_kits_own() -> None:
    quality = quality_of([path(loss=0.2), path(loss=0.01)])
    assert quality is not None
    assert (quality.word, quality.loss_percent) == ("good", 1.0)
    assert quality_of([]) is None


class Eye(NoExaminationCamera):
    """Two cameras that give the same picture."""

    names = ["near", "far"]  # noqa: RUF012

    def choose(self, place: int) -> None:
        if place > 1:
            raise IndexError(place)
        self.chosen, self.held = place, None

    async def still(self) -> Still:
        return self.held or Still(JPEG, TAKEN, self.names[self.chosen])

    async def freeze(self) -> Still:
        self.held = await self.still()
        return self.held

    def release(self) -> None:
        self.held = None


class Kit:
    """What the desk asks of the kit and of its visit, noted."""

    def __init__(self, visit_id: UUID | None = VISIT) -> None:
        self.binder = self
        self.visit: Any = None if visit_id is None else type("Open", (), {"visit_id": visit_id})()
        self.said: list[str | None] = []
        self.kept: list[tuple[UUID, Times, str]] = []
        self.by_doctor: list[bool] = []
        self.jobs: list[Any] = []

    def keep_photo(self, visit_id: UUID, image: Any, *, times: Times, camera: str, by_doctor: bool) -> None:
        assert image.media_type == "image/jpeg"
        self.kept.append((visit_id, times, camera))
        self.by_doctor.append(by_doctor)

    def journaled(self, code: str) -> None:
        self.said.append(code)

    changed = journaled

    def report_link(self, report: Any) -> None: ...

    def spawn(self, work: Any) -> None:
        self.jobs.append(work)

    async def settle(self) -> None:
        while self.jobs:
            await self.jobs.pop(0)


def desk_of(kit: Kit, eye: Any) -> RoomDesk:
    desk = RoomDesk(kit, kit, kit, eye, "kit:1")  # type: ignore[arg-type]
    desk.visit_changed()
    return desk


def do(act: str, visit_id: UUID = VISIT, **more: Any) -> CameraDo:
    return CameraDo.model_validate({"visit_id": visit_id, "act": act, **more})


async def test_a_doctor_freezes_and_takes_that_very_picture_with_its_own_time() -> None:
    kit, eye = Kit(), Eye()
    desk = desk_of(kit, eye)
    desk.work_camera(do("choose", camera=1, by="Elena"))
    desk.work_camera(do("freeze", by="Elena"))
    await kit.settle()
    assert desk.camera is not None
    assert (desk.camera.chosen, desk.camera.frozen_at, desk.camera.by) == (1, TAKEN.kit_utc, "Elena")
    desk.work_camera(do("still", by="Elena"))
    await kit.settle()
    assert (kit.kept, kit.by_doctor) == ([(VISIT, TAKEN, "far")], [True])
    assert kit.said == ["camera_chosen", "camera_frozen", "still_by_doctor"]
    assert desk.camera.still_at == TAKEN.kit_utc


async def test_the_nurse_does_the_same_and_is_told_so() -> None:
    kit = Kit()
    desk = desk_of(kit, Eye())
    desk.work_camera(do("still"), "Anna")
    await kit.settle()
    assert (kit.said, kit.by_doctor) == (["still_saved"], [False])


async def test_nothing_is_done_for_another_visit_and_a_frozen_picture_stays_behind() -> None:
    kit, eye = Kit(), Eye()
    desk = desk_of(kit, eye)
    desk.work_camera(do("still", OTHER))
    assert kit.jobs == []
    await eye.freeze()
    kit.visit = type("Open", (), {"visit_id": OTHER})()
    desk.visit_changed()
    assert eye.held is None


@pytest.mark.parametrize(
    ("act", "code"),
    [(do("choose", camera=9), "unknown_camera"), (do("still"), "camera_off"), (do("freeze"), "camera_off")],
)
async def test_what_cannot_be_done_is_said_in_a_word(act: CameraDo, code: str) -> None:
    kit = Kit()
    desk = desk_of(kit, NoExaminationCamera())
    assert desk.camera is None
    desk.work_camera(act)
    await kit.settle()
    assert kit.said == [code]
    assert kit.kept == []


async def test_who_waits_at_the_door() -> None:
    desk, guest = desk_of(Kit(), Eye()), uuid4()
    desk.present(Present(visit_id=VISIT, participants=[], kit_online=True, waiting=[guest]))
    assert desk.waiting == [guest]


def test_a_camera_that_stopped_has_a_code() -> None:
    assert CameraStopped("camera_busy").code == "camera_busy"
