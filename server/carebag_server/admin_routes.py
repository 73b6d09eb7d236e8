"""The administrators' page: care providers, units, people, commissions, keys and kits. Never a patient."""

from datetime import timedelta

from carebag_server import kit_enrolment, passkey_links, staff, staff_lists
from carebag_server.access import Administrator
from carebag_server.administration import Desk, changing, looking
from carebag_server.api_router import api_router
from carebag_server.hub import Hub, TheHub
from carebag_server.qr_code import qr_rows
from carebag_server.refusals import not_found
from carebag_wire.administration import (
    AddKit,
    AddPerson,
    AddProvider,
    AddUnit,
    CodeMade,
    CorrectPerson,
    GiveCommission,
    Kits,
    LinkMade,
    MakeCode,
    MakeLink,
    PeopleFound,
    PeopleQuery,
    Places,
    StaffDetail,
)
from carebag_wire.base import Id
from carebag_wire.kit_enrolment import origin_of, qr_text

router = api_router("/api/admin", "admin")
SHOWN = 100
"""People in one answer; who looks for another one says more of the name."""


@router.get("/places")
def admin_places(caller: Administrator, hub: TheHub) -> Places:
    with looking(hub, caller) as desk:
        found = staff_lists.providers(desk.looks())
        return Places(whole_hub=desk.whole_hub, other_way=_other_way(hub), providers=found)


@router.post("/providers", status_code=204)
def admin_add_provider(said: AddProvider, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        desk.must_reach_all()
        staff.add_organization(desk.change, said.name, said.hsa_id)


@router.post("/units", status_code=204)
def admin_add_unit(said: AddUnit, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        staff.add_unit(desk.change, desk.provider(said.organization_id), said.name, said.hsa_id)


@router.post("/people/search")
def admin_people(said: PeopleQuery, caller: Administrator, hub: TheHub) -> PeopleFound:
    with looking(hub, caller) as desk:
        found = staff_lists.people(desk.looks(), said.text, ended=said.ended)
        return PeopleFound(people=found[:SHOWN], total=len(found))


@router.post("/people")
def admin_add_person(said: AddPerson, caller: Administrator, hub: TheHub) -> StaffDetail:
    with changing(hub, caller) as desk:
        given = said.commission
        unit = desk.unit(given.unit_id)
        desk.may_give(given.role, None, other_way=_other_way(hub))
        person = staff.add_person(desk.of(unit.organization_id), said.name, said.title, said.hsa_id)
        staff.add_commission(desk.change, person, unit, given.role, given.hsa_id)
        return _detail(desk, person.id)


@router.get("/people/{person_id}")
def admin_person(person_id: Id, caller: Administrator, hub: TheHub) -> StaffDetail:
    with looking(hub, caller) as desk:
        return _detail(desk, desk.person(person_id).id)


@router.post("/people/{person_id}/correct", status_code=204)
def admin_correct_person(person_id: Id, said: CorrectPerson, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        person = desk.whole_person(person_id)
        staff.correct_person(desk.about(person), person, said.name, said.title)


@router.post("/people/{person_id}/commissions", status_code=204)
def admin_give_commission(person_id: Id, said: GiveCommission, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        person, unit = desk.person(person_id), desk.unit(said.unit_id)
        desk.may_give(said.role, person.id, other_way=_other_way(hub))
        staff.add_commission(desk.change, person, unit, said.role, said.hsa_id)


@router.post("/commissions/{commission_id}/end", status_code=204)
def admin_end_commission(commission_id: Id, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        staff.end_commission(desk.change, desk.to_end(commission_id))


@router.post("/people/{person_id}/link")
def admin_link(person_id: Id, said: MakeLink, caller: Administrator, hub: TheHub) -> LinkMade:
    with changing(hub, caller) as desk:
        valid, person = timedelta(hours=said.hours), desk.keyless(person_id, other_way=_other_way(hub))
        return _link_made(hub, desk, passkey_links.issue(desk.about(person), person, valid), valid)


@router.post("/people/{person_id}/recover")
def admin_recover(person_id: Id, said: MakeLink, caller: Administrator, hub: TheHub) -> LinkMade:
    with changing(hub, caller) as desk:
        valid, person = timedelta(hours=said.hours), desk.recoverable(person_id, other_way=_other_way(hub))
        return _link_made(hub, desk, passkey_links.recover(desk.about(person), person, valid), valid)


@router.post("/people/{person_id}/sign-out", status_code=204)
def admin_sign_out(person_id: Id, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        person = desk.whole_person(person_id)
        staff.sign_out(desk.about(person), person)


@router.post("/people/{person_id}/end", status_code=204)
def admin_end_person(person_id: Id, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        person = desk.whole_person(person_id)
        staff.end_person(desk.about(person), person)


@router.post("/keys/{key_id}/end", status_code=204)
def admin_end_key(key_id: Id, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        key = desk.key(key_id)
        staff.end_passkey(desk.about(desk.whole_person(key.practitioner_id)), key)


@router.get("/kits")
def admin_kits(caller: Administrator, hub: TheHub) -> Kits:
    with looking(hub, caller) as desk:
        look = desk.looks()
        return Kits(kits=staff_lists.kits(look, hub.live.rooms.kits_connected()), codes=staff_lists.codes(look))


@router.post("/kits")
def admin_add_kit(said: AddKit, caller: Administrator, hub: TheHub) -> CodeMade:
    with changing(hub, caller) as desk:
        valid = timedelta(minutes=said.minutes)
        return _code_made(
            hub, desk, kit_enrolment.code_for_new(desk.change, desk.unit(said.unit_id), said.name, valid), valid
        )


@router.post("/kits/{kit_id}/code")
def admin_rotate_kit(kit_id: Id, said: MakeCode, caller: Administrator, hub: TheHub) -> CodeMade:
    """For another key of a kit, also of one that was shut out and is found again."""
    with changing(hub, caller) as desk:
        valid = timedelta(minutes=said.minutes)
        return _code_made(hub, desk, kit_enrolment.code_for_known(desk.change, desk.kit(kit_id), valid), valid)


@router.post("/kits/{kit_id}/revoke", status_code=204)
def admin_revoke_kit(kit_id: Id, caller: Administrator, hub: TheHub) -> None:
    with changing(hub, caller) as desk:
        kit_enrolment.revoke(desk.change, desk.kit(kit_id))


def _detail(desk: Desk, person_id: Id) -> StaffDetail:
    look = desk.looks()
    person = next((one for one in staff_lists.people(look, only=person_id)), None)
    if person is None:
        raise not_found()
    return StaffDetail(
        person=person, keys=staff_lists.keys(look.session, person_id), sessions=staff_lists.sessions(look, person_id)
    )


def _other_way(hub: Hub) -> bool:
    return bool(hub.settings.oidc.issuer)


def _origin(hub: Hub) -> str:
    """How browsers and kits reach the hub: the first that was set, as for the command."""
    return origin_of(hub.settings.origins[0])


def _link_made(hub: Hub, desk: Desk, token: str, valid: timedelta) -> LinkMade:
    url = f"{_origin(hub)}/enter/#passkey={token}"
    return LinkMade(url=url, qr=qr_rows(url), expires_at=desk.change.now + valid)


def _code_made(hub: Hub, desk: Desk, code: str, valid: timedelta) -> CodeMade:
    origin = _origin(hub)
    return CodeMade(code=code, hub=origin, qr=qr_rows(qr_text(origin, code)), expires_at=desk.change.now + valid)
