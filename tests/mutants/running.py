"""One pytest in a process of its own, forked from one that has read the libraries already.

The mutated module is never on disk: a finder hands its text to the import. So nothing is left behind whatever happens,
and processes side by side do not see each other's mutants.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, Generic, TypeVar

import pytest

from tests.support.paths import ROOT

Key = TypeVar("Key")

#: What takes long to import and knows nothing of our settings before it is used.
_LIBRARIES: Final = (
    "celery",
    "django.contrib.admin.options",
    "django.test",
    "hypothesis",
    "hypothesis.strategies",
    "icalendar",
    "recurring_ical_events",
    "httpcore",
    "httpx",
    "limits.storage",
    "limits.strategies",
    "psycopg",
    "redis",
    "kombu.transport.redis",
    "cryptography.fernet",
)


def read_libraries() -> None:
    """Import what every test process needs, before the first fork. Nothing of the project: it may be mutated."""
    for name in _LIBRARIES:
        importlib.import_module(name)


class _Text(importlib.machinery.SourceFileLoader):
    """Loads a module from a text instead of its file."""

    text = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Changed(importlib.abc.MetaPathFinder):
    """Finds one module: `path`, from the root of the tree, with another text."""

    def __init__(self, path: str, text: str) -> None:
        self._loader = _Text(path.removesuffix(".py").replace("/", "."), str(ROOT / path))
        self._loader.text = text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._loader.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class Chosen:
    """Runs only some of the collected tests, the fastest first. `seconds`: how long each took, by its id."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.seconds = seconds

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left_out = [item for item in items if item.nodeid not in self.seconds]
        items[:] = sorted((i for i in items if i.nodeid in self.seconds), key=lambda item: self.seconds[item.nodeid])
        config.hook.pytest_deselected(items=left_out)


class Child:
    """A forked process that does one thing; what it prints goes to a file."""

    def __init__(self, work: Callable[[], int], output: Path, seconds: float) -> None:
        self.output, self.started, self.until = output, time.monotonic(), time.monotonic() + seconds
        self.timed_out = False
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            status = 99
            try:
                os.setsid()
                file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                os.dup2(file, 1)
                os.dup2(file, 2)
                status = work()
            except BaseException:  # noqa: BLE001 - nothing above sees it: the process ends here
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)

    def status(self) -> int | None:
        """The exit status when it has ended, else `None`. One that takes too long is asked to end, then ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        late = time.monotonic() - self.until
        if late > 0:
            # Ctrl+C first, so that pytest removes its folder.
            os.killpg(self.pid, signal.SIGKILL if late > 5 else signal.SIGINT)
            self.timed_out = True
        return None

    def wait(self) -> int:
        while (status := self.status()) is None:
            time.sleep(0.01)
        return status


@dataclass(frozen=True)
class Job(Generic[Key]):
    """Work for a process of its own, and how long it may take."""

    key: Key
    work: Callable[[], int]
    seconds: float


def side_by_side(jobs: Sequence[Job[Key]], processes: int, output: Path) -> Iterator[tuple[Key, int, Path, bool]]:
    """Do so many jobs at a time. Each comes out when it is done: key, exit status, the file with what it printed, and
    whether it took too long."""
    waiting, running = list(reversed(jobs)), dict[int, tuple[Key, Child]]()
    while waiting or running:
        while waiting and len(running) < processes:
            job = waiting.pop()
            place = next(number for number in range(processes) if number not in running)
            running[place] = job.key, Child(job.work, output.with_stem(f"{output.stem}-{place}"), job.seconds)
        for place, (key, child) in list(running.items()):
            status = child.status()
            if status is not None:
                del running[place]
                yield key, status, child.output, child.timed_out
        time.sleep(0.02)


def run_pytest(arguments: Sequence[str], plugins: Sequence[object]) -> int:
    """Run pytest in this process, which does nothing else before or after. Failing examples are not made smaller."""
    from hypothesis import Phase, settings

    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutants")
    usual = ["-q", "--no-header", "--rootdir", str(ROOT), "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    for plugin in ("randomly", "cacheprovider", "xdist"):
        usual += ["-p", f"no:{plugin}"]
    return int(pytest.main([*usual, *arguments], plugins=list(plugins)))
