"""What the kit shows its pages and the hub of itself."""

from typing import TYPE_CHECKING, Any

from carebag_edge.handover import held
from carebag_edge.hub_refusal import standing
from carebag_edge.wording import short
from carebag_wire.messages import KitStatus
from carebag_wire.nurse_messages import KitState
from carebag_wire.page_lock import PageLock
from carebag_wire.visit import DeviceStatus

if TYPE_CHECKING:
    from carebag_edge.agent import Agent


def kit_state(agent: "Agent") -> KitState:
    """For the nurse's page."""
    nurse, unsent, core = agent.sessions.person, agent.journal.unsent(), agent.link.core
    state = KitState(
        nurse=nurse,
        kit_name=short(agent.settings.kit_name),
        hub=core.state,
        hub_since=core.since,
        hub_problem=standing(core.problem),
        unsent=unsent.count,
        oldest_unsent_at=unsent.oldest_at,
        damaged=agent.damage.count,
        damage=agent.damage.shown,
        not_taken=agent.damage.not_taken[0],
        not_taken_why=agent.damage.not_taken[1],
        disk=agent.disk.word,
        disk_used_percent=agent.disk.used_percent,
        visits=agent.bedside.heads(nurse),
        open=agent.bedside.open_snapshot(nurse),
        devices=_devices(agent),
        vitals=agent.intake.vitals.shown,
        listening=agent.listening.shown,
        doctor_hears=[] if agent.supervisor.nobody_reached else agent.ears.shown,
        ladder=agent.supervisor.shown,
        moves=agent.supervisor.moves,
        simulated=agent.settings.simulated,
        radio_problem=agent.intake.radio_problem,
        pairing=agent.intake.pairing.shown,
        tray=list(agent.tray.waiting()),
        tray_count=agent.tray.count(),
        set_aside=list(agent.tray.set_aside()),
        cartridges=agent.check.cartridges,
        loop_test=agent.loop_test.shown,
        check=agent.check.done,
        relay=agent.live_media.relay_state,
        call_codes=agent.proofs.codes,
        guests_waiting=agent.room.waiting,
        camera=agent.room.camera,
        questions=agent.questions.shown(nurse),
        message=agent.word,
        lock=page_lock(agent, in_room=False),
    )
    visit = held(agent.bedside, nurse)
    return withheld(state).model_copy(update={"held": visit}) if visit else state


def withheld(state: KitState) -> KitState:
    """Without anything of the open visit or of what was measured in it."""
    of_visit = {"open": None, "vitals": None, "listening": None, "ladder": None, "camera": None}
    lists: dict[str, list[Any]] = {"doctor_hears": [], "tray": [], "set_aside": [], "guests_waiting": []}
    visits = [one for one in state.visits if one.state != "open"]
    return state.model_copy(update={**of_visit, **lists, "call_codes": [], "tray_count": 0, "visits": visits})


def page_lock(agent: "Agent", *, in_room: bool = True) -> PageLock:
    """For a page that is locked, and beside everything for one that is not.

    Args:
        in_room: with what a call needs that goes on under the lock.
    """
    keeper, nurse = agent.keeper, agent.sessions.person
    snapshot = agent.bedside.open_snapshot(None) if in_room and not agent.is_held else None
    participants = snapshot.participants if snapshot is not None else []
    requests = snapshot.requests if snapshot is not None else []
    return PageLock(
        state=keeper.state,
        nurse=nurse.name if nurse else "",
        pin=keeper.has_pin,
        may_choose=keeper.may_choose,
        tries_left=keeper.tries_left,
        idle_seconds=keeper.rules.idle_s,
        left_seconds=keeper.left_s,
        hub=agent.link.core.state,
        participants=[one.model_copy(update={"name": ""}) if one.role == "guest" else one for one in participants],
        asked=sum(one.state == "asked" for one in requests),
        moves=agent.supervisor.moves,
    )


def _devices(agent: "Agent") -> list[DeviceStatus]:
    """The instruments, and the examination camera when it has something to say."""
    problem = agent.live_media.camera_problem
    camera = DeviceStatus(id="camera", kind="camera", name="", state="off", detail=problem or "")
    return [*agent.intake.devices.values(), *([camera] if problem else [])]


def kit_status(agent: "Agent") -> KitStatus:
    """For the hub and the doctor."""
    visit, unsent, nurse = agent.bedside.binder.visit, agent.journal.unsent(), agent.sessions.person
    return KitStatus(
        visit_id=visit.visit_id if visit else None,
        devices=_devices(agent),
        unsent=unsent.count,
        oldest_unsent_at=unsent.oldest_at,
        damaged=agent.damage.count,
        damage_number=agent.damage.number,
        mended=agent.damage.mended,
        nurse_present=agent.pages.present and nurse is not None and not agent.is_held,
        relay=agent.live_media.relay_state,
        ladder=agent.supervisor.shown,
        telephone=agent.settings.telephone,
        camera=agent.room.camera,
        guests_served=agent.guests_served,
        nurse_commission=nurse.commission_id if nurse else None,
    )
