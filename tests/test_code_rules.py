"""What the code of hub, kit and pages never does: one look over all sources, so that a new file is looked at too."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVED = (
    "server/carebag_server",
    "server/carebag_wire",
    "server/carebag_fhir",
    "server/carebag_print",
    "server/carebag_scores",
)
"""What runs in the hub."""
PRODUCT = (*SERVED, "edge/carebag_edge", "devices/carebag_devices", "signal/carebag_signal")
"""And in the kit; the command `carebag` starts programs for demo and benches and is left out where that is meant."""
RUNS_CODE = {"eval", "exec", "compile", "__import__"}
STARTS_PROGRAMS = {"subprocess", "pty", "commands"}
READS_OBJECTS = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}
FETCHES = {"requests", "httpx", "httpx2", "urllib3", "http"}
UNSAFE_CRYPTO = {"ECB", "PKCS1v15", "MD5", "RC4", "ARC4", "TripleDES", "Blowfish", "DES", "CFB", "OFB"}
PAGES = re.compile(
    r"\{@html\b|\.innerHTML\b|\.outerHTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\(|"
    r"createContextualFragment|srcdoc|javascript:|document\.cookie"
)


def files(*folders: str, ending: str = "*.py") -> list[Path]:
    skipped = {"node_modules", "web_build"}
    found = [file for folder in folders for file in (ROOT / folder).rglob(ending) if not skipped & set(file.parts)]
    assert found
    return found


@cache
def nodes_of(folder: str) -> list[tuple[str, ast.AST]]:
    kinds = ast.Call | ast.Import | ast.ImportFrom | ast.Name | ast.Attribute
    return [
        (f"{file.relative_to(ROOT)}:{node.lineno}", node)
        for file in files(folder)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, kinds)
    ]


def trees(*folders: str) -> list[tuple[str, ast.AST]]:
    return [found for folder in folders for found in nodes_of(folder)]


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {name.name.split(".")[0] for name in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def test_no_text_is_run_as_code() -> None:
    bare = [(at, node) for at, node in trees(*PRODUCT, "server/carebag") if isinstance(node, ast.Call)]
    assert not [at for at, call in bare if isinstance(call.func, ast.Name) and call.func.id in RUNS_CODE]


def test_neither_hub_nor_kit_reads_objects() -> None:
    assert not [at for at, node in trees(*PRODUCT) if imported(node) & READS_OBJECTS]


def test_neither_hub_nor_kit_starts_programs() -> None:
    """Only simulated instruments do: a bus of their own."""
    for at, node in trees(*PRODUCT):
        called = isinstance(node, ast.Call) and name_of(node) in {"system", "popen", "Popen", "create_subprocess_exec"}
        if called or imported(node) & STARTS_PROGRAMS:
            assert at.startswith("devices/carebag_devices/radio/private_bus.py"), at


def test_no_shell_anywhere() -> None:
    calls = [(at, node) for at, node in trees(*PRODUCT, "server/carebag") if isinstance(node, ast.Call)]
    shells = [at for at, call in calls if any(word.arg == "shell" for word in call.keywords)]
    assert not shells
    assert not [at for at, call in calls if name_of(call) == "create_subprocess_shell"]


def test_statements_of_the_database_are_constants() -> None:
    """`text(…)` and `exec_driver_sql(…)` take what is written in the source, but for names that the source lists."""
    made = []
    for at, node in trees("server/carebag_server"):
        if isinstance(node, ast.Call) and name_of(node) in {"text", "exec_driver_sql", "literal_column"} and node.args:
            made += [at] if not isinstance(node.args[0], ast.Constant | ast.IfExp | ast.Name) else []
    assert {at.split(":")[0] for at in made} <= {
        "server/carebag_server/audit_verifier/log.py",
        "server/carebag_server/hubs/bus_postgres.py",
    }


def test_the_hub_fetches_nothing_by_an_address_from_outside() -> None:
    """No address in a request or a record is ever asked for (SSRF): the one HTTP client asks the provider of sign-ins
    that the operator named, at the addresses which that provider's own document gives.
    """
    found = {at.split(":")[0] for at, node in trees(*SERVED) if imported(node) & (FETCHES | {"aiohttp"})}
    assert found == {"server/carebag_server/oidc/provider.py"}
    opened = [at for at, node in trees(*SERVED) if isinstance(node, ast.Call) and name_of(node) == "urlopen"]
    assert not opened


def test_a_stop_is_not_lost() -> None:
    """`asyncio.wait_for` of Python 3.11 loses a cancel that comes together with what it waits for (bpo-37658), and the
    loop around it goes on: `asyncio.timeout` does not. And who waits for a task that he cancelled under
    `suppress(CancelledError)` takes his own for the task's: `asyncio.wait` does not. At the end of a program or of a
    task, where nothing follows, it may stand.
    """
    folders = (*PRODUCT, "server/carebag", "devices/bench", "devices/bluez")
    calls = [(at, node) for at, node in trees(*folders) if isinstance(node, ast.Call)]
    waits = [at for at, call in calls if ast.unparse(call.func) in {"asyncio.wait_for", "wait_for", "tasks.wait_for"}]
    assert waits == []
    taken = {
        at.split(":")[0]
        for at, call in calls
        if name_of(call) == "suppress" and any("CancelledError" in ast.unparse(one) for one in call.args)
    }
    assert taken <= {"edge/carebag_edge/live/talk.py", "server/carebag/kit.py", "devices/carebag_devices/bag.py"}


def test_no_broken_cipher_or_digest() -> None:
    for at, node in trees(*PRODUCT):
        if isinstance(node, ast.Name | ast.Attribute):
            assert (node.id if isinstance(node, ast.Name) else node.attr) not in UNSAFE_CRYPTO, at
        if isinstance(node, ast.Call) and name_of(node) in {"md5", "sha1"}:
            open_use = any(word.arg == "usedforsecurity" for word in node.keywords)
            assert open_use, at
            assert at.startswith("server/carebag_fhir/"), at  # a field of FHIR, not for security


def test_secrets_come_from_the_systems_generator() -> None:
    """`random` is for seeds of simulations: neither hub nor kit has it, but for spreading waits."""
    found = {at.split(":")[0] for at, node in trees(*SERVED, "edge/carebag_edge") if "random" in imported(node)}
    assert found <= {"edge/carebag_edge/backoff.py"}


def test_pages_never_take_text_for_markup_or_code() -> None:
    sources = [*files("web/src", ending="*.svelte"), *files("web/src", ending="*.ts")]
    faults = [f"{file.name}: {found}" for file in sources for found in PAGES.findall(file.read_text(encoding="utf-8"))]
    assert not faults


def test_pages_take_no_messages_of_other_windows_and_load_nothing_from_elsewhere() -> None:
    for file in [*files("web/src", ending="*.svelte"), *files("web/src", ending="*.ts")]:
        if file.name.endswith(".gen.ts"):
            continue
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"window\.(parent|opener|top)\b|addEventListener\('message'", text), file
        assert not re.findall(r"""(?:src|href|fetch\(|import\()\s*=?\s*["'`](?:https?:)?//""", text), file


def test_no_page_records_a_call() -> None:
    """Pictures and voices are seen and heard, and kept nowhere: neither by a page nor by hub or kit."""
    recorders = re.compile(r"MediaRecorder|captureStream|VideoEncoder|MediaStreamTrackProcessor|showSaveFilePicker")
    sources = [*files("web/src", ending="*.svelte"), *files("web/src", ending="*.ts"), *files("edge", "server")]
    assert [file.name for file in sources if recorders.search(file.read_text(encoding="utf-8"))] == []


def test_no_secret_lies_in_the_sources() -> None:
    keys = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}")
    for folder, ending in [("server", "*"), ("edge", "*"), ("web/src", "*"), ("docs", "*.md")]:
        for file in files(folder, ending=ending):
            if file.is_file() and file.suffix in {".py", ".ts", ".svelte", ".md", ".toml", ".json"}:
                assert not keys.search(file.read_text(encoding="utf-8")), file
