"""The way to the provider and back: begun by one browser, ended once, by the same, in ten minutes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from carebag_server.oidc.claims import Said, SaidCommission, purpose_is_right
from carebag_server.oidc.provider import Expected
from carebag_server.refusals import Refused
from carebag_server.sessions import digest, new_token
from carebag_server.sign_in_tables import OidcFlow
from carebag_server.tables import Commission, Practitioner

VALID = timedelta(minutes=10)
_KEPT = timedelta(days=1)
BY_KEY = "passkey"
"""In place of a nonce, which is longer: nobody went to a provider."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What goes along to the provider."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Returned:
    state_sha256: str
    session_id: uuid.UUID | None
    expected: Expected


def begin(session: Session, browser: str, redirect_uri: str, session_id: uuid.UUID | None, now: datetime) -> Begun:
    """Remember what has to come back; older ways that nobody ended are forgotten.

    Args:
        browser: value of the browser's cookie.
        session_id: for whom it is a renewed proof; None: to sign in.
    """
    session.execute(delete(OidcFlow).where(OidcFlow.begun_at < now - _KEPT))
    begun = Begun(redirect_uri=redirect_uri, state=new_token(), nonce=new_token(), verifier=new_token())
    session.add(
        OidcFlow(
            state_sha256=digest(begun.state),
            browser_sha256=digest(browser),
            nonce=begun.nonce,
            verifier=begun.verifier,
            redirect_uri=redirect_uri,
            session_id=session_id,
            begun_at=now,
        )
    )
    return begun


def returned(session: Session, browser: str, state: str, now: datetime) -> Returned:
    """The way that this state belongs to, which is used up by this.

    Raises:
        Refused: 401 `oidc_replayed`: unknown, used, too old, or begun by another browser.
    """
    row = session.get(OidcFlow, digest(state))
    fits = row is not None and row.browser_sha256 == digest(browser) and row.used_at is None
    if row is None or not fits or not timedelta(0) <= now - row.begun_at < VALID:
        raise Refused(401, "oidc_replayed")
    row.used_at = now
    after = None if row.session_id is None else row.begun_at
    expected = Expected(redirect_uri=row.redirect_uri, nonce=row.nonce, verifier=row.verifier, proved_after=after)
    return Returned(row.state_sha256, row.session_id, expected)


def commissions_of(session: Session, said: Said) -> list[Commission]:
    """The hub's commissions that fit what the provider says. None is ever made from a claim.

    Raises:
        Refused: 403 `oidc_unknown_person`, `oidc_no_commission` (the provider named none), `oidc_unknown_commission`,
            `oidc_wrong_purpose`.
    """
    person = session.scalars(select(Practitioner).where(Practitioner.hsa_id == said.employee_hsa_id)).first()
    if person is None:
        raise Refused(403, "oidc_unknown_person")
    if not said.commissions:
        raise Refused(403, "oidc_no_commission")
    by_id = {one.hsa_id: one for one in said.commissions}
    theirs = select(Commission).where(
        Commission.practitioner_id == person.id, Commission.ended_at.is_(None), Commission.hsa_id.in_(by_id)
    )
    known = [one for one in session.scalars(theirs.order_by(Commission.id)) if _same_provider(one, by_id)]
    if not known:
        raise Refused(403, "oidc_unknown_commission")
    fitting = [one for one in known if _right_purpose(one, by_id)]
    if not fitting:
        raise Refused(403, "oidc_wrong_purpose")
    return fitting


def _same_provider(row: Commission, said: dict[str, SaidCommission]) -> bool:
    return row.provider_hsa_id in {None, said[row.hsa_id or ""].provider_hsa_id}


def _right_purpose(row: Commission, said: dict[str, SaidCommission]) -> bool:
    return purpose_is_right(row.role, row.purpose, said[row.hsa_id or ""].purpose)  # type: ignore[arg-type]


def offer_choice(session: Session, returned: Returned, commissions: list[Commission], now: datetime) -> None:
    row = session.get_one(OidcFlow, returned.state_sha256)
    row.choices, row.used_at = " ".join(str(one.id) for one in commissions), now


def offer_choice_by_key(session: Session, browser: str, commission_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """As `offer_choice`, of somebody who has just proved by a passkey who they are."""
    session.execute(delete(OidcFlow).where(OidcFlow.begun_at < now - _KEPT))
    session.add(
        OidcFlow(
            state_sha256=digest(new_token()),
            browser_sha256=digest(browser),
            nonce=BY_KEY,
            verifier="",
            redirect_uri="",
            begun_at=now,
            used_at=now,
            choices=" ".join(str(one) for one in commission_ids),
        )
    )


def choices(session: Session, browser: str, now: datetime) -> tuple[OidcFlow, list[uuid.UUID]]:
    """What the browser's person may choose among, the newest way first.

    Raises:
        Refused: 401 `oidc_replayed`: nothing is to be chosen, or not any more.
    """
    waiting = select(OidcFlow).where(OidcFlow.browser_sha256 == digest(browser), OidcFlow.choices != "")
    row = session.scalars(waiting.where(OidcFlow.begun_at > now - VALID).order_by(OidcFlow.begun_at.desc())).first()
    if row is None:
        raise Refused(401, "oidc_replayed")
    return row, [uuid.UUID(one) for one in row.choices.split()]


def choose(
    session: Session, browser: str, commission_id: uuid.UUID, now: datetime
) -> tuple[uuid.UUID, datetime | None]:
    """Once. Gives the commission, and when a passkey proved who it is; None: a provider said it.

    Raises:
        Refused: 401 `oidc_replayed`, 403 `no_commission` for one that was not offered.
    """
    row, offered = choices(session, browser, now)
    if commission_id not in offered:
        raise Refused(403, "no_commission")
    row.choices = ""
    return commission_id, row.begun_at if row.nonce == BY_KEY else None
