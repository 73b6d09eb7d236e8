"""What opens nothing any more goes a month later; what still does, and what ended lately, stays."""

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from carebag_server.short_lived import CHALLENGE_KEPT, EXPIRING, KEPT, sweep
from carebag_server.tables import Base, LoginLink, NurseSignIn, PasskeyChallenge, SignedIn

GROWING = {"login_link", "nurse_sign_in", "passkey_challenge", "passkey_link", "kit_code", "signed_in"}


def test_links_sessions_and_challenges_go_a_month_later(hub: Any) -> None:
    for _ in range(3):
        hub.sign_in("nurse")
    with hub.database.transaction() as session:
        session.add(PasskeyChallenge(id=uuid.uuid4(), challenge=b"x", practitioner_id=None, expires_at=hub.clock()))

    def counts() -> list[int]:
        with hub.database.reading() as session:
            tables: tuple[Any, ...] = (LoginLink, NurseSignIn, SignedIn, PasskeyChallenge)
            return [len(session.scalars(select(table)).all()) for table in tables]

    before = counts()
    assert min(before) > 0
    hub.clock.at += CHALLENGE_KEPT + timedelta(minutes=1)
    with hub.database.transaction() as session:
        sweep(session, hub.clock())
    assert counts() == [*before[:3], 0]
    hub.clock.at += KEPT
    hub.sign_in("nurse")
    assert counts()[1:] == [1, 1, 0]
    assert counts()[0] <= 4  # the doors' new links
    hub.client.get("/api/me", headers={"X-Carebag-As": "nurse"}).raise_for_status()


def test_a_session_that_goes_on_stays(hub: Any) -> None:
    hub.sign_in("doctor")
    with hub.database.transaction() as session:
        row = session.scalars(select(SignedIn)).one()
        row.ended_at = hub.clock() - KEPT + timedelta(minutes=1)
        sweep(session, hub.clock())
    with hub.database.reading() as session:
        assert len(session.scalars(select(SignedIn)).all()) == 1


def test_every_table_with_a_time_to_live_is_thought_of() -> None:
    """`kit_nonce`, `socket_ticket` and `oidc_flow` are swept where they are written; what has consent or emergency in
    it, or a removal, is a record."""
    expiring = {table.name for table in Base.metadata.sorted_tables if "expires_at" in table.columns}
    swept = {table.__tablename__ for table, _ in EXPIRING}
    assert swept | {"signed_in"} == GROWING
    assert expiring - swept == {"kit_nonce", "socket_ticket", "emergency_access", "removal_proposal"}
