"""Proof of the sound path: told by the doctor's page, read by the medical lead."""

from carebag_server import path_proofs
from carebag_server.access import Doctor, Reviewer
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.base import Id
from carebag_wire.path_proof import MakePathProof, PathProof

router = api_router("/api", "path proofs")


@router.post("/visits/{visit_id}/path-proofs", status_code=204)
def keep_path_proof(visit_id: Id, made: MakePathProof, caller: Doctor, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        path_proofs.keep(hub, session, caller, visit_id, made)


@router.get("/review/visits/{visit_id}/path-proofs")
def read_path_proofs(visit_id: Id, caller: Reviewer, hub: TheHub) -> list[PathProof]:
    with hub.database.transaction() as session:
        return path_proofs.read(hub, session, caller, visit_id)
