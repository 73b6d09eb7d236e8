"""Whether what the doctor heard is what the kit recorded: two digests, in whichever order they arrive."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.relations import visible_visit
from carebag_server.tables import Finding, HeardRow
from carebag_server.visit_views import finding_of, part_of
from carebag_server.visits import act_on
from carebag_wire.api import HeardSound


def hear(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, heard: HeardSound) -> None:
    """Keep the digest of a live stream as the doctor's page received it; a later one of the same page replaces it.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    row = HeardRow(
        visit_id=visit.id,
        stream=heard.stream,
        practitioner_id=caller.person.practitioner_id,
        sha256=heard.sha256,
        samples=heard.samples,
        repaired=heard.repaired,
        missing=heard.missing,
        at=hub.now(),
    )
    session.merge(row)
    session.flush()
    append(session, caller.actor(), act_on(visit, "sound_heard", f"stream {heard.stream}"), hub.now())
    sounds = select(Finding).where(Finding.visit_id == visit.id, Finding.stream == heard.stream)
    for sound in session.scalars(sounds):
        announce_changed(session, visit, part_of(finding_of(session, sound)))
