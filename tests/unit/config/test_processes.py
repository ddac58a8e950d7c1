"""Which process wrote something, and whether it has ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config.processes import host_of, is_gone, this_process
from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(not this_process(), reason="this system has no /proc")

WRITE = "from config.processes import this_process; print(this_process(), flush=True); input()"


def test_a_living_process_is_not_gone_and_a_killed_one_is() -> None:
    assert not is_gone(this_process())
    with subprocess.Popen(
        [sys.executable, "-c", WRITE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        written = child.stdout.readline().strip()
        assert host_of(written) == host_of(this_process())
        assert not is_gone(written)
        child.kill()
        # Whoever started it may not have asked how it ended: it is a zombie then, and sends nothing any more.
        child.stdout.read()
        child.wait()
    assert is_gone(written)


def test_a_number_that_another_process_has_by_now_is_gone() -> None:
    *place, number, _began = this_process().split("|")
    assert is_gone("|".join([*place, number, "1"]))


@pytest.mark.parametrize("part", range(3), ids=["host", "boot", "space of process ids"])
def test_nothing_is_known_of_another_place(part: int) -> None:
    parts = this_process().split("|")
    parts[-1] = "1"  # here it would be gone
    assert is_gone("|".join(parts))
    parts[part] = "elsewhere"
    assert not is_gone("|".join(parts))


def test_nothing_is_known_where_the_system_told_nothing() -> None:
    assert not is_gone("")
