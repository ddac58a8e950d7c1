"""What the tests of logging in share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from rentals.inbound import rate_limits
from tests.support.logins import forget_counts


@pytest.fixture(params=["redis", "no redis"])
def counts(request: pytest.FixtureRequest, settings: LazySettings, redis_url: str) -> Iterator[None]:
    """Limits are counted from nothing, in Redis or, where it is out of reach, in the process's memory."""
    if request.param == "redis":
        settings.REDIS_URL = f"{redis_url}?db=3"
        forget_counts(settings.REDIS_URL)
    rate_limits._resting.clear()
    rate_limits._own_memory.cache_clear()
    settings.PASSWORD_HASHERS = ["tests.support.logins.Counting"]
    yield
    rate_limits._resting.clear()
