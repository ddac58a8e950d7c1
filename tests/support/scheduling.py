"""Which worker of pytest-xdist runs which test."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

#: What one worker runs together, by the beginning of a test's id: one stack and one browser serve all tests of the
#: pages, and benchmarks compare figures of one process.
GROUPS: Final = ("tests/browser/", "tests/benchmarks/")


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Every test by itself, except the groups. What starts chains of processes comes first: it mostly waits, while
    others compute."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in GROUPS if nodeid.startswith(group)), nodeid)
