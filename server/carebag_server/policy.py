"""Who may read a visit, and on what ground: pure, with the clock passed in.

| who | reads | ground |
|---|---|---|
| a kit | the visits planned for it | `own_kit` |
| a reviewer | the visits of her own organization | `home` |
| a doctor | visits to which her organization is called, by an agreement with the one whose visit it is | `care` |
| the same | other visits of a patient to whom she is called, within her own care provider | `same_provider` |
| the same | those of another care provider | `consent` of the patient, or `emergency` |

A block (spärr) of the patient goes before all grounds of a doctor, emergencies too: then she may learn which care
provider has blocked, and that provider may lift the block. Sources: patientdatalagen 2008:355 ch. 4, lag 2022:913.

`relations.py` asks the store the same; `tests/server/test_policy.py` holds the two against each other.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Ground = Literal["own_kit", "home", "care", "same_provider", "consent", "emergency"]
CALLED_BEFORE = timedelta(hours=36)
"""How long before a planned visit its doctor may prepare: today and the next morning."""
CALLED_AFTER = timedelta(hours=72)
"""How long after a visit its paperwork is done, a weekend included; then it is documentation of the past."""
EMERGENCY = timedelta(minutes=60)


@dataclass(frozen=True)
class Period:
    """From `since` (included) to `until` or to when somebody ended it, whichever is first; None: open."""

    since: datetime
    until: datetime | None = None
    ended_at: datetime | None = None

    def lasts(self, now: datetime) -> bool:
        over = [end for end in (self.until, self.ended_at) if end is not None and end <= now]
        return self.since <= now and not over


@dataclass(frozen=True, kw_only=True)
class Asker:
    """A kit (`kit_id`), or a person in one commission."""

    role: str
    organization_id: uuid.UUID
    unit: str = ""
    commission_id: uuid.UUID | None = None
    kit_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Visit:
    id: uuid.UUID
    organization_id: uuid.UUID
    unit: str
    patient_id: uuid.UUID
    kit_id: uuid.UUID
    state: str
    scheduled_at: datetime
    closed_at: datetime | None = None

    def calls(self, now: datetime) -> bool:
        """Whether a doctor is called to it now: open, planned for about now, or closed so lately that work is left."""
        if self.state == "open":
            return True
        if self.state == "planned":
            return now - CALLED_AFTER < self.scheduled_at < now + CALLED_BEFORE
        return (self.closed_at or self.scheduled_at) > now - CALLED_AFTER


@dataclass(frozen=True)
class Agreement:
    home_organization_id: uuid.UUID
    doctor_organization_id: uuid.UUID
    period: Period


@dataclass(frozen=True)
class Block:
    organization_id: uuid.UUID
    unit: str
    covers_until: datetime | None
    period: Period

    def hides(self, visit: Visit, asker: Asker, now: datetime) -> bool:
        """From the asker: others than the provider, and if it is a unit's, others than the unit."""
        if not self.period.lasts(now) or visit.organization_id != self.organization_id:
            return False
        if self.unit and self.unit != visit.unit:
            return False
        if self.covers_until is not None and visit.scheduled_at >= self.covers_until:
            return False
        own = asker.organization_id == self.organization_id
        return not own or bool(self.unit and self.unit != asker.unit)


@dataclass(frozen=True)
class Consent:
    organization_id: uuid.UUID
    period: Period


@dataclass(frozen=True)
class Emergency:
    commission_id: uuid.UUID
    period: Period


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that the answer rests on: of one person, under every identity that is the same person now, and the
    agreements between organizations."""

    agreements: Sequence[Agreement] = ()
    blocks: Sequence[Block] = ()
    consents: Sequence[Consent] = ()
    emergencies: Sequence[Emergency] = ()
    visits: Sequence[Visit] = ()


def ground(asker: Asker, visit: Visit, known: Known, now: datetime) -> Ground | Literal["blocked"] | None:
    """Why the asker may read the visit.

    Returns:
        None: it is as if it were not there. `blocked`: the same, but a doctor who is called to the patient may know
        that there is something.
    """
    if asker.kit_id is not None:
        return "own_kit" if visit.kit_id == asker.kit_id else None
    if asker.role == "reviewer":
        return "home" if visit.organization_id == asker.organization_id else None
    if asker.role != "doctor" or not _agreed(asker, visit, known, now):
        return None
    hidden = _hidden(asker, visit, known, now)
    if visit.calls(now) and not hidden:
        return "care"
    if not any(_called(asker, one, known, now) for one in known.visits):
        return None
    return "blocked" if hidden else _ground_of_the_past(asker, visit, known, now)


def _ground_of_the_past(asker: Asker, visit: Visit, known: Known, now: datetime) -> Ground | None:
    if visit.organization_id == asker.organization_id:
        return "same_provider"
    if any(one.organization_id == asker.organization_id and one.period.lasts(now) for one in known.consents):
        return "consent"
    if any(one.commission_id == asker.commission_id and one.period.lasts(now) for one in known.emergencies):
        return "emergency"
    return None


def _called(asker: Asker, visit: Visit, known: Known, now: datetime) -> bool:
    return visit.calls(now) and _agreed(asker, visit, known, now) and not _hidden(asker, visit, known, now)


def _agreed(asker: Asker, visit: Visit, known: Known, now: datetime) -> bool:
    return any(
        one.home_organization_id == visit.organization_id
        and one.doctor_organization_id == asker.organization_id
        and one.period.lasts(now)
        for one in known.agreements
    )


def _hidden(asker: Asker, visit: Visit, known: Known, now: datetime) -> bool:
    return any(one.hides(visit, asker, now) for one in known.blocks)
