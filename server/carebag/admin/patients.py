"""`carebag admin patient …` and `carebag admin visit …`.

A patient's name and number need not stand in the shell's history: what is left out is asked for.
"""

import argparse
import os
import sys
import uuid
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from carebag.admin.finding import the_one
from carebag.admin.leaves import Answer, Groups, group, leaf, table
from carebag_server import patients
from carebag_server.not_possible import NotPossible
from carebag_server.patients import Described, Stated
from carebag_server.settings import Settings
from carebag_server.staff import Change
from carebag_server.tables import Commission, Kit, PatientRow, Practitioner, VisitRow
from carebag_server.visit_planning import Plan, cancel_visit, plan_visit, planned_visits
from carebag_wire.identity.person import Identity, masked, read, read_swedish
from carebag_wire.identity.systems import (
    HENKILOTUNNUS,
    LMA,
    NATIONAL_RESERVE,
    STOCKHOLM_RESERVE,
    VASTRA_GOTALAND_RESERVE,
    code_of,
)

SWEDISH = "swedish"
_SYSTEMS = {
    "reserve": NATIONAL_RESERVE,
    "henkilotunnus": HENKILOTUNNUS,
    "lma": LMA,
    "stockholm": STOCKHOLM_RESERVE,
    "vgr": VASTRA_GOTALAND_RESERVE,
}


def add(groups: Groups) -> None:
    verbs = group(groups, "patient", "patients and their identities")
    new = leaf(verbs, "add", _add, "enter a patient")
    new.add_argument("--id", help="the number, exactly as it is; asked for where it is missing")
    new.add_argument(
        "--system",
        default=SWEDISH,
        help=f"{SWEDISH} (personnummer or samordningsnummer, default), {', '.join(_SYSTEMS)}, or an OID of your own",
    )
    unknown = leaf(verbs, "temporary", _temporary, "enter somebody whose number is not known now")
    for parser in (new, unknown):
        parser.add_argument("--name", help="asked for where it is missing; of somebody unknown what is seen")
        parser.add_argument("--born", type=_day, metavar="YYYY-MM-DD", help="where the number does not say it")
        parser.add_argument("--place", default="", help="where the patient is visited")
        parser.add_argument("--own-doctor", default="", help="fast läkarkontakt")
    for name, run, about in (
        ("merge", _merge, "a patient was found to be the person that another one is; nothing is rewritten"),
        ("unmerge", _unmerge, "take that back"),
    ):
        made = leaf(verbs, name, run, about)
        made.add_argument("patient", help="id")
        if name == "merge":
            made.add_argument("into", help="id of the one whom the patient turned out to be")
        made.add_argument("--by", required=True, help="the practitioner who says so: name, HSA-id or id")
        made.add_argument("--reason", required=True, help="how it was found out")
    leaf(verbs, "list", _list, "show the patients, numbers masked; logged as reading")
    _visits(group(groups, "visit", "visits"))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written 1912-12-12") from None


def _asked(given: str | None, prompt: str) -> str:
    if given is not None:
        return given
    if sys.stdin.isatty():
        print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().rstrip("\r\n")


def _add(args: argparse.Namespace, change: Change) -> Answer:
    name, text = _asked(args.name, "Name: "), _asked(args.id, "Number: ")
    today = change.now.astimezone(_zone()).date()
    if args.system == SWEDISH:
        identity = read_swedish(text, today)
    else:
        identity = read(_SYSTEMS.get(args.system, args.system), text, today)
    described = Described(name, args.place, args.own_doctor, args.born)
    row = patients.register(change.session, change.actor, identity, described, change.now)
    return _entered(row)


def _temporary(args: argparse.Namespace, change: Change) -> Answer:
    described = Described(_asked(args.name, "What is seen: "), args.place, args.own_doctor, args.born)
    return _entered(patients.register_temporary(change.session, change.actor, described, change.now))


def _entered(row: PatientRow) -> Answer:
    born = f"born {row.birth_date}" if row.birth_date else "day of birth not known"
    system = code_of(row.personal_id_system)
    return Answer({"id": row.id, "system": row.personal_id_system, "birth_date": row.birth_date},
                  f"patient {row.id} ({system}, {born})")  # fmt: skip


def _stated(args: argparse.Namespace, change: Change) -> Stated:
    return Stated(the_one(change.session, Practitioner, args.by).id, args.reason)


def _merge(args: argparse.Namespace, change: Change) -> Answer:
    of, into = (the_one(change.session, PatientRow, one, by_name=False) for one in (args.patient, args.into))
    merge_id = patients.merge(change.session, change.actor, of, into, _stated(args, change), change.now)
    words = (
        f"{_told(of)} is {_told(into)} from now on; both stay readable. To take it back:\n"
        f"    carebag admin patient unmerge {of.id} --by … --reason …"
    )
    return Answer({"id": merge_id, "patient": of.id, "into": into.id}, words)


