"""Systems of person identifiers, in Sweden and Finland, as receivers look for them.

How each is stored is in `carebag_wire.identity.systems`.

Sweden: the base profiles (HL7 Sweden, basprofiler-r4 1.1.0) name a number by a web address, the national services
(RIV-TA, Inera) by an OID; a receiver knows one of the two, so both are written. Finland: finnish-base-profiles 2.0.0.
A number is written as it is stored. In Finland the sign between date and number is part of the identity.
"""

from dataclasses import dataclass

from carebag_fhir.elements import TERMINOLOGY, Json, coding, concept, filled, plain
from carebag_wire.identity import systems


@dataclass(frozen=True)
class PersonSystem:
    """One kind of number."""

    official: str
    """As the national base profile names it."""
    also: str = ""
    """Under what else receivers look for it."""
    kind: str = ""
    """Code of HL7 v2 table 0203, where the base profile asks for one."""


PERSONNUMMER = PersonSystem(systems.PERSONNUMMER, systems.other_name(systems.PERSONNUMMER))
SAMORDNINGSNUMMER = PersonSystem(systems.SAMORDNINGSNUMMER, systems.other_name(systems.SAMORDNINGSNUMMER))
NATIONAL_RESERVE = PersonSystem(systems.NATIONAL_RESERVE, systems.other_name(systems.NATIONAL_RESERVE))
LMA = PersonSystem(systems.LMA)
STOCKHOLM_RESERVE = PersonSystem(systems.STOCKHOLM_RESERVE)
VASTRA_GOTALAND_RESERVE = PersonSystem(systems.VASTRA_GOTALAND_RESERVE)
HENKILOTUNNUS = PersonSystem(systems.HENKILOTUNNUS, kind="NNFIN")
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
    """`Patient.identifier`: the official or temporary one first, then the same number under the other name."""
    if not plain(value):
        return []
    system = person_system(plain(system_name))
    kind = concept(coding(f"{TERMINOLOGY}/v2-0203", system.kind)) if system.kind else {}
    use = "temp" if system.official == systems.URI else "official"
    first = filled({"use": use, "type": kind, "system": system.official, "value": plain(value)})
    second = {"use": "secondary", "system": system.also, "value": plain(value)}
    return [first, second] if system.also else [first]
