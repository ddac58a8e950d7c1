"""Which worker of pytest-xdist runs which test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.workermanage import WorkerController

#: What one worker runs together, by the beginning of a test's id: one stack and one browser serve all tests of the
#: pages, and benchmarks compare figures of one process.
GROUPS: Final = ("tests/browser/", "tests/benchmarks/")
#: Tests that start chains of processes: each may go to another worker.
CHAINS: Final = "tests/chaos/"


def unit_of(nodeid: str) -> str:
    """What runs together with this test on one worker: a group, a file, or for chains of processes the test alone."""
    for group in GROUPS:
        if nodeid.startswith(group):
            return group
    return nodeid if nodeid.startswith(CHAINS) else nodeid.split("::", 1)[0]


def is_long(unit: str) -> bool:
    """Whether this unit takes minutes."""
    return unit.startswith((*GROUPS, CHAINS))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Long units begin first, and none waits behind another long one.

    A worker is always given its next unit while it still runs one, and keeps it: a long unit in that place could
    stand behind the tests of the pages until everything else is done.

    The other units come in the order in which they were collected, the slow ones first. By itself the base class puts
    files with many tests first, and so the slow ones, which have few, to the very end.
    """

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        busy = any(
            is_long(unit) and not all(tests.values()) for unit, tests in self.assigned_work.get(node, {}).items()
        )
        unit = next((unit for unit in self.workqueue if is_long(unit) is not busy), None)
        if unit is not None:
            self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)
