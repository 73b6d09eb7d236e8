"""Patient, care providers, practitioners in their roles, guests with the patient's consent."""

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

from carebag_fhir.elements import (
    CANONICAL,
    TERMINOLOGY,
    Json,
    coding,
    concept,
    filled,
    instant,
    named,
    own_coding,
    part_id,
    plain,
    reference,
    resource,
    words,
)
from carebag_fhir.identifiers import person_identifiers
from carebag_fhir.visit_export import CareProvider, VisitExport
from carebag_wire.guests import Guest
from carebag_wire.visit import Patient, Person, VisitHead

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SWEDISH_LABELS = "http://hl7.se/fhir/ig/base/CodeSystem/SecurityLabel"
FINNISH_LABELS = "https://hl7.fi/fhir/finnish-base-profiles/CodeSystem/SecurityLabelCS"
_CONSENT_LAW = "urn:lex:eu:reg:2016:679"


_PROTECTED = {
    "sekretessmarkering": coding(SWEDISH_LABELS, "sekretessmarkering", "Sekretessmarkering"),
    "skyddad_folkbokforing": coding(SWEDISH_LABELS, "skyddadFolkbokforing", "Skyddad folkbokföring"),
    "turvakielto": coding(FINNISH_LABELS, "TURVAKIELTO", "Turvakielto"),
}


def patient_of(patient: Patient) -> Json:
    """Names are not taken apart: nobody knows where a family name begins. Sex is not known to Carebag.

    A protected identity is a security label, as in the Swedish and Finnish base profiles.
    """
    label = _PROTECTED.get(patient.protected)
    return resource(
        "Patient",
        patient.id,
        meta={"security": [label]} if label else None,
        identifier=person_identifiers(patient.personal_id_system, patient.personal_id),
        name=[{"use": "official", "text": plain(patient.name)}] if plain(patient.name) else [],
        birthDate=patient.birth_date if _DATE.fullmatch(patient.birth_date) else None,
        address=[{"use": "home", "text": plain(patient.place)}] if plain(patient.place) else [],
        generalPractitioner=[doctor] if (doctor := named("Practitioner", patient.own_doctor)) else [],
    )


class Parties:
    """People and care providers of a visit, each once."""

    def __init__(self, export: VisitExport) -> None:
        nurse = export.snapshot.visit.nurse
        known = {person.commission_id: person for person in (*([nurse] if nurse else []), *export.people)}
        self.people: Sequence[Person] = [known[key] for key in sorted(known)]
        providers = {one.id: one for one in (export.provider, *export.providers)}
        self.providers: Sequence[CareProvider] = [providers[key] for key in sorted(providers)]

    def resources(self) -> Iterator[Json]:
        """Organizations, practitioners, roles."""
        for provider in self.providers:
            yield resource("Organization", provider.id, name=plain(provider.name) or "?")
        practitioners = {person.practitioner_id: person for person in self.people}
        for own_id in sorted(practitioners):
            yield _practitioner(practitioners[own_id])
        for person in self.people:
            yield self._role(person)

    def _role(self, person: Person) -> Json:
        unit = named("HealthcareService", person.unit)
        return resource(
            "PractitionerRole",
            person.commission_id,
            practitioner=reference("Practitioner", person.practitioner_id, person.name),
            organization=self._provider(person.organization),
            code=[concept(own_coding("role", person.role), text=person.title or person.role)],
            healthcareService=[unit] if unit else [],
        )

    def _provider(self, name: str) -> Json:
        found = [one for one in self.providers if one.name == name]
        return reference("Organization", found[0].id, name) if len(found) == 1 else named("Organization", name)

    def by_id(self, own_id: uuid.UUID | None, name: str = "") -> Json:
        """Whoever has this id, of practitioner or commission: nobody is known by a name, which two may bear.

        Args:
            own_id: None where only a name was stored; that is then all that is said.
        """
        if own_id is None:
            return named("Practitioner", name)
        for person in self.people:
            if own_id in (person.practitioner_id, person.commission_id):
                return reference("Practitioner", person.practitioner_id, person.name)
        identifier = own_identifier("practitioner", own_id)
        return filled({"type": "Practitioner", "identifier": identifier, "display": plain(name)})


def _practitioner(person: Person) -> Json:
    return resource(
        "Practitioner",
        person.practitioner_id,
        identifier=[own_identifier("practitioner", person.practitioner_id)],
        name=[{"text": plain(person.name)}] if plain(person.name) else [],
    )


def own_identifier(kind: str, own_id: uuid.UUID) -> Json:
    """By which a receiver knows the thing again, whatever id it gives it."""
    return {"system": f"{CANONICAL}/identifier/{kind}", "value": str(own_id)}


def guest_reference(guest: Guest) -> Json:
    kind = "Practitioner" if guest.role == "second_doctor" else "RelatedPerson"
    return reference(kind, guest.id, guest.said_name or guest.name)


def guest_of(guest: Guest, patient: Json) -> Json:
    """A relative or an interpreter is a RelatedPerson, a second doctor a Practitioner known by name only."""
    name = [{"text": text}] if (text := plain(guest.said_name or guest.name)) else []
    if guest.role == "second_doctor":
        return resource("Practitioner", guest.id, name=name)
    kind = [concept(own_coding("guest-role", guest.role), text=words(guest.role))]
    return resource("RelatedPerson", guest.id, patient=patient, relationship=kind, name=name)


def was_let_in(guest: Guest) -> bool:
    """Who never was let in took no part, and nothing of the visit was open to them."""
    return guest.admitted_at is not None


def guest_left(guest: Guest, visit: VisitHead) -> datetime | None:
    """When it ended for a guest: shown out, or gone with the visit; None while it lasts."""
    if guest.state != "ended":
        return None
    end = guest.ended_at or visit.closed_at or guest.link_expires_at
    # the kit's clock closes the visit, the hub's lets in: a period does not end before it begins
    return max(end, guest.admitted_at or end)


def consent_of(guest: Guest, visit: VisitHead, patient: Json) -> Json:
    """Nobody is invited without the patient's consent: the invitation is where that was recorded.

    It is to being there, and to what of the examination is shown; to nothing that was measured or written.
    """
    allowed = [
        "presence_in_call",
        *(["seeing_examination_camera"] if guest.camera else []),
        *(["listening_along"] if guest.examination else []),
    ]
    actor = {"role": concept(own_coding("guest-role", guest.role)), "reference": guest_reference(guest)}
    end = guest_left(guest, visit)
    period = filled({"start": instant(guest.invited_at), "end": instant(end) if end else None})
    actions = [concept(own_coding("consent-action", one), text=words(one)) for one in allowed]
    return resource(
        "Consent",
        part_id(guest.id, "consent"),
        status="inactive" if end else "active",
        scope=concept(coding(f"{TERMINOLOGY}/consentscope", "patient-privacy", "Privacy Consent")),
        category=[concept(own_coding("consent", "guest_in_visit"))],
        patient=patient,
        dateTime=instant(guest.invited_at),
        policy=[{"uri": _CONSENT_LAW}],
        provision={"type": "permit", "period": period, "actor": [actor], "action": actions},
    )
