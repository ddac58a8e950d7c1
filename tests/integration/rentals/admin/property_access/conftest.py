"""Two properties, and a browser of somebody who sees one of them only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.plugin import DjangoDbBlocker

    from tests.support.restricted import Village


@pytest.fixture(scope="module")
def _built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    from tests.support.restricted import NOW, Village
    from tests.support.shared_rows import shared_rows

    with shared_rows(django_db_blocker, NOW, Village):
        yield


@pytest.fixture
def village(_built: None, db: None, clock: object) -> Village:
    """As it was built, whatever other tests did. Its cloud is gone: who lets locks work builds another village."""
    from tests.support.restricted import Village

    return Village.again()


@pytest.fixture
def client(village: Village) -> Client:
    from django.test import Client

    from tests.support.restricted import keeper

    client = Client()
    client.force_login(keeper(village.own))
    return client
