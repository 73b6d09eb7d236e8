"""What the administrators' page asks and is told: staff, places and kits. Nothing here is about a patient."""

from typing import Annotated

from pydantic import Field

from carebag_wire.base import Count, Id, ShortText, Utc, Wire
from carebag_wire.sign_in import KeyName
from carebag_wire.visit import Role

Qr = list[str]
"""A QR code, row by row from the top: `1` is a dark module. Without the quiet zone of four modules around it."""


class UnitView(Wire):
    id: Id
    name: ShortText
    hsa_id: ShortText | None
    commissions: Count
    """Of now."""
    kits: Count
    """In use."""


class ProviderView(Wire):
    id: Id
    name: ShortText
    hsa_id: ShortText | None
    units: list[UnitView]


class Places(Wire):
    """Care providers and units that the asking administrator's commission reaches."""

    whole_hub: bool
    """Every care provider of the hub, and she may add one."""
    other_way: bool
    """People also sign in by a provider, for which an HSA-id is enough."""
    providers: list[ProviderView]


class GivenCommission(Wire):
    id: Id
    role: Role
    unit: ShortText
    unit_id: Id | None
    """None: a unit that was never entered as one."""
    organization_id: Id
    organization: ShortText
    hsa_id: ShortText | None
    whole_hub: bool
    ended_at: Utc | None
    signed_in: Count
    """Sessions that go on, locked ones too."""


class StaffPerson(Wire):
    id: Id
    name: ShortText
    title: ShortText
    hsa_id: ShortText | None
    passkeys: Count
    link_until: Utc | None
    """A link that nobody used yet works until then."""
    commissions: list[GivenCommission]
    """Those within reach, of now before those that ended."""
    myself: bool
    elsewhere: bool
    """Has a commission of now beyond the asking administrator's reach: what concerns the whole person is refused."""


class PeopleQuery(Wire):
    text: ShortText = ""
    """Words that name, title, HSA-id or unit must hold; in a body, since addresses are logged by proxies."""
    ended: bool = False
    """Also people without a commission of now."""


class PeopleFound(Wire):
    people: list[StaffPerson]
    total: Count


class StaffKey(Wire):
    id: Id
    name: KeyName
    created_at: Utc
    used_at: Utc | None


class StaffSession(Wire):
    id: Id
    role: Role
    unit: ShortText
    created_at: Utc
    used_at: Utc
    locked: bool


class StaffDetail(Wire):
    person: StaffPerson
    keys: list[StaffKey]
    sessions: list[StaffSession]


class KitView(Wire):
    id: Id
    name: ShortText
    unit: ShortText
    organization: ShortText
    enrolled_at: Utc
    revoked_at: Utc | None
    seen_at: Utc | None
    """The kit's last proof of its key, to some minutes; None: not since it was enrolled."""
    connected: bool


class WaitingCode(Wire):
    """A code that no machine used yet. The code itself is known only where it was shown."""

    name: ShortText
    unit: ShortText
    organization: ShortText
    kit_id: Id | None
    """The kit that gets another key; None: a new kit."""
    made_at: Utc
    expires_at: Utc


class Kits(Wire):
    kits: list[KitView]
    codes: list[WaitingCode]


class LinkMade(Wire):
    """Shown once: the hub keeps a digest."""

    url: Annotated[str, Field(max_length=500)]
    qr: Qr
    expires_at: Utc


class CodeMade(Wire):
    """Shown once: the hub keeps a digest."""

    code: Annotated[str, Field(max_length=40)]
    hub: Annotated[str, Field(max_length=300)]
    """Its address as the kit must say it."""
    qr: Qr
    expires_at: Utc


class AddProvider(Wire):
    name: ShortText
    hsa_id: ShortText = ""


class AddUnit(Wire):
    organization_id: Id
    name: ShortText
    hsa_id: ShortText = ""


class GiveCommission(Wire):
    unit_id: Id
    role: Role
    hsa_id: ShortText = ""
    """`commissionHsaId`, for sign-in by a provider."""


class AddPerson(Wire):
    """A person and the first commission in one act: without one nobody would see the person."""

    name: ShortText
    title: ShortText
    hsa_id: ShortText = ""
    """`employeeHsaId`."""
    commission: GiveCommission


class CorrectPerson(Wire):
    name: ShortText
    title: ShortText


class MakeLink(Wire):
    hours: Annotated[int, Field(ge=1, le=168)] = 24


class MakeCode(Wire):
    minutes: Annotated[int, Field(ge=1, le=1440)] = 15


class AddKit(MakeCode):
    unit_id: Id
    name: ShortText
