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
    from rentals.inbound import signatures

    feed.signing_secret = signatures.new_signing_secret()
    feed.save()
    return feed
