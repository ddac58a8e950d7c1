"""What it costs to see some properties only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.restricted import Village, keeper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_as_many_queries_for_many_as_for_few() -> None:
    village, client = Village(), Client()
    client.force_login(keeper(village.own))
    pages = ["/", "/timeline/", "/admin/rentals/booking/", "/admin/rentals/lock/", "/admin/pins/pin/"]
    pages.append(f"/locks/{village.entrance.pk}/")

    def cost(page: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(page).status_code == 200
        return len(found)

    for page in pages:
        cost(page)  # what is remembered from then on
    few = {page: cost(page) for page in pages}
    for _ in range(4):
        village.house.stay(village.own, HOUR, DAY, "Another")
        village.own.locks.add(village.house.lock("One more"))
    village.house.settle()
    assert {page: cost(page) for page in pages} == few
