"""The pages as built, a helpful word when they are not, and an OpenAPI document that is current."""

import json
from pathlib import Path
from typing import Any

import pytest

from carebag_server import openapi, pages
from carebag_wire.nowhere import NOWHERE
from carebag_wire.page_headers import content_policy

HOME = ("http://localhost:8470",)


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "web_build"
    for name in ("index.html", "doctor/index.html", "assets/app-1a2b.js", ".vite/manifest.json", "icon.svg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(pages, "BUILD", folder)
    return folder


def test_pages_and_assets(small_hub: Any, build: Path) -> None:
    get = small_hub.client.get
    assert (get("/").text, get("/").headers["cache-control"]) == ("index.html", "no-cache")
    assert get("/doctor/").text == "doctor/index.html"
    assert get("/icon.svg").text == "icon.svg"
    asset = get("/assets/app-1a2b.js")
    assert (asset.text, "immutable" in asset.headers["cache-control"]) == ("assets/app-1a2b.js", True)
    assert asset.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret",
        "/assets/..%2F..%2Fsecret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets//etc/passwd",
        "/..%2Fsecret",
        "/.vite/manifest.json",
        "/assets/.vite",
        "/assets/",
        "/assets/a%00b",
        "/index.html",
    ],
)
def test_nothing_outside_the_build(small_hub: Any, build: Path, path: str) -> None:
    assert small_hub.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/nope", "/doctor/xyz", "/review/<b>x</b>", "/assets/nope.js"])
def test_an_address_that_is_no_page_is_one_for_people(small_hub: Any, build: Path, path: str) -> None:
    get = small_hub.client.get
    page = get(path, headers={"accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.text) == (404, NOWHERE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == content_policy(HOME)
    assert get(path).json() == {"code": "not_found"}


@pytest.mark.parametrize("path", ["/api/nope", "/api/demo/nope"])
def test_of_the_api_an_answer_stays_a_code(small_hub: Any, path: str) -> None:
    answer = small_hub.client.get(path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})


def test_without_a_build_the_page_says_how(small_hub: Any, build: Path) -> None:
    answer = small_hub.client.get("/review/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text
    assert "<script" not in answer.text


def test_the_committed_document_is_current() -> None:
    committed = Path(__file__).parents[2] / "web" / "openapi.json"
    assert committed.read_text(encoding="utf-8") == openapi.current(), (
        "run: python -m carebag_server.openapi > web/openapi.json, then npm run types"
    )


def test_every_reference_is_there_and_every_union_has_a_mapping() -> None:
    document = json.loads(openapi.current())
    schemas = document["components"]["schemas"]
    assert set(openapi.MESSAGES) <= set(schemas)
    for name in ("ToConsole", "FromConsole", "ToNurse", "FromNurse"):
        assert len(schemas[name]["discriminator"]["mapping"]) == len(schemas[name]["oneOf"])
    text = json.dumps(document)
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.split('"')[0] in schemas
    assert not [name for name in schemas if name.endswith(("-Input", "-Output"))]
