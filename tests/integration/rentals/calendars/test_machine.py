"""Hypothesis plays the channel: guests book, move, cancel; UIDs rotate, rows are renumbered, exports fail.

What must hold after every fetch, whatever came before: a guest who is listed has one stay with the right days; a stay
belongs to one guest for ever; nobody who has arrived loses the stay; and what an outage hides is not cancelled.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rentals.calendars.events import FeedError
from rentals.models import Booking, FeedItem, Property
from tests.support.calendars import AIRBNB, airbnb, calendar, event, sample
from tests.support.imports import feed_of, take

START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Guest:
    number: int
    starts: date
    ends: date
    uid: int  # what the channel calls the reservation today

    @property
    def name(self) -> str:
        return f"Guest{self.number}"

    @property
    def code(self) -> str:
        return f"HMCODE{self.number:04d}"


class Channel(RuleBasedStateMachine):
    """One feed of one property."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()
        self.flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
        self.feed = feed_of(self.flat)
        self.guests: dict[int, Guest] = {}
        self.stay_of: dict[int, int] = {}  # guest to the latest booking
        self.owner: dict[int, int] = {}  # booking to guest, once and for all
        self.listed_at: dict[int, datetime] = {}
        self.uids = 0
        self.style = "codes"
        self.confirmed_before: set[int] = set()

    def teardown(self) -> None:
        self.clock.stop()

    @initialize(style=st.sampled_from(["codes", "names", "rows"]))
    def choose_style(self, style: str) -> None:
        self.style = style

    # -- what people do ------------------------------------------------------------------------------------------

    @rule(first=st.integers(0, 40), nights=st.integers(1, 9))
    def somebody_books(self, first: int, nights: int) -> None:
        number = len(self.stay_of) + len(self.guests) + 1
        while number in self.guests or number in self.stay_of:
            number += 1
        starts = timezone.now().date() + timedelta(days=first)
        self.uids += 1
        self.guests[number] = Guest(number, starts, starts + timedelta(days=nights), self.uids)

    @precondition(lambda self: bool(self.guests))
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        del self.guests[data.draw(st.sampled_from(sorted(self.guests)))]

    @precondition(lambda self: bool(self.guests))
    @rule(data=st.data(), shift=st.integers(-3, 5), longer=st.integers(0, 3))
    def somebody_moves(self, data: st.DataObject, shift: int, longer: int) -> None:
        guest = self.guests[data.draw(st.sampled_from(sorted(self.guests)))]
        starts = guest.starts + timedelta(days=shift)
        if guest.starts <= timezone.now().date() or starts <= timezone.now().date():
            return  # who has arrived does not move
        ends = max(guest.ends + timedelta(days=shift + longer), starts + timedelta(days=1))
        self.guests[guest.number] = replace(guest, starts=starts, ends=ends)

    @rule()
    def uids_rotate(self) -> None:
        for guest in list(self.guests.values()):
            self.uids += 1
            self.guests[guest.number] = replace(guest, uid=self.uids)

    @rule(minutes=st.sampled_from([1, 20, 31, 120, 60 * 24]))
    def time_passes(self, minutes: int) -> None:
        self.traveller.shift(timedelta(minutes=minutes))
        today = timezone.now().date()
        self.guests = {number: one for number, one in self.guests.items() if one.ends > today - timedelta(days=1)}

    # -- what the channel answers ----------------------------------------------------------------------------------

    @rule()
    def a_good_fetch(self) -> None:
        self._remember()
        take(self.feed, self._export(sorted(self.guests)))
        now = timezone.now()
        for number in self.guests:
            self.listed_at[number] = now
        self._check_listed()

    @rule(number=st.sampled_from(["16", "17", "18"]))
    def a_bad_answer(self, number: str) -> None:
        self._remember()
        try:
            take(self.feed, sample(number))
        except FeedError:
            assert number != "16"
        assert self._confirmed() == self.confirmed_before

    @rule(cut=st.integers(1, 400))
    def a_cut_answer(self, cut: int) -> None:
        body = self._export(sorted(self.guests))
        self._remember()
        with pytest.raises(FeedError):
            take(self.feed, body[: max(0, len(body) - 10 - cut)])
        assert self._confirmed() == self.confirmed_before

    # -- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def who_has_arrived_keeps_the_stay(self) -> None:
        now = timezone.now()
        running = Booking.objects.filter(property=self.flat, check_in__lte=now, check_out__gt=now)
        lost = set(running.filter(status="cancelled").values_list("pk", flat=True))
        assert not lost & self.confirmed_before_arrival

    @property
    def confirmed_before_arrival(self) -> set[int]:
        now = timezone.now()
        begun = Booking.objects.filter(pk__in=self.confirmed_before, check_in__lte=now)
        return set(begun.values_list("pk", flat=True))

    def _remember(self) -> None:
        self.confirmed_before = self._confirmed()

    def _confirmed(self) -> set[int]:
        return set(Booking.objects.filter(property=self.flat, status="confirmed").values_list("pk", flat=True))

    def _check_listed(self) -> None:
        now = timezone.now()
        for guest in self.guests.values():
            if self.flat.check_out_on(guest.ends) <= now:
                continue
            item = FeedItem.objects.select_related("booking__property").get(
                feed=self.feed,
                gone_at=None,
                absent_since=None,
                awaits_approval=False,
                starts_on=guest.starts,
                ends_on=guest.ends,
                **self._marks(guest),
            )
            booking = item.booking
            assert booking is not None
            assert booking.status == "confirmed"
            assert self.owner.setdefault(booking.pk, guest.number) == guest.number, "one stay for two guests"
            if self.style == "codes":
                assert self.stay_of.get(guest.number, booking.pk) == booking.pk, "a guest has one stay"
            self.stay_of[guest.number] = booking.pk
            assert booking.departure_date == guest.ends
            assert booking.arrival_date == guest.starts
        for pk in self.confirmed_before - self._confirmed():
            number = self.owner[pk]
            if self.stay_of[number] != pk:
                continue  # without a code, new days and a new UID at once made this guest a second stay
            assert number not in self.guests
            assert self.listed_at[number] <= now - timedelta(minutes=30)

    def _marks(self, guest: Guest) -> dict[str, str]:
        return {"reservation_code": guest.code} if self.style == "codes" else {"guest_name": guest.name}

    def _export(self, numbers: list[int]) -> bytes:
        guests = sorted((self.guests[number] for number in numbers), key=lambda one: (one.starts, one.number))
        if self.style == "codes":
            return calendar(*(airbnb(f"u{one.uid}", one.starts, one.ends, one.code) for one in guests), prodid=AIRBNB)
        uids = [f"row{row}" if self.style == "rows" else f"u{one.uid}" for row, one in enumerate(guests)]
        rows = zip(uids, guests, strict=True)
        return calendar(*(event(uid, one.starts, one.ends, f"Reserved - {one.name}") for uid, one in rows))


@pytest.mark.django_db
def test_a_channel_that_does_anything_at_any_time() -> None:
    thorough = os.environ.get("TURNKEY_HYPOTHESIS_PROFILE") == "thorough"
    run_state_machine_as_test(
        Channel,
        settings=settings(
            max_examples=1500 if thorough else 40,
            stateful_step_count=30,
            deadline=None,
            derandomize=not thorough,
            suppress_health_check=list(HealthCheck),
        ),
    )
