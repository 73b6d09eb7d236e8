"""Runs npm in web/ with the machine's Node, or the one that the `dev` extra brings: `python web/npm.py run check`."""

import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parent
sys.path.insert(0, str(WEB))

from build_hook import find_npm  # noqa: E402


def main(arguments: list[str]) -> int:
    npm, environment = find_npm()
    if not (WEB / "node_modules" / "svelte-check").exists():
        subprocess.run([*npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=environment, check=True)  # noqa: S603
    return subprocess.run([*npm, *arguments], cwd=WEB, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
