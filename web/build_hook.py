"""Builds the pages while the wheel (or the editable install) is made, so that a user needs only Python."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from npm import NODE_WHEEL, find_npm, node_on_path

BUILT = ("server/carebag_server/web_build", "edge/carebag_edge/web_build")


def _newest(paths: list[Path]) -> float:
    return max((file.stat().st_mtime for path in paths for file in _files(path)), default=0.0)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


class WebBuildHook(BuildHookInterface[Any]):
    """`npm ci` and `vite build` for the pages, skipped when the built ones are newer than their source."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if os.environ.get("CAREBAG_SKIP_WEB") or node_on_path() else [NODE_WHEEL]

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
