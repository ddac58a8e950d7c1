"""What the tests of messages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import Settings

    from rentals.models import Lock
    from tests.support.house import House


@pytest.fixture(autouse=True)
def _public_address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://codes.example.com"
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True  # the receivers are on loopback


@pytest.fixture
def door(house: House) -> Lock:
    return house.lock("Front door")
