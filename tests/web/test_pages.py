"""The pages' own unit tests, and that their types are those of the hub's description."""

import runpy
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture(scope="module")
def npm() -> tuple[list[str], dict[str, str]]:
    command, environment = runpy.run_path(str(WEB / "npm.py"))["find_npm"]()
    if not (WEB / "node_modules" / "vitest").exists():
        subprocess.run([*command, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=environment, check=True)
    return command, environment


def test_the_pages_unit_tests_pass(npm: tuple[list[str], dict[str, str]]) -> None:
    command, environment = npm
    ran = subprocess.run([*command, "test"], cwd=WEB, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]


def test_the_types_are_generated_from_the_hubs_description(
    npm: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    command, environment = npm
    made = tmp_path / "api.gen.ts"
    options = ["openapi.json", "--root-types", "--root-types-no-schema-prefix", "-o", str(made)]
    subprocess.run(
        [*command, "exec", "--", "openapi-typescript", *options],
        cwd=WEB,
        env=environment,
        check=True,
        capture_output=True,
    )
    committed = (WEB / "src" / "shared" / "api.gen.ts").read_text(encoding="utf-8")
    assert made.read_text(encoding="utf-8") == committed, "run: make types"
