"""Of two changes of one object only the newer one is told, in whichever order hubs say them."""

import uuid
from datetime import UTC, datetime

from carebag_server.announcements import Announcement
from carebag_server.hubs import newest
from carebag_server.hubs.newest import Newest
from carebag_wire.messages import Changed
from carebag_wire.visit import Note

KIT, VISIT = uuid.UUID(int=1), uuid.UUID(int=2)


def change(note: int, visit: uuid.UUID = VISIT) -> Announcement:
    written = Note(
        id=uuid.UUID(int=note),
        visit_id=visit,
        version=1,
        assessment="",
        plan="",
        state="draft",
        author="",
        changed_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    return Announcement(Changed(visit_id=visit, note=written), KIT)


def test_what_is_older_than_what_was_told_is_not_told() -> None:
    told = Newest()
    assert [told.is_news(change(5), order) for order in (10, 12, 11, 12, 13)] == [True, True, False, True, True]


def test_objects_do_not_stand_in_each_others_way() -> None:
    told = Newest()
    assert told.is_news(change(5), 12)
    assert told.is_news(change(6), 11)
    assert told.is_news(change(5, uuid.UUID(int=3)), 11)


def test_one_hub_tells_everything_in_its_order() -> None:
    told = Newest()
    assert all(told.is_news(change(5), 0) for _ in range(3))


def test_only_the_latest_objects_are_remembered() -> None:
    assert newest.KEPT >= 1000
    told = Newest()
    for note in range(newest.KEPT + 10):
        told.is_news(change(note), 10)
    assert len(told._orders) == newest.KEPT
