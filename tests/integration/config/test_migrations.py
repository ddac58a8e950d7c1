"""A database that was made at any commit comes up today, with the tables of a new one and the rows that it had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import _missing
from tests.support.old_databases import commits, git
from tests.support.paths import ROOT


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_of_each_commit_that_changed_a_migration_comes_up(tmp_path: Path) -> None:
    try:
        is_whole = git("rev-parse", "--is-shallow-repository").strip() == "false"
    except (OSError, subprocess.CalledProcessError):
        is_whole = False
    if not is_whole:
        _missing("The history of the repository is not here: databases of earlier commits were not migrated")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.old_databases", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TURNKEY_VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert set(told.values()) == {"ok"}, done.stdout
    assert set(told) == set(commits())
    assert len(told) > 15  # else it proves little
