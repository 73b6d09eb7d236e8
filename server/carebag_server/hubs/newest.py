"""Which of several announcements of one object is the newest: hubs commit in one order and say so in another. Pure."""

import uuid
from collections import OrderedDict

from carebag_server.announcements import Announcement

KEPT = 20_000
"""Objects remembered, the latest; a hub that says something so much later has long been declared gone."""
_PARTS = ("visit", "request", "reading", "sound", "photo", "note", "mark", "guest", "premise", "news2")


class Newest:
    def __init__(self) -> None:
        self._orders: OrderedDict[tuple[uuid.UUID, str], int] = OrderedDict()

    def is_news(self, announcement: Announcement, order: int) -> bool:
        """Whether nothing newer was told of its object.

        Args:
            order: of the commit; 0 where there is one hub, which tells everything in its order.
        """
        if order == 0:
            return True
        key = _object(announcement)
        if order < self._orders.get(key, 0):
            return False
        self._orders[key] = order
        self._orders.move_to_end(key)
        if len(self._orders) > KEPT:
            self._orders.popitem(last=False)
        return True


def _object(announcement: Announcement) -> tuple[uuid.UUID, str]:
    changed = announcement.changed
    for part in _PARTS:
        value = getattr(changed, part)
        if value is not None:
            inner = getattr(value, part, value)  # of a view: the record in it
            return changed.visit_id, f"{part} {inner.id}"
    return changed.visit_id, ""
