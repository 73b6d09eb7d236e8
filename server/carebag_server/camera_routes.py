"""The doctor works the kit's examination camera: logged, then handed to the kit, whose nurse sees it done."""

from carebag_server.access import Doctor
from carebag_server.api_router import api_router
from carebag_server.audit import append
from carebag_server.hub import TheHub
from carebag_server.refusals import Refused
from carebag_server.relations import visible_visit
from carebag_server.visits import act_on
from carebag_wire.api import WorkCamera
from carebag_wire.base import Id
from carebag_wire.messages import CameraDo

router = api_router("/api/visits", "camera")


@router.post("/{visit_id}/camera", status_code=204)
def work_camera(visit_id: Id, wanted: WorkCamera, caller: Doctor, hub: TheHub) -> None:
    """Raises: Refused: 404 `not_found`; 409 `visit_closed`, `kit_away`."""
    with hub.database.transaction() as session:
        visit = visible_visit(session, caller, visit_id, hub.now())
        if visit.state != "open":
            raise Refused(409, "visit_closed")
        kit_id = visit.kit_id
        message = CameraDo(visit_id=visit_id, act=wanted.act, camera=wanted.camera, by=caller.person.name)
        if not hub.live.kit_hears(kit_id, message):
            raise Refused(409, "kit_away")
        append(session, caller.actor(), act_on(visit, f"camera_{wanted.act}", f"kit {visit.kit_id}"), hub.now())
    if not hub.live.tell_kit(kit_id, message):
        raise Refused(409, "kit_away")
