"""Which tests reach which lines of the judged modules, recorded once for each test file with coverage.py.

A test file is recorded anew when it has changed since, or a module that it reached. Helpers of tests are not looked at:
delete `var/mutants/reach` after large changes there.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import coverage
import pytest

from tests.mutants.running import Job, run_pytest, side_by_side
from tests.mutants.suites import Suite, text_of
from tests.support.paths import ROOT

FOLDER: Final = ROOT / "var" / "mutants"
#: So many test files are recorded by one process, which may take so many seconds on a busy machine.
_BATCH: Final = 6
_MOST_SECONDS: Final = 1800
#: Processes cost too much to be started for each mutant.
_MARKS: Final = "not (chaos or real_processes or browser or postgres or benchmark)"


@dataclass
class Reach:
    """What the tests of one file reach. `texts`: the file and the modules it reached -> digest of their texts, at that
    time; `lines`: module -> line -> tests; `seconds`: how long each test took."""

    file: str
    texts: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def holds(self) -> bool:
        """Whether nothing has changed since."""
        return all((ROOT / path).exists() and _digest(path) == digest for path, digest in self.texts.items())


def recorded(suite: Suite, say: Callable[[str], None], parts: Sequence[str] = ("",), processes: int = 1) -> list[Reach]:
    """The reach of the tests of a suite; what is missing is recorded first. `parts`: only of files with one of these in
    their path. Raises `RuntimeError` if a test fails."""
    files = [file for file in suite.test_files() if any(part in file for part in parts)]
    missing = [file for file in files if (kept := _kept(file)) is None or not kept.holds()]
    batches = [tuple(missing[start : start + _BATCH]) for start in range(0, len(missing), _BATCH)]
    (FOLDER / "reach").mkdir(parents=True, exist_ok=True)
    jobs = [Job(batch, partial(_record, batch, suite.modules()), _MOST_SECONDS) for batch in batches]
    if jobs:
        say(f"recording what the tests reach, {len(missing)} files")
    for done, (batch, status, output, _) in enumerate(side_by_side(jobs, processes, FOLDER / "recording.txt"), 1):
        if status:
            raise RuntimeError(f"Without a mutant all must pass: {', '.join(batch)} ended with {status}. See {output}.")
        say(f"recorded {done} of {len(jobs)} groups of files")
    return [reach for file in files if (reach := _kept(file)) is not None]


def _record(files: Sequence[str], modules: Sequence[str]) -> int:
    measured = coverage.Coverage(data_file=None, include=[str(ROOT / module) for module in modules])
    recorder = Recorder(measured, modules)
    measured.start()
    status = run_pytest(["-x", "-m", _MARKS, *(str(ROOT / file) for file in files)], [recorder])
    measured.stop()
    if status not in (0, 5):  # 5: no test, all are left out
        return status
    reaches = {file: Reach(file, {file: _digest(file)}) for file in files}
    for test, seconds in recorder.seconds.items():
        reaches[_file(test)].seconds[test] = seconds
    for module in modules:
        for line, tests in measured.get_data().contexts_by_lineno(str(ROOT / module)).items():
            for test in filter(None, tests):
                reach = reaches[_file(test)]
                reach.texts[module] = _digest(module)
                reach.lines.setdefault(module, {}).setdefault(str(line), []).append(test)
    for file, reach in reaches.items():
        _where(file).write_text(json.dumps(asdict(reach)), encoding="utf-8")
    return 0


def _where(file: str) -> Path:
    return FOLDER / "reach" / f"{file.replace('/', '.')}.json"


def _kept(file: str) -> Reach | None:
    where = _where(file)
    return Reach(**json.loads(where.read_text(encoding="utf-8"))) if where.exists() else None


def _digest(path: str) -> str:
    return hashlib.sha256(text_of(path).encode()).hexdigest()


def _file(test: str) -> str:
    return test.partition("::")[0]


class Recorder:
    """A pytest plugin: tells coverage.py which test runs, and notes how long it took. `modules`: the judged ones."""

    def __init__(self, measured: coverage.Coverage, modules: Sequence[str]) -> None:
        self.measured, self.seconds = measured, defaultdict[str, float](float)
        self.modules = [path.removesuffix(".py").replace("/", ".") for path in modules]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        _compose_anew(self.modules)
        self.measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.measured.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


def _compose_anew(modules: Sequence[str]) -> None:
    """What is composed once and kept (`pins.reconcile.statements.kept`) would be reached by the first test alone."""
    functions = [one for name in modules if name in sys.modules for one in vars(sys.modules[name]).values()]
    for function in functions:
        for cell in getattr(function, "__closure__", None) or ():
            forget = getattr(cell.cell_contents, "cache_clear", None)
            if forget is not None:
                forget()


def judges(reaches: Sequence[Reach], module: str, lines: range, *, in_function: bool) -> dict[str, float]:
    """The tests that reach one of the lines, with their seconds. For what a module does when it is imported, all tests
    that reach anything of it."""
    found: dict[str, float] = {}
    for reach in reaches:
        by_line = reach.lines.get(module, {})
        for line in map(str, lines) if in_function else by_line:
            found.update((test, reach.seconds[test]) for test in by_line.get(line, []))
    return found
