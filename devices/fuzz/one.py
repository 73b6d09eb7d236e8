"""Fuzzes one codec for so many seconds of processor time: `one.py NAME SECONDS FOLDER`.

The last line of standard output is the number of executions. Exit status 0 only if nothing was raised; the input that
raised is in the folder, as `crash-…`.
"""

import os
import sys
import time
import tomllib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["carebag_devices"]):
    from targets import TARGETS

LONGEST = {
    "afinion_link": 4096,
    "afinion_record": 256,
    "decoding": 512,
    "lis01_link": 4096,
    "lis2": 4096,
    "poct1a": 4096,
    "poct1a_host": 4096,
    "rice": 520,
    "xml_document": 4096,
}
"""Bytes of an input, where not 64."""


def main() -> None:
    """Does not return: libFuzzer ends the process on a finding, the clock otherwise."""
    name, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    check, executions = TARGETS[name], 0
    began = time.process_time()

    def once(raw: bytes) -> None:
        nonlocal executions
        check(raw)
        executions += 1
        if executions % 256 == 0 and time.process_time() - began >= seconds:
            sys.stdout.write(f"{executions}\n")
            sys.stdout.flush()
            os._exit(0)

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = tomllib.loads(Path(__file__).with_name("seeds.toml").read_text(encoding="utf-8"))
    for number, seed in enumerate(seeds[name]):
        (corpus / f"seed-{number}").write_bytes(bytes.fromhex(seed))
    options = [f"-max_len={LONGEST.get(name, 64)}", "-timeout=20", "-rss_limit_mb=1024", "-print_final_stats=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
