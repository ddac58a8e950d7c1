"""Mutants one after the other in a pytest that has collected all tests already, each in a fork of its own.

Importing the project and collecting take seconds for each mutant, and most are noticed by a test of some hundredths of
a second. So the code of the changed function takes the place of the old one in the fork. That is a first look only:
what stands in a table or a class, and what no test notices here, is judged again, imported from its text.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final

import pytest

from tests.mutants.caches import Caches
from tests.mutants.mutating import Mutant
from tests.mutants.results import Fate
from tests.mutants.running import Child, run_pytest
from tests.mutants.trials import START_SECONDS, Trial
from tests.support.paths import ROOT

#: A function: its file, its name within the module, and its line.
Place = tuple[str, str, int]
#: A number in the pipe of turns has so many bytes: they are read in one piece.
TURN: Final = 4
#: Exit statuses of a fork.
KILLED: Final = 1
NOT_IN_PLACE: Final = 3


class NotInPlace(Exception):
    """The change is not in the body of a function that is known here."""


class Functions:
    """The functions that are in memory, and the caches of the project. Slow: make one, for many mutants."""

    def __init__(self) -> None:
        self._by_place = defaultdict[Place, list[FunctionType]](list)
        self._caches = Caches()
        gc.unfreeze()  # what is frozen is not shown
        for found in gc.get_objects():
            if type(found) is FunctionType:  # not `isinstance`: it asks lazy objects, which may fail
                self._by_place[_place(found.__code__)].append(found)
        gc.freeze()

    def put_in_place(self, mutant: Mutant) -> None:
        """Let everybody who calls the changed function run the mutant. Raises `NotInPlace`, with nothing changed."""
        file = str(ROOT / mutant.path)
        old, new = (compile(text, file, "exec", dont_inherit=True) for text in (mutant.source, mutant.text))
        swaps = [(function, changed) for was, changed in _changed(old, new) for function in self._by_place[_place(was)]]
        if not swaps or any(one.__code__.co_freevars != code.co_freevars for one, code in swaps):
            raise NotInPlace(mutant.path)
        for function, code in swaps:
            function.__code__ = code
        self._caches.forget()  # they may hold what the function said before


def _place(code: CodeType) -> Place:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The outermost functions that differ, and those within them. Raises `NotInPlace` where anything else differs."""
    before, after = list(_codes(old)), list(_codes(new))
    if len(before) != len(after) or not _alike(old, new):
        raise NotInPlace(old.co_filename)
    for was, becomes in zip(before, after, strict=True):
        if _is_function(was):
            yield from _all_of(was, becomes)
        elif _alike(was, becomes):  # a class
            yield from _changed(was, becomes)
        else:
            raise NotInPlace(was.co_qualname)


def _all_of(was: CodeType, becomes: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """A function and those within it: a decorator's function may live on after the decorator has ended."""
    if was == becomes:
        return
    yield was, becomes
    within = list(_codes(was)), list(_codes(becomes))
    if len(within[0]) == len(within[1]):
        for one, other in zip(*within, strict=True):
            yield from _all_of(one, other)


def _codes(code: CodeType) -> Iterator[CodeType]:
    return (value for value in code.co_consts if isinstance(value, CodeType))


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & 0x02)  # CO_NEWLOCALS: not a module, not a class


def _alike(one: CodeType, other: CodeType) -> bool:
    """Whether the two do the same, whatever the functions in them do."""

    def told(code: CodeType) -> tuple[object, ...]:
        values = tuple(repr(value) for value in code.co_consts if not isinstance(value, CodeType))
        return code.co_code, code.co_names, code.co_varnames, values

    return told(one) == told(other)


