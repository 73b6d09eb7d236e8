"""`carebag admin organization | unit | agreement | person | commission | link | passkey`."""

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from carebag.admin.drawing import qr_argument, qr_drawn
from carebag.admin.finding import hsa_of, the_one, unit_of
from carebag.admin.leaves import Answer, Groups, group, leaf, looks, origin_argument, safe_origin, table
from carebag_server import passkey_links, staff, staff_lists
from carebag_server.not_possible import NotPossible
from carebag_server.staff import Change
from carebag_server.tables import CareAgreement, Commission, Organization, Passkey, Practitioner
from carebag_wire.administration import StaffPerson


def add(groups: Groups) -> None:
    _organizations(group(groups, "organization", "care providers"))
    _units(group(groups, "unit", "care units of a care provider"))
    _agreements(group(groups, "agreement", "doctors of one care provider serve the visits of another"))
    _people(group(groups, "person", "practitioners"))
    _commissions(group(groups, "commission", "roles of practitioners at care units"))
    for name, run, about in (
        ("link", _link, "make a one-time link with which a person makes a passkey"),
        ("recover", _recover, "after a lost device: end a person's passkeys and sessions, and make a new link"),
    ):
        made = leaf(groups, name, run, about)
        made.add_argument("person", help="name, HSA-id or id")
        made.add_argument("--hours", type=int, default=24, help="how long it works (default 24, at most 168)")
        origin_argument(made)
        qr_argument(made)
    keys = group(groups, "passkey", "passkeys of a person")
    leaf(keys, "list", _list_keys, "show a person's passkeys").add_argument("person", help="name, HSA-id or id")
    leaf(keys, "end", _end_key, "end a passkey, of a device that was lost").add_argument("passkey", help="its id")


