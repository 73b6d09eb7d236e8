"""What each doctor in the room listens to now, as their pages said last. Pure; nothing of it is kept."""

from collections.abc import Iterable
from uuid import UUID

from carebag_wire.visit import DoctorHears


class DoctorEars:
    """One word for each doctor; who leaves, or another visit, takes it along."""

    def __init__(self) -> None:
        self._said: dict[str, DoctorHears] = {}

    @property
    def shown(self) -> list[DoctorHears]:
        return list(self._said.values())

    def take(self, message: DoctorHears, open_visit: UUID | None, doctors: Iterable[str]) -> bool:
        """Whether this is news; a word from outside the open visit's room is none."""
        if message.visit_id != open_visit or message.sender not in set(doctors):
            return False
        news = self._said.get(message.sender) != message
        self._said[message.sender] = message
        return news

    def present(self, open_visit: UUID | None, doctors: Iterable[str]) -> None:
        """Forget who is not in the open visit's room any more."""
        here = set(doctors)
        self._said = {
            sender: said for sender, said in self._said.items() if sender in here and said.visit_id == open_visit
        }
