"""Which worker of pytest-xdist runs which test."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

#: Folders, and the group of tests that one worker runs together.
GROUPS: Final = {
    "tests/browser/": "processes",
    "tests/chaos/": "processes",
    "tests/benchmarks/": "benchmarks",
}


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Every test by itself, except those that start chains of processes: one worker has them all and begins with them.

    They mostly wait while the others compute, no chain slows down another, and one PostgreSQL server is enough.
    """

    def _split_scope(self, nodeid: str) -> str:
        for folder, group in GROUPS.items():
            if nodeid.startswith(folder):
                return group
        return nodeid
