"""The person who looks at the board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def host(client: Client, clock: object) -> Client:
    """May do what the day asks for, and is no superuser."""
    from tests.support.people import operator

    client.force_login(operator())
    return client
