"""The built pages, shipped inside the package; without them a plain page says how to build them."""

from html import escape
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

from carebag_server.access import Anyone
from carebag_server.hub import Hub, TheHub
from carebag_server.refusals import not_found

BUILD = Path(__file__).parent / "web_build"
router = APIRouter(include_in_schema=False)
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Carebag</title>
<h1>The hub runs, but its pages are not built</h1>
<p>Build them with <code>npm ci</code> and <code>npm run build</code> in the folder <code>web</code>,
or install the package anew: <code>pip install -e .</code> builds them.</p>
</html>
"""
_NO_CACHE = {"Cache-Control": "no-cache"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("/")
def front_page(visitor: Anyone, hub: TheHub) -> Response:
    return _page("index", hub)


@router.get("/enter/")
def enter_page(visitor: Anyone, hub: TheHub) -> Response:
    return _page("enter", hub)


@router.get("/doctor/")
def doctor_page(visitor: Anyone, hub: TheHub) -> Response:
    return _page("doctor", hub)


@router.get("/guest/")
def guest_page(visitor: Anyone, hub: TheHub) -> Response:
    return _page("guest", hub)


@router.get("/review/")
def review_page(visitor: Anyone, hub: TheHub) -> Response:
    return _page("review", hub)


@router.get("/admin/")
def admin_page(visitor: Anyone, hub: TheHub) -> Response:
    return _page("admin", hub)


@router.get("/assets/{path:path}")
def asset(path: str, visitor: Anyone) -> Response:
    """Built files carry a digest in their name and never change."""
    return _file(BUILD / "assets", path, _FOR_EVER)


@router.get("/{name}")
def top_file(name: str, visitor: Anyone) -> Response:
    """Icons and the like, beside the pages."""
    if name.startswith(".") or name.endswith(".html"):
        raise not_found()
    return _file(BUILD, name, _NO_CACHE)


def _page(name: str, hub: Hub) -> Response:
    """It is told in which zone its times are."""
    candidates = [BUILD / name / "index.html", BUILD / f"{name}.html"]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        return HTMLResponse(_MISSING, status_code=503, headers=_NO_CACHE)
    zone = escape(hub.settings.time_zone)
    told = found.read_text(encoding="utf-8").replace("<html ", f'<html data-care-zone="{zone}" ', 1)
    return HTMLResponse(told, headers=_NO_CACHE)


def _file(folder: Path, path: str, headers: dict[str, str]) -> Response:
    """A file below `folder`, whatever the path says."""
    try:
        file = (folder / path).resolve()
        inside = file.is_relative_to(folder.resolve()) and file.is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        raise not_found()
    return FileResponse(file, headers=headers)
