"""The daily summary: one letter with today's arrivals and what is open."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from pins.incidents import texts
from pins.models import AccessGrant
from pins.notify import collecting, sending
from rentals.models import Booking, Lock, Property
from tests.support.house import House
from tests.support.notifications import hook, letters, open_for, tell
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class TestSummary:
    @pytest.mark.parametrize("how", ["too late", "another address"])
    def test_the_guests_of_one_that_is_not_sent_are_not_kept_either(
        self, how: str, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        made = letters(events=[], timezone="UTC", summary_at=time(9))
        house.stay(house.flat(door), 6 * HOUR, DAY, "Anna")
        collecting.collect(timezone.now())
        assert "Anna" in str(made.deliveries.get().payload)
        if how == "too late":
            clock.shift(5 * HOUR)
            collecting.collect(timezone.now())
        else:
            sending.listen_anew(made.pk, timezone.now())
        assert [(one.payload, one.ended_at is not None) for one in made.deliveries.all()] == [({}, True)]

    def test_one_a_day_with_todays_arrivals_in_their_own_zone_and_what_to_fix(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        made = letters(events=[], timezone="Europe/Warsaw", summary_at=time(10, 30))
        flat = house.flat(door, name="Old Town 3")
        far = house.flat(door, name="Honolulu", timezone="Pacific/Honolulu")  # there it is still February
        house.stay(flat, 6 * HOUR, DAY, "Anna")
        house.stay(flat, 30 * HOUR, DAY, "Tomorrow")
        house.stay(far, -6 * HOUR, DAY, "Kai")
        house.settle()
        Booking.objects.create(
            property=Property.objects.create(name="No door", timezone="Europe/Warsaw"),
            guest_name="Ben",
            check_in=timezone.now() + 5 * HOUR,
            check_out=timezone.now() + DAY,
        )
        open_for(door)
        tell()
        assert mail.outbox == []
        clock.shift(30 * MINUTE)
        for _ in range(3):
            tell()
        (letter,) = mail.outbox
        assert letter.subject == "Mon 1 Mar: 3 arrivals, 2 ready, 1 thing to fix"
        assert letter.body.splitlines() == [
            "Arriving today:",
            "- 15:00 CET Ben at No door: No lock",
            "- 17:00 HST Kai at Honolulu: Ready on 1 lock",
            "- 16:00 CET Anna at Old Town 3: Ready on 1 lock",
            "",
            "To fix:",
            f"- Front door: The account may not manage this lock. {texts.text_of('no_permission').remedy}",
            "",
            "https://codes.example.com/",
        ]
        assert not [one for one in AccessGrant.objects.all() if one.code and one.code in letter.body]
        # The guests of a day are kept no longer than it takes to tell of them.
        assert [one.payload for one in made.deliveries.all()] == [{}]
        clock.shift(DAY)
        tell()
        assert len(mail.outbox) == 2

    def test_a_webhook_gets_it_as_data(self, house: House, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(200)]) as server:
            hook(server, events=[], summary_at=time(9, 30))
            house.stay(house.flat(door), 6 * HOUR, DAY)
            clock.shift(HOUR)
            tell()
            body: Any = server.requests[0].json()
        assert body["type"] == "summary.daily"
        assert [one["guest"] for one in body["data"]["arrivals"]] == ["Anna Nowak"]
        assert body["data"]["url"] == "https://codes.example.com/"
