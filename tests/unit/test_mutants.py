"""The mutation run itself (`make mutants`): which changes it makes, which tests it picks, what it counts."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants import results
from tests.mutants.mutating import Mutant, mutants
from tests.mutants.reach import Reach, judges
from tests.mutants.results import Fate, Judged
from tests.mutants.running import Changed
from tests.mutants.suites import SUITES, chosen, text_of
from tests.mutants.trials import sample, trial_of

SOURCE = '''"""A rule."""

import logging

log = logging.getLogger(__name__)
SLOW = {"a": 1, "b": 2}


@frozen(eq=True)
class Rule:
    most: int = 5

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        if self.ready:
            note(self)
        return self.most >= 3 and not self.shut


def check(count: int | None) -> None:
    if count is None:
        log.info("none", extra={"count": 1})
        raise ValueError("A count, please: 0 or more.")
'''


def changes(source: str = SOURCE) -> set[tuple[str, str]]:
    return {one.change for one in mutants("rule.py", source)}


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('SLOW = {"a": 1, "b": 2}', 'SLOW = {"a": 2, "b": 2}'),  # tables, too
        ('SLOW = {"a": 1, "b": 2}', 'SLOW = {"b": 2}'),
        ("most: int = 5", "most: int = 6"),  # and defaults
        ("if self.ready:", "if not (self.ready):"),
        ("note(self)", "pass"),
        ("return self.most >= 3 and not self.shut", "return self.most > 3 and not self.shut"),
        ("return self.most >= 3 and not self.shut", "return self.most >= 3 or not self.shut"),
        ("return self.most >= 3 and not self.shut", "return not self.shut"),
        ("return self.most >= 3 and not self.shut", "return self.most >= 3 and self.shut"),
        ("if count is None:", "if count is not None:"),
    ],
)
def test_what_decides_is_changed(was: str, becomes: str) -> None:
    assert (was, becomes) in changes()


def test_what_decides_nothing_is_left_alone() -> None:
    lines = {was for was, _ in changes()}
    assert not {line for line in lines if "log" in line or "raise" in line or "frozen" in line or '"""' in line}
    assert not {line for line in lines if line.startswith(("import", "def", "class"))}


def test_each_mutant_is_one_change_of_valid_python() -> None:
    for one in mutants("rule.py", SOURCE):
        compile(one.text, "rule.py", "exec")
        assert one.diff.count("\n-") + one.diff.count("\n+") == 2


def test_the_lines_of_a_mutant_begin_with_its_statement() -> None:
    source = "def f(x):\n    return g(\n        x,\n        1 + x,\n    )\n"
    (one,) = [one for one in mutants("f.py", source) if one.change[1] == "1 - x,"]
    assert (one.lines, one.in_function) == (range(2, 5), True)


def test_a_default_is_judged_by_the_tests_that_reach_its_function() -> None:
    source = "def f(\n    x=False,\n):\n    y = x\n    return y\n\n\nz = 1\n"
    (one,) = [one for one in mutants("f.py", source) if one.change[1] == "x=True,"]
    assert (one.lines, one.in_function) == (range(1, 6), True)


def test_a_larger_sample_holds_the_smaller_and_a_seed_gives_the_same_again() -> None:
    path = "pins/core/capacity.py"
    numbers = [one.number for one in sample(path, 20, seed=3)]
    assert [one.number for one in sample(path, 8, seed=3)] == numbers[:8]
    assert [one.number for one in sample(path, 20, seed=4)] != numbers


REACH = Reach(
    "tests/test_a.py",
    seconds={"quick": 0.1, "slow": 5.0, "elsewhere": 0.2, "idle": 0.1},
    lines={"a.py": {"2": ["slow"], "3": ["quick", "slow"], "9": ["elsewhere"]}},
)


def test_a_mutant_is_judged_by_the_tests_that_reach_its_lines() -> None:
    assert judges([REACH], "a.py", range(2, 4), in_function=True) == {"quick": 0.1, "slow": 5.0}
    assert judges([REACH], "a.py", range(4, 5), in_function=True) == {}
    assert set(judges([REACH], "a.py", range(1, 2), in_function=False)) == {"quick", "slow", "elsewhere"}


