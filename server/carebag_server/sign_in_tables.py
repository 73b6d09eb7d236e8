"""The table of sign-ins by a provider that have been begun; the other tables of signing in are in `tables.py`."""

import uuid
from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class OidcFlow(Base, kw_only=True):
    """One way to the provider and back; used once."""

    __tablename__ = "oidc_flow"
    state_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """Of the cookie of the browser that began it: nobody else's browser can end it."""
    nonce: Mapped[str]
    verifier: Mapped[str]
    """Of PKCE (RFC 7636)."""
    redirect_uri: Mapped[str]
    session_id: Mapped[uuid.UUID | None] = mapped_column(default=None)
    """For whom it is a renewed proof; None: to sign in."""
    begun_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    choices: Mapped[str] = mapped_column(default="")
    """Ids of the commissions that the person may choose among, with spaces between; "" once chosen."""
