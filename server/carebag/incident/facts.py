"""What an incident's reports ask for and the hub knows: counted out of a part of the access log. Pure.

What each report holds: NIS2, directive (EU) 2022/2555, article 23(4) (in Sweden cybersäkerhetslagen 2025:1506); of
personal data besides GDPR, article 33.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from carebag_wire.api import AuditEvent

WARNING, NOTIFICATION, PERSONAL_DATA = timedelta(hours=24), timedelta(hours=72), timedelta(hours=72)
"""After it was known."""


@dataclass
class Facts:
    """Counted; lists in the order of their number."""

    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    patients: set[UUID] = field(default_factory=set)
    visits: set[UUID] = field(default_factory=set)
    acts: Counter[str] = field(default_factory=Counter)
    people: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Name (a nurse with her bag), role and unit → events."""
    origins: Counter[str] = field(default_factory=Counter)
    """Network address, or the machine of a command → events."""

    def take(self, event: AuditEvent) -> None:
        self.events += 1
        self.first = self.first or event.at
        self.last = event.at
        if event.patient_id is not None:
            self.patients.add(event.patient_id)
        if event.visit_id is not None:
            self.visits.add(event.visit_id)
        self.acts[event.action] += 1
        self.people[event.practitioner, event.role, event.care_unit] += 1
        self.origins[event.origin] += 1


def facts_of(events: Iterable[AuditEvent]) -> Facts:
    facts = Facts()
    for event in events:
        facts.take(event)
    return facts


@dataclass(frozen=True)
class Deadlines:
    """Until when what is due, after the moment in which it was known."""

    warning: datetime
    notification: datetime
    personal_data: datetime
    final: datetime


def deadlines_of(known: datetime) -> Deadlines:
    """The final report is due a month after the notification; here as if that were sent in its last hour."""
    notification = known + NOTIFICATION
    return Deadlines(known + WARNING, notification, known + PERSONAL_DATA, _a_month_after(notification))


def _a_month_after(moment: datetime) -> datetime:
    """The same day of the next month, or its last."""
    year, month = divmod(moment.year * 12 + moment.month, 12)
    for day in range(moment.day, 0, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError
