"""Two properties, and a browser of somebody who sees one of them only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.support.restricted import Village


@pytest.fixture
def village(clock: object) -> Village:
    from tests.support.restricted import Village

    return Village()


@pytest.fixture
def client(village: Village) -> Client:
    from django.test import Client

    from tests.support.restricted import keeper

    client = Client()
    client.force_login(keeper(village.own))
    return client
