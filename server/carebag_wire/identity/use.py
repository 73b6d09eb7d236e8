"""Which identities a place may hold: a demo only those that no living person bears, production none of them."""

from collections.abc import Container
from typing import Literal

from carebag_wire.identity import finnish
from carebag_wire.identity.person import Identity
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.systems import HENKILOTUNNUS, NATIONAL_RESERVE, PERSONNUMMER, SAMORDNINGSNUMMER

Place = Literal["production", "demo"]
_PUBLISHED = {
    # Tolvan Tolvansson; the examples of HL7 Sweden's basprofiler-r4
    PERSONNUMMER: (
        "191212121212 195009072553 196101182803 189002029800 200302022389 199002222397 200001252386 189602029812"
    ),
    # basprofiler-r4; Skatteverket, open data "Testsamordningsnummer"
    SAMORDNINGSNUMMER: "196109732393 191500722390",
    NATIONAL_RESERVE: "98240301AA06",  # basprofiler-r4; the last of the 26 series
}
TEST_IDENTITIES = frozenset(
    Identity(system, value) for system, values in _PUBLISHED.items() for value in values.split()
)
"""Swedish numbers that were published for tests or as examples."""


def is_test(identity: Identity, listed: Container[Identity] = TEST_IDENTITIES) -> bool:
    """Whether no living person bears it, by its publisher's word.

    Finland: individual numbers 900 to 999 (a hospital's temporary ones too: those are known in that hospital only and
    are a `merges.TemporaryIdentity` here). Sweden has no such range: Skatteverket publishes lists, "Testpersonnummer"
    and "Testsamordningsnummer", of some 20,000. Most are the numbers 238 and 239 of a day, but not of every day.

    Args:
        listed: `TEST_IDENTITIES`, or a place's copy of Skatteverket's lists beside them.
    """
    if identity.system == HENKILOTUNNUS and finnish.is_temporary(identity.value):
        return True
    return identity in listed


def check_use(identity: Identity, place: Place, listed: Container[Identity] = TEST_IDENTITIES) -> None:
    """Refuse an identity that this place may not hold.

    A demo takes no local identity and no HSA-id: no range of theirs is published as test.

    Raises:
        BadIdentity: `test_identity_in_production`, `real_identity_in_demo`.
    """
    test = is_test(identity, listed)
    if test and place == "production":
        raise BadIdentity("test_identity_in_production")
    if not test and place == "demo":
        raise BadIdentity("real_identity_in_demo")
