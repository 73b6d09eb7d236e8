"""`carebag catalog`: which instruments the kit knows, and whether the entries' bytes mean what they say."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from carebag_devices.catalog import CatalogError, Model, read_catalog
from carebag_devices.meaning.checking import differences


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, help="a folder with more entries, one TOML file each")
    parser.add_argument(
        "--check", action="store_true", help="read every entry's test bytes; exit status 1 if one differs"
    )


def run(args: argparse.Namespace) -> int:
    """Exit status 2 for an entry that says what none may say."""
    if args.folder is not None and not args.folder.is_dir():
        raise SystemExit(f"carebag catalog: {args.folder} is not a folder")
    try:
        models = read_catalog(args.folder)
    except CatalogError as error:
        print(f"carebag catalog: {error}")
        return 2
    return _check(models) if args.check else _list(models)


def _list(models: Sequence[Model]) -> int:
    for model in sorted(models, key=lambda one: (one.kind, one.key)):
        sold = " ".join(filter(None, (model.maker, model.name))) or "(any of its kind)"
        quirks = f"  [{', '.join(sorted(model.quirks))}]" if model.quirks else ""
        print(f"{model.kind:14} {model.key:26} {model.driver:16} {sold}{quirks}")
    return 0


def _check(models: Sequence[Model]) -> int:
    wrong = 0
    for model in models:
        for at, vector in enumerate(model.vectors):
            for difference in differences(model, vector):
                wrong += 1
                print(f"{model.key}, vector {at}: {difference}")
    count = sum(len(model.vectors) for model in models)
    print(f"{len(models)} entries, {count} vectors, {wrong} differences")
    return 1 if wrong else 0
