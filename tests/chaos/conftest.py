"""Databases for whole stacks: one of their own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database, once on each kind of server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'turnkey.sqlite3'}"
        return
    yield request.getfixturevalue("postgres_database_url")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A new SQLite file."""
    return f"sqlite:///{tmp_path / 'turnkey.sqlite3'}"
