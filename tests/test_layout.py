"""The folder `signal/` must never hide the standard library's module, from wherever Python is started."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_FOLDERS = ("edge", "server", "devices", "signal", "web", "tests")


def packages_of_ours() -> list[Path]:
    places = [ROOT / top for top in TOP_FOLDERS if (ROOT / top).exists()]
    skipped = {"node_modules", "web_build"}
    return [
        init.parent
        for top in places
        for init in top.rglob("__init__.py")
        if not skipped & set(init.relative_to(ROOT).parts)
    ]


def test_no_outermost_package_bears_the_name_of_a_standard_module() -> None:
    packages = packages_of_ours()
    assert packages
    outermost = {package for package in packages if not (package.parent / "__init__.py").exists()}
    assert not {package.name for package in outermost} & set(sys.stdlib_module_names)


def test_tests_hold_no_packages() -> None:
    assert not [package for package in packages_of_ours() if package.is_relative_to(ROOT / "tests")]


@pytest.mark.parametrize("folder", [".", "tests", "signal", "edge", "server", "devices"])
def test_import_signal_gives_the_standard_module(folder: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "import signal; print(signal.__file__, signal.SIGTERM)"],
        cwd=ROOT / folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(answer.split()[0]).resolve().is_relative_to(Path(sys.base_prefix).resolve())


def test_no_file_is_called_utils_or_helpers() -> None:
    forbidden = {"utils.py", "helpers.py", "common.py", "utils.ts", "helpers.ts", "common.ts"}
    ours = [
        file
        for top in TOP_FOLDERS
        for file in (ROOT / top).rglob("*")
        if file.name in forbidden and not {"node_modules", "web_build"} & set(file.parts)
    ]
    assert not ours
