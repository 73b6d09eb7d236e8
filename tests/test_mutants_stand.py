"""What each mutant changes stands there once; a mutant that fits nothing proves nothing."""

from tests.mutants import MUTANTS, ROOT


def test_each_mutant_can_be_made() -> None:
    wrong = [one.name for one in MUTANTS if (ROOT / one.file).read_text("utf-8").count(one.old) != 1]
    assert wrong == []
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)


def test_its_tests_are_there() -> None:
    assert [one.name for one in MUTANTS for named in one.tests.split() if not _is_there(named)] == []


def _is_there(named: str) -> bool:
    """A file or folder, or one test of a file by pytest's name of it."""
    file, _, test = named.partition("::")
    path = ROOT / file
    return path.exists() and (not test or f"def {test.partition('[')[0]}(" in path.read_text("utf-8"))
