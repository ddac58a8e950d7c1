"""Mutants that take the place of a function in memory (`make mutants`)."""

from __future__ import annotations

import importlib.util
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants.caches import Caches
from tests.mutants.in_place import Functions, NotInPlace
from tests.mutants.mutating import Mutant, mutants

SOURCE = """
from functools import cache, wraps

MOST = 2
STEPS = {"one": lambda x: x + 1}
DOUBLES = [2 * x for x in (1, 2)]


def twice(function):
    @wraps(function)
    def both(x):
        return 2 * function(x)

    return both


def plain(x):
    return x < MOST


@twice
def decorated(x):
    return x + 10


@cache
def kept(x):
    return x + 20


def default(x, most=5):
    return min(x, most)


class Room:
    size = 7

    def method(self, x):
        return x - 4

    @property
    def area(self):
        return self.size * 9

    @classmethod
    def made(cls, x):
        return [y + 30 for y in (x,)]


def _reads():
    return plain(2), STEPS["one"](1), decorated(1), kept(1), Room().method(5), Room().area, Room.made(1), default(9)
"""
BEFORE = (False, 2, 22, 21, 1, 63, [31], 5)


def loaded(folder: Path) -> ModuleType:
    folder.mkdir()
    path = folder / "rooms.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("pins.rooms", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module._reads() == BEFORE
    return module


CHANGED = [
    ("return x < MOST", "return x <= MOST", 0, True),
    ('STEPS = {"one": lambda x: x + 1}', 'STEPS = {"one": lambda x: x - 1}', 1, 0),
    ("return 2 * function(x)", "return 3 * function(x)", 2, 33),  # of a decorator that has ended
    ("return x + 10", "return x - 10", 2, -18),
    ("return x + 20", "return x - 20", 3, -19),  # said something else before
    ("return x - 4", "return x + 4", 4, 9),
    ("return self.size * 9", "return self.size / 9", 5, 7 / 9),
    ("return [y + 30 for y in (x,)]", "return [y - 30 for y in (x,)]", 6, [-29]),
]
LEFT = [
    ("MOST = 2", "MOST = 3"),
    ("DOUBLES = [2 * x for x in (1, 2)]", "DOUBLES = [2 / x for x in (1, 2)]"),  # has run already
    ("def default(x, most=5):", "def default(x, most=6):"),
    ("size = 7", "size = 8"),
]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> list[ModuleType]:
    """A module of its own for each test, so that memory is looked through once."""
    return [loaded(tmp_path_factory.mktemp("copies") / str(number)) for number in range(len(CHANGED) + len(LEFT))]


@pytest.fixture(scope="module")
def functions(copies: list[ModuleType]) -> Functions:
    return Functions()


def changed(module: ModuleType, was: str, becomes: str) -> Mutant:
    return next(one for one in mutants(module.__file__ or "", SOURCE) if one.change == (was, becomes))


@pytest.mark.parametrize(("was", "becomes", "place", "value"), CHANGED)
def test_whoever_calls_the_function_runs_the_mutant(
    copies: list[ModuleType], functions: Functions, was: str, becomes: str, place: int, value: object
) -> None:
    module = copies.pop()
    functions.put_in_place(changed(module, was, becomes))
    assert module._reads() == (*BEFORE[:place], value, *BEFORE[place + 1 :])


@pytest.mark.parametrize(("was", "becomes"), LEFT)
def test_what_is_no_function_is_left_to_an_import(
    copies: list[ModuleType], functions: Functions, was: str, becomes: str
) -> None:
    module = copies.pop()
    with pytest.raises(NotInPlace):
        functions.put_in_place(changed(module, was, becomes))
    assert module._reads() == BEFORE


def test_what_a_function_of_the_project_remembers_is_forgotten_and_nothing_else() -> None:
    """Otherwise the first test alone would reach the lines of a statement that is composed once."""
    asked: list[str] = []
    ours, foreign = (cache(partial(asked.append, name)) for name in ("ours", "foreign"))
    ours.__module__, foreign.__module__ = "pins.rooms", "elsewhere"
    caches = Caches()
    for _ in range(2):
        ours()
        foreign()
        caches.forget()
    assert asked == ["ours", "foreign", "ours"]
