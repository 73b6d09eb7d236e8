"""Systems of person identities: the one name by which each is stored, and the others by which it is known.

Sweden: HL7 Sweden basprofiler-r4 1.1.0 for the stored names, the OIDs of RIV-TA (Inera) for the others. Finland:
finnish-base-profiles 2.0.0. Everything else that is an OID or an address is a local system, known by that name only.
"""

import re

from carebag_wire.identity.refusal import BadIdentity

_SE = "http://electronichealth.se/identifier"
PERSONNUMMER = f"{_SE}/personnummer"
SAMORDNINGSNUMMER = f"{_SE}/samordningsnummer"
NATIONAL_RESERVE = f"{_SE}/nationelltReservnummer"
LMA = f"{_SE}/LMA-nummer"
STOCKHOLM_RESERVE = "urn:oid:1.2.752.97.3.1.3"
VASTRA_GOTALAND_RESERVE = "urn:oid:1.2.752.113.11.0.2.1.1.1"
HENKILOTUNNUS = "urn:oid:1.2.246.21"
HSA_ID = "urn:oid:1.2.752.29.4.19"
URI = "urn:ietf:rfc:3986"
"""FHIR's system of values that are URIs themselves: `urn:uuid:…`, our own temporary identities."""

CONFIRMED = frozenset({PERSONNUMMER, SAMORDNINGSNUMMER, HENKILOTUNNUS})
"""Given by a state's population register to one person."""

_ALSO = {
    "urn:oid:1.2.752.129.2.1.3.1": PERSONNUMMER,
    "urn:oid:1.2.752.129.2.1.3.3": SAMORDNINGSNUMMER,
    "urn:oid:1.2.752.74.9.1": NATIONAL_RESERVE,
    "urn:oid:1.2.752.129.2.1.4.1": HSA_ID,
}
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,40}")
_URN_OID = re.compile(rf"urn:oid:{_OID.pattern}")
_ADDRESS = re.compile(r"https?://[!-~]{1,240}")


def stored_name(name: str) -> str:
    """The name by which a system is stored.

    Args:
        name: `urn:oid:1.2.752.129.2.1.3.1`, the bare OID, or the address. Nothing else about it is changed.

    Raises:
        BadIdentity: `unknown_identity_system`.
    """
    whole = f"urn:oid:{name}" if _OID.fullmatch(name) else name
    if not (_URN_OID.fullmatch(whole) or _ADDRESS.fullmatch(whole)):
        raise BadIdentity("unknown_identity_system")
    return _ALSO.get(whole, whole)


def other_name(stored: str) -> str:
    """The OID by which the national services know a system that is stored by its address; empty where there is none."""
    return next((name for name, system in _ALSO.items() if system == stored), "")


_CODES = {
    PERSONNUMMER: "personnummer",
    SAMORDNINGSNUMMER: "samordningsnummer",
    NATIONAL_RESERVE: "national_reserve",
    LMA: "lma",
    STOCKHOLM_RESERVE: "stockholm_reserve",
    VASTRA_GOTALAND_RESERVE: "vastra_gotaland_reserve",
    HENKILOTUNNUS: "henkilotunnus",
    URI: "temporary",
}


def code_of(name: str) -> str:
    """What a system is called in the catalogues of words (`id_system.…`); `other` for every one that is not known."""
    try:
        return _CODES.get(stored_name(name), "other")
    except BadIdentity:
        return _CODES.get(name, "other")
