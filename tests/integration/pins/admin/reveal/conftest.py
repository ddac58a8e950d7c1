"""A person to whom codes may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def host(client: Client, clock: object) -> Client:
    """May look at bookings and be shown codes, no more."""
    from tests.support.reveal_pages import person

    client.force_login(person("Helena", "view_booking", "reveal_code", "view_pinreveal"))
    return client