def _hsa(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hsa-id", help="as Inera's catalogue has it")


def _organizations(verbs: Groups) -> None:
    add = leaf(verbs, "add", _add_organization, "enter a care provider")
    add.add_argument("--name", required=True)
    _hsa(add)
    leaf(verbs, "list", _list_organizations, "show the care providers")


def _add_organization(args: argparse.Namespace, change: Change) -> Answer:
    row = staff.add_organization(change, args.name, args.hsa_id)
    return Answer({"id": row.id, "name": row.name}, f"care provider {row.name}: {row.id}")


def _list_organizations(args: argparse.Namespace, change: Change) -> Answer:
    rows = [{"id": one.id, "name": one.name, "hsa_id": one.hsa_id} for one in staff_lists.providers(looks(change))]
    return Answer(rows, table(rows, ["name", "hsa_id", "id"], "no care provider yet: carebag admin organization add"))


def _units(verbs: Groups) -> None:
    add = leaf(verbs, "add", _add_unit, "enter a care unit")
    add.add_argument("--organization", required=True, help="name, HSA-id or id of the care provider")
    add.add_argument("--name", required=True)
    _hsa(add)
    leaf(verbs, "list", _list_units, "show the care units")


def _add_unit(args: argparse.Namespace, change: Change) -> Answer:
    organization = the_one(change.session, Organization, args.organization)
    row = staff.add_unit(change, organization, args.name, args.hsa_id)
    return Answer({"id": row.id, "name": row.name}, f"care unit {row.name} of {organization.name}: {row.id}")


def _list_units(args: argparse.Namespace, change: Change) -> Answer:
    rows = [
        {"id": unit.id, "name": unit.name, "organization": of.name, "hsa_id": unit.hsa_id}
        for of in staff_lists.providers(looks(change))
        for unit in of.units
    ]
    return Answer(rows, table(rows, ["organization", "name", "hsa_id", "id"], "no care unit yet"))


def _agreements(verbs: Groups) -> None:
    for name, run, about in (
        ("add", _add_agreement, "from now on these doctors serve those visits"),
        ("end", _end_agreement, "from now on they do not"),
    ):
        made = leaf(verbs, name, run, about)
        made.add_argument("--home", required=True, help="care provider whose visits these are")
        made.add_argument("--doctors", required=True, help="care provider whose doctors see them")
    leaf(verbs, "list", _list_agreements, "show the agreements")


def _add_agreement(args: argparse.Namespace, change: Change) -> Answer:
    home, doctors = (the_one(change.session, Organization, one) for one in (args.home, args.doctors))
    row = staff.add_agreement(change, home, doctors)
    return Answer({"id": row.id}, f"doctors of {doctors.name} serve the visits of {home.name}")


def _end_agreement(args: argparse.Namespace, change: Change) -> Answer:
    home, doctors = (the_one(change.session, Organization, one) for one in (args.home, args.doctors))
    row = change.session.scalars(
        select(CareAgreement).where(
            CareAgreement.home_organization_id == home.id, CareAgreement.doctor_organization_id == doctors.id
        )
    ).first()
    if row is None:
        raise NotPossible("there is no such agreement; carebag admin agreement list  shows them")
    staff.end_agreement(change, row)
    return Answer({"id": row.id}, f"doctors of {doctors.name} see no visit of {home.name} any more")


def _list_agreements(args: argparse.Namespace, change: Change) -> Answer:
    def name(organization_id: Any) -> str:
        return change.session.get_one(Organization, organization_id).name

    rows = [
        {
            "id": row.id,
            "home": name(row.home_organization_id),
            "doctors": name(row.doctor_organization_id),
            "since": row.valid_from,
            "until": row.valid_until,
        }
        for row in change.session.scalars(select(CareAgreement).order_by(CareAgreement.id))
    ]
    return Answer(rows, table(rows, ["home", "doctors", "since", "until"], "no agreement: doctors see no visits"))


def _people(verbs: Groups) -> None:
    add = leaf(verbs, "add", _add_person, "enter a practitioner")
    add.add_argument("--name", required=True)
    add.add_argument("--title", required=True, help="as patients and colleagues read it: sjuksköterska")
    _hsa(add)
    leaf(verbs, "list", _list_people, "show the practitioners with their commissions")
    about = "write another name, title or HSA-id; what was signed stays as it was"
    correct = leaf(verbs, "correct", _correct_person, about)
    correct.add_argument("person", help="name, HSA-id or id")
    correct.add_argument("--name", help="left out: as it is")
    correct.add_argument("--title", help="left out: as it is")
    correct.add_argument("--hsa-id", help="left out: as it is; whoever a provider says to have it is this person")
    end = leaf(verbs, "end", _end_person, "end all that a person may do here; what they did stays")
    end.add_argument("person", help="name, HSA-id or id")
    out = leaf(verbs, "sign-out", _sign_out, "end the sessions of a person, or of everybody; they may come in again")
    whose = out.add_mutually_exclusive_group(required=True)
    whose.add_argument("person", nargs="?", help="name, HSA-id or id")
    whose.add_argument("--all", action="store_true", help="everybody, as after a break-in")


def _add_person(args: argparse.Namespace, change: Change) -> Answer:
    row = staff.add_person(change, args.name, args.title, args.hsa_id)
    alike = change.session.scalars(
        select(Practitioner.id).where(Practitioner.name == row.name, Practitioner.id != row.id)
    ).all()
    words = f"{row.name}, {row.title}: {row.id}\nNext: a commission (carebag admin commission add --person {row.id} …)"
    if alike:
        words += (
            f"\nBeware: {len(alike)} more of that name here. The review knows people by name: if it is the same "
            f"person, end this one (carebag admin person end {row.id}); if not, tell them apart by their names"
        )
    return Answer({"id": row.id, "name": row.name}, words)


def _list_people(args: argparse.Namespace, change: Change) -> Answer:
    rows = [
        {
            "id": person.id,
            "name": person.name,
            "title": person.title,
            "hsa_id": person.hsa_id,
            "commissions": ", ".join(_roles(person)) or "none",
            "passkeys": person.passkeys,
        }
        for person in staff_lists.people(looks(change))
    ]
    columns = ["name", "title", "commissions", "passkeys", "hsa_id", "id"]
    return Answer(rows, table(rows, columns, "nobody yet: carebag admin person add"))


def _roles(person: StaffPerson) -> list[str]:
    live = [one for one in person.commissions if one.ended_at is None]
    return [f"{one.role}{' of the whole hub' if one.whole_hub else ''} at {one.unit}" for one in live]


def _correct_person(args: argparse.Namespace, change: Change) -> Answer:
    person = the_one(change.session, Practitioner, args.person)
    staff.correct_person(change, person, args.name or person.name, args.title or person.title, args.hsa_id)
    return Answer({"id": person.id, "name": person.name}, f"{person.name}, {person.title}: {person.id}")


def _end_person(args: argparse.Namespace, change: Change) -> Answer:
    person = the_one(change.session, Practitioner, args.person)
    staff.end_person(change, person)
    return Answer({"id": person.id}, f"{person.name} may do nothing here any more; who is signed in is out within 20 s")


def _sign_out(args: argparse.Namespace, change: Change) -> Answer:
    person = None if args.all else the_one(change.session, Practitioner, args.person)
    ended = staff.sign_out(change, person)
    what = "1 session" if ended == 1 else f"{ended} sessions"
    return Answer({"ended": ended}, f"{what} ended; who is signed in is out within 20 s")


def _commissions(verbs: Groups) -> None:
    add = leaf(verbs, "add", _add_commission, "give a person a role at a care unit")
    add.add_argument("--person", required=True, help="name, HSA-id or id")
    add.add_argument("--role", required=True, choices=staff.ROLES)
    add.add_argument("--unit", required=True, help="name, HSA-id or id of the care unit")
    add.add_argument("--organization", help="care provider, where several have a unit of that name")
    add.add_argument("--whole-hub", action="store_true", help="an administrator of all care providers, not of one")
    _hsa(add)
    end = leaf(verbs, "end", _end_commission, "end a role")
    end.add_argument("commission", help="its id or HSA-id")
    leaf(verbs, "list", _list_commissions, "show all commissions, those that ended too")


def _add_commission(args: argparse.Namespace, change: Change) -> Answer:
    person = the_one(change.session, Practitioner, args.person)
    unit = unit_of(change.session, args.organization, args.unit)
    row = staff.add_commission(change, person, unit, args.role, args.hsa_id, whole_hub=args.whole_hub)
    words = f"{person.name} is {row.role} at {row.unit}: {row.id}"
    if not staff_lists.keys(change.session, person.id):
        words += f"\nNext: a link for a passkey (carebag admin link {person.id})"
    return Answer({"id": row.id, "person": person.id, "role": row.role, "unit": row.unit}, words)


def _end_commission(args: argparse.Namespace, change: Change) -> Answer:
    row = the_one(change.session, Commission, args.commission)
    staff.end_commission(change, row)
    return Answer({"id": row.id}, "ended; who is signed in with it is out within 20 s")


def _list_commissions(args: argparse.Namespace, change: Change) -> Answer:
    query = select(Commission, Practitioner, Organization).join(Practitioner).join(Organization)
    rows = [
        {
            "id": row.id,
            "person": person.name,
            "role": row.role,
            "unit": row.unit,
            "organization": of.name,
            "ended": row.ended_at,
            "hsa_id": hsa_of(change.session, row.id),
        }
        for row, person, of in change.session.execute(query.order_by(Practitioner.name, Commission.id))
    ]
    columns = ["person", "role", "unit", "organization", "ended", "id"]
    return Answer(rows, table(rows, columns, "no commission yet: carebag admin commission add"))


def _link(args: argparse.Namespace, change: Change) -> Answer:
    return _link_by(passkey_links.issue, args, change)


def _recover(args: argparse.Namespace, change: Change) -> Answer:
    return _link_by(passkey_links.recover, args, change)


def _link_by(
    make: Callable[[Change, Practitioner, timedelta], str], args: argparse.Namespace, change: Change
) -> Answer:
    person = the_one(change.session, Practitioner, args.person)
    origin, valid = safe_origin(args), timedelta(hours=args.hours)
    url = f"{origin}/enter/#passkey={make(change, person, valid)}"
    until = change.now + valid
    words = (
        f"{url}\n{qr_drawn(args, url)}"
        f"For {person.name} alone: it works once, until {until.astimezone():%Y-%m-%d %H:%M %Z}, and makes a passkey on "
        "the device where it is opened. Hand it over so that nobody else gets it; compare face and name."
    )
    return Answer({"url": url, "expires_at": until, "person": person.id}, words)


def _list_keys(args: argparse.Namespace, change: Change) -> Answer:
    person = the_one(change.session, Practitioner, args.person)
    keys = staff_lists.keys(change.session, person.id)
    rows = [{"id": key.id, "made": key.created_at, "used": key.used_at} for key in keys]
    nothing = f"{person.name} has none: carebag admin link {person.id}"
    return Answer(rows, table(rows, ["made", "used", "id"], nothing))


def _end_key(args: argparse.Namespace, change: Change) -> Answer:
    key = the_one(change.session, Passkey, args.passkey)
    staff.end_passkey(change, key)
    return Answer({"id": key.id}, "ended; its owner signs in again with another one, or makes one by a new link")
