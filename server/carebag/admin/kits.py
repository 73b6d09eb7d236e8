"""`carebag admin kit …`"""

import argparse
from datetime import timedelta
from typing import Any

from carebag.admin.drawing import qr_argument, qr_drawn
from carebag.admin.finding import the_one, unit_of
from carebag.admin.leaves import Answer, Groups, group, leaf, looks, origin_argument, safe_origin, table
from carebag_server import kit_enrolment, staff_lists
from carebag_server.staff import Change
from carebag_server.tables import Kit
from carebag_wire.administration import KitView, WaitingCode
from carebag_wire.kit_enrolment import qr_text


def add(groups: Groups) -> None:
    verbs = group(groups, "kit", "kits: bags with their own key")
    new = leaf(verbs, "add", _add, "make a one-time code with which a machine becomes a kit")
    new.add_argument("--name", required=True, help="what is written on the bag")
    new.add_argument("--unit", required=True, help="name, HSA-id or id of the care unit")
    new.add_argument("--organization", help="care provider, where several have a unit of that name")
    rotate = leaf(verbs, "rotate", _rotate, "make a code with which a kit gets another key; also for one found again")
    rotate.add_argument("kit", help="name or id")
    for parser in (new, rotate):
        parser.add_argument("--minutes", type=int, default=15, help="how long the code works (default 15)")
        origin_argument(parser)
        qr_argument(parser)
    leaf(verbs, "revoke", _revoke, "shut a kit out that is lost or taken out of use").add_argument("kit")
    leaf(verbs, "list", _list, "show the kits, and codes that nobody used yet")


def _add(args: argparse.Namespace, change: Change) -> Answer:
    unit = unit_of(change.session, args.organization, args.unit)
    origin, valid = safe_origin(args), timedelta(minutes=args.minutes)
    return _told(args, change, origin, kit_enrolment.code_for_new(change, unit, args.name, valid), valid)


def _rotate(args: argparse.Namespace, change: Change) -> Answer:
    kit = the_one(change.session, Kit, args.kit)
    origin, valid = safe_origin(args), timedelta(minutes=args.minutes)
    return _told(args, change, origin, kit_enrolment.code_for_known(change, kit, valid), valid)


def _told(args: argparse.Namespace, change: Change, origin: str, code: str, valid: timedelta) -> Answer:
    text, until = qr_text(origin, code), change.now + valid
    words = (
        f"{code}\n{qr_drawn(args, text)}On the kit, once and before {until.astimezone():%Y-%m-%d %H:%M %Z}:\n"
        f"    carebag kit enrol --hub {origin} --code {code}"
    )
    return Answer({"code": code, "hub": origin, "qr": text, "expires_at": until}, words)


def _revoke(args: argparse.Namespace, change: Change) -> Answer:
    kit = the_one(change.session, Kit, args.kit)
    kit_enrolment.revoke(change, kit)
    words = f"{kit.name} is shut out: its requests at once, its connection within 20 s. What it saved stays in the bag"
    return Answer({"id": kit.id, "name": kit.name}, words)


def _list(args: argparse.Namespace, change: Change) -> Answer:
    def line(row: KitView | WaitingCode, state: str, **more: Any) -> dict[str, Any]:
        return {"name": row.name, "unit": row.unit, "organization": row.organization, "state": state, **more}

    look = looks(change)
    rows = [
        line(
            kit,
            "shut out" if kit.revoked_at else "in use",
            since=kit.revoked_at or kit.enrolled_at,
            seen=kit.seen_at,
            id=kit.id,
        )
        for kit in staff_lists.kits(look)
    ]
    rows += [
        line(code, "code waits", since=code.made_at, seen=None, id=code.kit_id) for code in staff_lists.codes(look)
    ]
    columns = ["name", "unit", "organization", "state", "since", "seen", "id"]
    return Answer(rows, table(rows, columns, "no kit yet: carebag admin kit add"))
