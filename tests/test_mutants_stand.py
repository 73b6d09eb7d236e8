"""What each mutant changes stands there once; a mutant that fits nothing proves nothing."""

from tests.mutants import MUTANTS, ROOT


def test_each_mutant_can_be_made() -> None:
    wrong = [one.name for one in MUTANTS if (ROOT / one.file).read_text("utf-8").count(one.old) != 1]
    assert wrong == []
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)


def test_its_tests_are_there() -> None:
    assert [one.name for one in MUTANTS for file in one.tests.split() if not (ROOT / file).exists()] == []
