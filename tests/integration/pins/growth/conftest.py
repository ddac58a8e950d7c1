"""A PostgreSQL with very many rows, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django.plugin import DjangoDbBlocker

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(postgres_url: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """An empty database on PostgreSQL is the one that the code uses."""
    from tests.support.postgres import as_default_database

    with django_db_blocker.unblock(), as_default_database(postgres_url.rpartition("/")[0] + "/growth"):
        yield
