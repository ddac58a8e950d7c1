"""What the tests of logging in share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.conf import LazySettings

from config.people.provider import wire
from rentals.inbound import rate_limits
from tests.support.logins import forget_counts
from tests.support.provider import CLIENT, SECRET, Provider


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


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2027-03-01T09:00:05Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def provider(settings: LazySettings, clock: time_machine.Traveller) -> Iterator[Provider]:
    with Provider() as provider:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = provider.issuer, CLIENT, SECRET
        settings.OIDC_GROUPS = (("front-desk", "operator"), ("managers", "administrator"))
        wire.forget()
        yield provider
        wire.forget()
