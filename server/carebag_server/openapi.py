"""The hub's routes and all WebSocket messages in one OpenAPI document, from which the pages' types are made.

python -m carebag_server.openapi > web/openapi.json
"""

import json
import sys
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from carebag_wire.messages import FromConsole, FromGuest, ToConsole, ToGuest
from carebag_wire.nurse_messages import FromNurse, ToNurse
from carebag_wire.visit import ListeningState, LiveVitals, SoundEnd

MESSAGES: dict[str, Any] = {
    "FromConsole": FromConsole,
    "FromGuest": FromGuest,
    "FromNurse": FromNurse,
    "ListeningState": ListeningState,
    "LiveVitals": LiveVitals,
    "SoundEnd": SoundEnd,
    "ToConsole": ToConsole,
    "ToGuest": ToGuest,
    "ToNurse": ToNurse,
}
_REF = "#/components/schemas/"
_MODE: JsonSchemaMode = "serialization"


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` give the whole document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version="1", routes=app.routes, separate_input_output_schemas=True)
    schemas = document["components"]["schemas"]
    document = _one_name_each(document)
    schemas = document["components"]["schemas"]
    schemas.update(_message_schemas())
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _refusals_only(document)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _message_schemas() -> dict[str, Any]:
    """Schemas of the messages and all they contain, with `discriminator` and its mapping."""
    adapters: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (name, _MODE, TypeAdapter(message)) for name, message in MESSAGES.items()
    ]
    roots, shared = TypeAdapter.json_schemas(adapters, ref_template=_REF + "{model}")
    schemas = dict(shared.get("$defs", {}))
    for (name, _), schema in roots.items():
        if schema != {"$ref": _REF + str(name)}:
            schemas[str(name)] = schema
    return schemas


def _one_name_each(document: dict[str, Any]) -> dict[str, Any]:
    """What is both sent and received has one name, with all fields required as the hub sends them."""
    schemas = document["components"]["schemas"]
    doubled = {name.removesuffix("-Output") for name in schemas if name.endswith("-Output")}
    for name in doubled:
        schemas[name] = schemas.pop(f"{name}-Output")
        schemas.pop(f"{name}-Input", None)
    text = json.dumps(document)
    for name in doubled:
        for suffix in ("-Output", "-Input"):
            text = text.replace(f'"{_REF}{name}{suffix}"', f'"{_REF}{name}"')
    whole: dict[str, Any] = json.loads(text)
    return whole


def _refusals_only(document: dict[str, Any]) -> None:
    """A validation error is a `Refusal` too."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)


def current() -> str:
    """The document as it is committed."""
    from carebag_server.app import create_app
    from carebag_server.settings import Settings

    app = create_app(Settings(database_url="sqlite://"))
    document = app.openapi()
    app.state.hub.database.dispose()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(current())
