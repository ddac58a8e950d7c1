"""What the tests of feeds in the admin share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def viewer() -> Client:
    from django.test import Client

    from tests.support.people import staff

    looking = Client()
    looking.force_login(staff("viewer", "view_calendarfeed", "view_feeditem", "view_booking", "view_incident"))
    return looking
