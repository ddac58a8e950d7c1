"""Every calendar of a foreign corpus goes through the importer: taken or refused, never an unhandled exception."""

from __future__ import annotations

import pytest
import time_machine
from django.utils import timezone

from rentals.calendars.events import FeedError
from rentals.models import Booking, FeedItem
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.paths import CORPUS


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("year", [2014, 2021])
def test_every_calendar_of_the_corpus_is_imported_or_refused(
    house: House, clock: time_machine.Traveller, year: int
) -> None:
    """Seen from several years, so that old calendars too hold stays to come; each twice, the second time unchanged."""
    paths = sorted(CORPUS.rglob("*.ics"))
    if not paths:
        pytest.skip("NO CORPUS: fetch it with `make corpus`")
    clock.move_to(timezone.now().replace(year=year))
    lock = house.lock()
    taken = 0
    for path in paths:
        feed = feed_of(house.flat(lock), path.name[:100])
        body = path.read_bytes()
        try:
            take(feed, body)
        except FeedError:
            continue
        again = take(feed, body)
        assert (again.created, again.changed, again.cancelled, again.held) == (0, 0, 0, 0), path.name
        taken += 1
    assert taken > len(paths) // 2
    assert FeedItem.objects.exists()
    assert Booking.objects.exists()
