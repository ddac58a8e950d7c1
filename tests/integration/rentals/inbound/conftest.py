"""Feeds to which calendars are pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rentals.models import CalendarFeed


@pytest.fixture
def feed(clock: object) -> CalendarFeed:
    from tests.support.pushes import make_feed

    return make_feed()


@pytest.fixture
def signed(feed: CalendarFeed) -> CalendarFeed:
    from rentals import signing_secrets

    feed.signing_secret = signing_secrets.generate()
    feed.save()
    return feed