class Judge:
    """A pytest plugin: runs the tests of one mutant after the other, each mutant in a fork, the fastest test first.

    `turns`: a pipe with the numbers of the trials that are to be done, which several processes share. `say`: is told
    each number with what became of the mutant, or with nothing where it must be judged with the module imported.
    """

    def __init__(self, trials: Sequence[Trial], turns: int, say: Callable[[int, Fate | None], object], output: Path):
        self.trials, self._turns, self._say, self._output = trials, turns, say, output
        self._forked = False
        self._failed: list[str] = []
        self._sound: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if self._forked:
            return None  # pytest runs what is left in the session
        functions = Functions()
        items = {item.nodeid: item for item in session.items}
        while turn := os.read(self._turns, TURN):
            number = int.from_bytes(turn, "big")
            trial = self.trials[number]
            judges = [items[test] for test in sorted(trial.judges, key=trial.judges.__getitem__) if test in items]
            self._say(number, self._fate(session, functions, trial, judges, items))
        return True

    def _fate(
        self,
        session: pytest.Session,
        functions: Functions,
        trial: Trial,
        judges: list[pytest.Item],
        items: Mapping[str, pytest.Item],
    ) -> Fate | None:
        status, by = self._run(session, judges, trial.seconds, lambda: functions.put_in_place(trial.mutant))
        if status is None:
            return Fate.TIMEOUT
        # It must have been the mutant that failed, and not that this test was collected beside others.
        return Fate.KILLED if status == KILLED and by in items and self._is_sound(session, items[by]) else None

    def _is_sound(self, session: pytest.Session, item: pytest.Item) -> bool:
        """Whether it passes without a mutant."""
        if item.nodeid not in self._sound:
            status, _ = self._run(session, [item], START_SECONDS, lambda: None)
            self._sound[item.nodeid] = status == 0
        return self._sound[item.nodeid]

    def _run(
        self, session: pytest.Session, items: list[pytest.Item], seconds: float, prepare: Callable[[], None]
    ) -> tuple[int | None, str]:
        """Runs these tests in a fork until one fails. Its exit status, `None` if it took too long, and that test."""
        failed = self._output.with_suffix(".failed")
        failed.unlink(missing_ok=True)

        def work() -> int:
            self._forked = True
            try:
                prepare()
            except NotInPlace:
                return NOT_IN_PLACE
            session.items[:] = items
            with contextlib.suppress(session.Failed):
                session.config.hook.pytest_runtestloop(session=session)
            # Ends what the tests began: servers, folders.
            session.config.hook.pytest_sessionfinish(session=session, exitstatus=0)
            failed.write_text("".join(self._failed[:1]))
            return KILLED if self._failed else 0

        child = Child(work, self._output, seconds)
        status = child.wait()
        return None if child.timed_out else status, failed.read_text() if failed.exists() else ""


def first_look(trials: Sequence[Trial], processes: int, output: Path) -> Iterator[tuple[int, Fate | None]]:
    """What became of the mutants as far as can be seen in place, by their number among the trials; `None`: judge again.

    All trials are of one suite. Those that a process took and did not answer do not come out.
    """
    read_turns, write_turns = os.pipe()
    read_fates, write_fates = os.pipe()
    files = sorted({str(ROOT / test.partition("::")[0]) for trial in trials for test in trial.judges})

    def say(number: int, fate: Fate | None) -> None:
        os.write(write_fates, f"{number} {fate or ''}\n".encode())

    def work(place: int) -> int:
        for unused in (write_turns, read_fates):
            os.close(unused)
        forks = output.with_stem(f"{output.stem}-{place}-fork")
        return run_pytest(["-x", "--tb=short", *files], [Judge(trials, read_turns, say, forks)])

    limit = sum(START_SECONDS + trial.seconds for trial in trials)
    children = [
        Child(lambda place=place: work(place), output.with_stem(f"{output.stem}-{place}"), limit)  # type: ignore[misc]
        for place in range(processes)
    ]
    for unused in (read_turns, write_fates):
        os.close(unused)
    with os.fdopen(write_turns, "wb") as turns:
        for number in range(len(trials)):
            turns.write(number.to_bytes(TURN, "big"))
    with os.fdopen(read_fates, encoding="ascii") as fates:
        for line in fates:
            told, _, fate = line.rstrip("\n").partition(" ")
            yield int(told), Fate(fate) if fate else None
    for child in children:
        child.wait()