@pytest.mark.parametrize(
    ("most", "chosen_tests", "left_out"), [(9.0, ["quick", "slow"], 0), (1.0, ["quick"], 1), (0.0, ["quick"], 1)]
)
def test_the_fastest_tests_come_first_and_at_least_one(most: float, chosen_tests: list[str], left_out: int) -> None:
    trial = trial_of(Mutant("a.py", 0, range(3, 4), True, "", str), SUITES[0], [REACH], most)
    assert (list(trial.judges), trial.left_out) == (chosen_tests, left_out)
    assert trial.fate(0, timed_out=False) is Fate.SURVIVED
    assert trial.fate(1, timed_out=False) is Fate.KILLED
    assert trial.fate(-9, timed_out=True) is Fate.TIMEOUT


def test_tests_that_are_named_after_the_module_come_before_faster_ones() -> None:
    own, other = "tests/test_a_b.py::slow", "tests/test_c.py::quick"
    reached = Reach("", seconds={own: 3.0, other: 0.1}, lines={"x/a_b.py": {"3": [other, own]}})
    mutant = Mutant("x/a_b.py", 0, range(3, 4), True, "", str)
    assert list(trial_of(mutant, SUITES[0], [reached], 3.0).judges) == [own]
    assert list(trial_of(mutant, SUITES[0], [reached], 9.0).judges) == [own, other]


@pytest.fixture
def imported() -> Iterator[None]:
    before = list(sys.meta_path)
    yield
    sys.meta_path[:] = before
    sys.modules.pop("tests.mutants.suites_copy", None)


@pytest.mark.usefixtures("imported")
def test_a_changed_module_is_imported_from_its_text_alone() -> None:
    sys.meta_path.insert(0, Changed("tests/mutants/suites_copy.py", "VALUE = 7\n"))
    assert importlib.import_module("tests.mutants.suites_copy").VALUE == 7
    assert not Path(results.__file__).with_name("suites_copy.py").exists()


def judged(path: str, *fates: Fate) -> list[Judged]:
    changed = "x = 2\n"
    return [
        Judged(Mutant(path, n, range(1), True, "x = 1\n", lambda: changed), fate, 4) for n, fate in enumerate(fates)
    ]


def test_the_table_counts_equivalent_mutants_neither_for_nor_against() -> None:
    found = judged("a.py", Fate.KILLED, Fate.TIMEOUT, Fate.EQUIVALENT) + judged("b.py", Fate.KILLED, Fate.SURVIVED)
    found += judged("c.py", Fate.EQUIVALENT) + judged("b.py", Fate.UNREACHED)
    assert results.table(found).splitlines()[2:] == [
        "| a.py | 3 | 1 | 1 | 0 | 0 | 1 | 100 |",
        "| b.py | 3 | 1 | 0 | 1 | 1 | 0 | **33** |",
        "| c.py | 1 | 0 | 0 | 0 | 0 | 1 |  |",
        "| all | 7 | 2 | 1 | 1 | 1 | 2 | **60** |",
    ]
    text = results.survivors(found)
    assert text.count("-x = 1") == text.count("+x = 2") == 2
    assert "b.py number 1: survived (4 tests)" in text


def test_equivalent_mutants_have_a_reason_and_name_a_line_that_is_there(tmp_path: Path) -> None:
    for module, was, _ in results.equivalents():
        assert was in [line.strip() for line in text_of(module).splitlines()], f"{module} has changed: {was}"
    bare = tmp_path / "bare.toml"
    bare.write_text('[[mutant]]\nmodule = "a.py"\nwas = "x"\nbecomes = "y"\nwhy = " "\n')
    with pytest.raises(ValueError, match="say why"):
        results.equivalents(bare)


def test_modules_are_named_by_a_part_of_their_path() -> None:
    assert [module for module, _ in chosen(["core/retry", "decide/merge"])] == [
        "pins/core/retry.py",
        "rentals/calendars/decide/merge.py",
    ]
    assert len(list(chosen([]))) == sum(len(suite.modules()) for suite in SUITES) > 50
    with pytest.raises(ValueError, match="core/rety"):
        list(chosen(["core/retry", "core/rety"]))
    assert all(suite.test_files() for suite in SUITES)
