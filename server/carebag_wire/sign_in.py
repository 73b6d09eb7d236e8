"""Bodies of the routes by which people show who they are: sessions, proofs, passkeys, a provider's commissions."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from carebag_wire.base import PLAIN, Count, Id, ShortText, Utc, Wire
from carebag_wire.visit import Role

Way = Literal["passkey", "oidc", "demo"]
"""How somebody who is signed in can prove anew who they are."""
KeyName = Annotated[str, StringConstraints(max_length=60, pattern=PLAIN, strip_whitespace=True)]


class SessionNow(Wire):
    """Of the asking browser's slot; asking does not count as use."""

    state: Literal["open", "locked", "over"]
    practitioner_id: Id
    name: ShortText
    ways: list[Way]
    """In which order they are offered; none: a new one-time link is needed."""
    provider: ShortText
    """What the way `oidc` is called."""
    fresh: bool
    """Whether the last proof is new enough to sign."""
    idle_seconds: Annotated[int, Field(ge=1)]
    """After so long without use it is locked."""
    hidden_seq: Count = 0
    """Row of the log in which something was last hidden or shown of a patient (block, protected identity) while this
    hub runs, 0 if nothing was: a page that has seen less reads anew what it shows."""


class SessionView(Wire):
    """One of a person's own sessions, in any of their commissions."""

    id: Id
    role: Role
    unit: ShortText
    created_at: Utc
    used_at: Utc
    locked: bool
    this: bool
    """The asking one."""


class ProviderOffer(Wire):
    """What the front page offers beside a passkey; "" where there is none."""

    name: ShortText


class PasskeyView(Wire):
    id: Id
    name: KeyName
    """"" until its owner gives it one."""
    created_at: Utc
    used_at: Utc | None


class NamePasskey(Wire):
    name: KeyName


class CommissionChoice(Wire):
    commission_id: Id
    role: Role
    unit: ShortText
    organization: ShortText


class ChooseCommission(Wire):
    commission_id: Id
