"""A door in an account whose activity is read, and a guest who comes in five hours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rentals.models import Booking, Lock, Property
    from tests.support.house import House

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def door(house: House, flat: Property) -> Lock:
    """The lock of the flat, in an account whose activity is read. A guest comes in five hours, at 15:00."""
    from rentals.models import LockAccount

    LockAccount.objects.update(reads_activity=True)
    return flat.locks.get()


@pytest.fixture
def stay(house: House, flat: Property, door: Lock) -> Booking:
    booking = house.stay(flat, 5 * HOUR, 3 * DAY)
    house.settle()
    return booking
