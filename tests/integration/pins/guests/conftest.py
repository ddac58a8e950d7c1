"""What the tests of guests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import Settings

    from pins.models import GuestGuide
    from rentals.models import Property


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://codes.example.com"


@pytest.fixture
def guide(flat: Property) -> GuestGuide:
    from pins.models import GuestGuide  # this file is read before there are apps

    return GuestGuide.objects.create(property=flat)
