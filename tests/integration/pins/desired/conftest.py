"""What tests of the desired side share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rentals.models import Lock, Property


@pytest.fixture
def door(flat: Property) -> Lock:
    """The only lock of the property."""
    return flat.locks.get()
