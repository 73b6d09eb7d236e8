"""The notice in the console that a kit's disk is damaged: read, and not said again."""

from carebag_server import kit_damage
from carebag_server.access import Doctor
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.base import Id
from carebag_wire.kit_damage import KitDamageSeen, SayKitDamageSeen

router = api_router("/api", "kit damage")


@router.get("/visits/{visit_id}/kit-damage")
def read_kit_damage_seen(visit_id: Id, caller: Doctor, hub: TheHub) -> KitDamageSeen:
    with hub.database.transaction() as session:
        return kit_damage.read(hub, session, caller, visit_id)


@router.post("/visits/{visit_id}/kit-damage", status_code=204)
def keep_kit_damage_seen(visit_id: Id, said: SayKitDamageSeen, caller: Doctor, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        kit_damage.keep(hub, session, caller, visit_id, said.number)
