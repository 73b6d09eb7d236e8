"""Two people move what was measured on another patient: a doctor proposes, the medical lead decides."""

from carebag_server import moves
from carebag_server.access import Doctor, Reviewer
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_wire.base import Id
from carebag_wire.moves import DecideMove, Move, ProposeMove

router = api_router("/api", "moves")


@router.post("/visits/{visit_id}/moves/{record_id}", status_code=201)
def propose_move(visit_id: Id, record_id: Id, said: ProposeMove, caller: Doctor, hub: TheHub) -> Move:
    with hub.database.transaction() as session:
        return moves.propose(hub, session, caller, visit_id, record_id, said)


@router.get("/review/moves")
def list_moves(caller: Reviewer, hub: TheHub) -> list[Move]:
    with hub.database.transaction() as session:
        return moves.all_moves(hub, session, caller)


@router.post("/review/moves/{move_id}")
def decide_move(move_id: Id, said: DecideMove, caller: Reviewer, hub: TheHub) -> Move:
    with hub.database.transaction() as session:
        return moves.decide_move(hub, session, caller, move_id, said)