def _unmerge(args: argparse.Namespace, change: Change) -> Answer:
    of = the_one(change.session, PatientRow, args.patient, by_name=False)
    blocks = patients.unmerge(change.session, change.actor, of, _stated(args, change), change.now)
    words = f"{_told(of)} stands for itself again"
    if blocks:
        words += (
            f"\nblocks that were recorded while the two were one, and stand on both now: {blocks}\n"
            "`carebag block list` shows those of each; lift what the patient did not ask for"
        )
    return Answer({"patient": of.id, "blocks_on_both": blocks}, words)


def _told(row: PatientRow) -> str:
    """So that whoever typed two ids sees whose they are."""
    return f"{row.name} ({_masked(row)}, {row.id})"


def _list(args: argparse.Namespace, change: Change) -> Answer:
    found = patients.list_patients(change.session, change.actor, change.now)
    ends = patients.turned_out(change.session, [row.id for row in found])
    rows = [
        {
            "id": row.id,
            "name": row.name,
            "number": _masked(row),
            "kind": code_of(row.personal_id_system),
            "born": row.birth_date,
            "turned_out": ends[row.id].id if row.id in ends else None,
        }
        for row in found
    ]
    columns = ["name", "number", "kind", "born", "id", "turned_out"]
    return Answer(rows, table(rows, columns, "no patient yet: carebag admin patient add"))


def _masked(row: PatientRow) -> str:
    identity = patients.identity_of(row)
    return masked(identity) if isinstance(identity, Identity) else "temporary"


def _visits(verbs: Groups) -> None:
    plan = leaf(verbs, "plan", _plan, "plan a visit; a hub that runs sends it to the kit within some seconds")
    plan.add_argument("--patient", required=True, help="id")
    plan.add_argument("--kit", required=True, help="name or id")
    plan.add_argument("--nurse", help="name, HSA-id or id of the person; left out: whoever takes the kit")
    plan.add_argument("--at", required=True, type=_moment, help="2026-11-28T09:00, in CAREBAG_TIME_ZONE")
    plan.add_argument("--reason", required=True, help="one line: why the patient is visited")
    plan.add_argument("--background", default="", help="what doctor and nurse should know before")

    cancel = leaf(verbs, "cancel", _cancel, "cancel a planned visit; its kit takes it off its list at the next contact")
    cancel.add_argument("visit", type=uuid.UUID, help="id, as told when it was planned, or by `visit list`")
    leaf(verbs, "list", _list_visits, "show the visits that are planned; logged as reading")


def _cancel(args: argparse.Namespace, change: Change) -> Answer:
    visit = change.session.get(VisitRow, args.visit)
    if visit is None:
        raise NotPossible(f"there is no visit {args.visit}; carebag admin visit list  shows the planned ones")
    cancel_visit(change, visit)
    return Answer({"id": visit.id}, f"visit {visit.id} is cancelled")


def _list_visits(args: argparse.Namespace, change: Change) -> Answer:
    zone, rows = _zone(), []
    for visit in planned_visits(change):
        nurse = change.session.get(Commission, visit.nurse_commission_id) if visit.nurse_commission_id else None
        rows.append(
            {
                "id": visit.id,
                "at": f"{visit.scheduled_at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
                "patient": _told(change.session.get_one(PatientRow, visit.patient_id)),
                "kit": change.session.get_one(Kit, visit.kit_id).name,
                "nurse": change.session.get_one(Practitioner, nurse.practitioner_id).name if nurse else None,
            }
        )
    return Answer(rows, table(rows, ["at", "patient", "kit", "nurse", "id"], "no visit is planned"))


def _zone() -> tzinfo:
    name = os.environ.get("CAREBAG_TIME_ZONE", Settings.time_zone)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise NotPossible("CAREBAG_TIME_ZONE is no time zone of this machine, such as Europe/Stockholm") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a time is written 2026-11-28T09:00") from None


def _plan(args: argparse.Namespace, change: Change) -> Answer:
    patient = the_one(change.session, PatientRow, args.patient, by_name=False)
    kit = the_one(change.session, Kit, args.kit)
    at = args.at if args.at.tzinfo else args.at.replace(tzinfo=_zone())
    plan = Plan(patient, kit, _nurse(change, args.nurse, kit), at, args.reason, args.background)
    visit_id = plan_visit(change, plan)
    when, who = f"{at.astimezone(_zone()):%a %Y-%m-%d %H:%M %Z}", args.nurse or "whoever takes the kit"
    words = f"visit to {_told(patient)}\n{when} with {kit.name}, nurse: {who}\nvisit {visit_id}"
    return Answer({"id": visit_id, "at": at.isoformat()}, words)


def _nurse(change: Change, text: str | None, kit: Kit) -> Commission | None:
    if text is None:
        return None
    person = the_one(change.session, Practitioner, text)
    live = select(Commission).where(
        Commission.practitioner_id == person.id,
        Commission.role == "nurse",
        Commission.organization_id == kit.organization_id,
        Commission.ended_at.is_(None),
    )
    found = change.session.scalars(live.order_by(Commission.id)).first()
    if found is None:
        raise NotPossible(f"{person.name} is no nurse of the kit's care provider (carebag admin commission add)")
    return found
