"""Systems of person identifiers, in Sweden and Finland: by which one Carebag stores, and by which others it is known.

Sweden: the base profiles (HL7 Sweden, basprofiler-r4 1.1.0) name a number by a web address, the national services
(RIV-TA, Inera) by an OID; a receiver knows one of the two, so both are written. Finland: finnish-base-profiles 2.0.0.
A number is written as it is stored. In Finland the sign between date and number is part of the identity.
"""

from dataclasses import dataclass

from carebag_fhir.elements import TERMINOLOGY, Json, coding, concept, filled, plain


@dataclass(frozen=True)
class PersonSystem:
    """One kind of number."""

    official: str
    """As the national base profile names it."""
    also: str = ""
    """Under what else receivers look for it."""
    kind: str = ""
    """Code of HL7 v2 table 0203, where the base profile asks for one."""


_SE = "http://electronichealth.se/identifier"
PERSONNUMMER = PersonSystem(f"{_SE}/personnummer", "urn:oid:1.2.752.129.2.1.3.1")
SAMORDNINGSNUMMER = PersonSystem(f"{_SE}/samordningsnummer", "urn:oid:1.2.752.129.2.1.3.3")
NATIONAL_RESERVE = PersonSystem(f"{_SE}/nationelltReservnummer", "urn:oid:1.2.752.74.9.1")
LMA = PersonSystem(f"{_SE}/LMA-nummer")
STOCKHOLM_RESERVE = PersonSystem("urn:oid:1.2.752.97.3.1.3")
VASTRA_GOTALAND_RESERVE = PersonSystem("urn:oid:1.2.752.113.11.0.2.1.1.1")
HENKILOTUNNUS = PersonSystem("urn:oid:1.2.246.21", kind="NNFIN")
SYSTEMS = (
    PERSONNUMMER,
    SAMORDNINGSNUMMER,
    NATIONAL_RESERVE,
    LMA,
    STOCKHOLM_RESERVE,
    VASTRA_GOTALAND_RESERVE,
    HENKILOTUNNUS,
)
_BY_NAME = {name: system for system in SYSTEMS for name in (system.official, system.also) if name}


def person_system(name: str) -> PersonSystem:
    """The system by either of its names; an unknown one is its own."""
    return _BY_NAME.get(name, PersonSystem(name))


def person_identifiers(system_name: str, value: str) -> list[Json]:
    """`Patient.identifier`: the official one first, then the same number under the other name."""
    if not plain(value):
        return []
    system = person_system(plain(system_name))
    kind = concept(coding(f"{TERMINOLOGY}/v2-0203", system.kind)) if system.kind else {}
    first = filled({"use": "official", "type": kind, "system": system.official, "value": plain(value)})
    second = {"use": "secondary", "system": system.also, "value": plain(value)}
    return [first, second] if system.also else [first]
