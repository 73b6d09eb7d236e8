"""What the doctors listen to: only those in the open visit's room, the last word of each."""

from uuid import UUID

from carebag_edge.doctor_ears import DoctorEars
from carebag_wire.visit import DoctorHears

VISIT, OTHER = UUID(int=1), UUID(int=2)


def said(sender: str = "doctor:1", view: str = "bell", visit: UUID = VISIT) -> DoctorHears:
    return DoctorHears.model_validate({"visit_id": visit, "sender": sender, "source": "live", "view": view})


def test_the_last_word_of_each_doctor() -> None:
    ears = DoctorEars()
    assert ears.take(said(), VISIT, ["doctor:1", "doctor:2"])
    assert ears.take(said("doctor:2"), VISIT, ["doctor:1", "doctor:2"])
    assert ears.take(said(view="lung"), VISIT, ["doctor:1", "doctor:2"])
    assert not ears.take(said(view="lung"), VISIT, ["doctor:1", "doctor:2"])
    assert ears.shown == [said(view="lung"), said("doctor:2")]


def test_nothing_from_outside_the_room() -> None:
    ears = DoctorEars()
    assert not ears.take(said(), VISIT, ["doctor:2"])
    assert not ears.take(said(visit=OTHER), VISIT, ["doctor:1"])
    assert not ears.take(said(), None, [])
    assert ears.shown == []


def test_who_leaves_takes_it_along_and_so_does_another_visit() -> None:
    ears = DoctorEars()
    ears.take(said(), VISIT, ["doctor:1", "doctor:2"])
    ears.take(said("doctor:2"), VISIT, ["doctor:1", "doctor:2"])
    ears.present(VISIT, ["doctor:2"])
    assert ears.shown == [said("doctor:2")]
    ears.present(OTHER, ["doctor:2"])
    assert ears.shown == []
