"""How all routers of the hub are made: operations named after their functions, every fault a `Refusal`."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from carebag_wire.api import Refusal


def _name(route: APIRoute) -> str:
    return route.name


def api_router(prefix: str, tag: str) -> APIRouter:
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        generate_unique_id_function=_name,
        responses={"default": {"model": Refusal, "description": "Refused: a code, no sentence"}},
    )
