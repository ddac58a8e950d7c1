"""What the tests of calendars share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rentals.models import Property
    from tests.support.house import House


@pytest.fixture
def flat(house: House) -> Property:
    return house.flat(house.lock(), name="Old Town 3")
