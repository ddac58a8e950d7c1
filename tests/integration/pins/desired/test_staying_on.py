"""One guest, several stays end to end in one property: the door never closes in between."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.desired import drift, staying_on
from pins.models import AccessGrant
from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, Lock, Property
from rentals.signals import bookings_changed
from tests.support.booking_actions import cancel, change
from tests.support.calendars import calendar, day, event
from tests.support.house import House, pin_of
from tests.support.paths import SAMPLES
from tests.support.reconciling import assert_one_right_pin
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)
GUEST = "Odalys Brink"
WEEKS = (SAMPLES / "kinds" / "one-guest-several-stays-end-to-end.ics").read_bytes()
#: In at 15:00, out at 11:00 on the clock of Warsaw.
IN, OUT = datetime(2027, 3, 3, 14, tzinfo=UTC), datetime(2027, 3, 10, 10, tzinfo=UTC)


@pytest.fixture
def door(house: House) -> Lock:
    return house.lock()


@pytest.fixture
def flat(house: House, door: Lock) -> Property:
    return house.flat(door)


def first(flat: Property, name: str = GUEST) -> Booking:
    return Booking.objects.create(property=flat, guest_name=name, check_in=IN, check_out=OUT)


def second(flat: Property, name: str = GUEST, *, weeks: int = 1, **times: datetime) -> Booking:
    usual = {"check_in": IN + weeks * WEEK, "check_out": OUT + weeks * WEEK}
    return Booking.objects.create(property=flat, guest_name=name, **{**usual, **times})


def works_until(booking: Booking) -> datetime:
    return AccessGrant.objects.get(booking=booking).ends_at


def codes_that_open(house: House, lock: Lock, moment: datetime) -> set[str]:
    """The codes with which somebody gets in now, as the lock itself judges."""
    found = set()
    for pin in house.ours(lock):
        begun = pin.body.start is None or pin.body.start <= moment
        if begun and (pin.body.end is None or moment < pin.body.end):
            found.add(pin.value)
    return found


class TestThreeWeeks:
    def test_the_guest_always_has_a_code_that_opens_the_door(self, house: House, clock: time_machine.Traveller) -> None:
        """The calendar as it came. The lock is asked twice a day, and every half hour on the days of change."""
        clock.move_to(datetime(2027, 5, 1, 9, tzinfo=UTC))
        door = house.lock()
        flat = house.flat(door, timezone="Europe/Amsterdam", check_in_time=time(15), check_out_time=time(11))
        feed = CalendarFeed.objects.create(property=flat, name="PMS")
        run.import_calendar(feed.pk, WEEKS, timezone.now())
        stays = list(Booking.objects.order_by("check_in"))
        codes = [AccessGrant.objects.get(booking=one).code for one in stays]
        assert len(set(codes)) == len(stays) == 3
        moment, ends = datetime(2027, 5, 3, 13, tzinfo=UTC), datetime(2027, 5, 24, 9, tzinfo=UTC)
        while moment < ends:
            house.live(clock, moment - timezone.now())
            drift.repair(timezone.now())
            own = codes[max(place for place, one in enumerate(stays) if one.check_in <= moment)]
            assert own in codes_that_open(house, door, moment), moment
            moment += HOUR / 2 if moment.day in (10, 17) else 12 * HOUR
        house.live(clock, ends - timezone.now())
        assert codes_that_open(house, door, ends) == set()

    def test_each_stay_has_its_own_code_and_they_never_work_together(self, house: House, flat: Property) -> None:
        stays = [second(flat, weeks=weeks) for weeks in (2, 0, 1)]
        stays.sort(key=lambda one: one.check_in)
        grants = [AccessGrant.objects.get(booking=one) for one in stays]
        assert [one.ends_at for one in grants] == [stays[1].check_in, stays[2].check_in, stays[2].check_out]
        assert len({one.code for one in grants}) == 3


class TestWhoStaysOn:
    @pytest.mark.parametrize("name", ["Brink, Odalys", "ODALYS BRINK", "Od\u00e1lys Brink"])
    def test_the_same_guest_spelled_otherwise_and_entered_by_hand(self, flat: Property, name: str) -> None:
        stay, later = first(flat), second(flat, name)
        assert works_until(stay) == later.check_in

    @pytest.mark.parametrize("name", ["Jan Kowalski", "", "Guest", "Reserved"])
    def test_another_guest_closes_the_door(self, flat: Property, name: str) -> None:
        stay, _ = first(flat, name if name != "Jan Kowalski" else GUEST), second(flat, name)
        assert works_until(stay) == OUT

    @pytest.mark.parametrize("status", ["tentative", "cancelled"])
    def test_a_stay_without_a_code_does_not_count(self, flat: Property, status: str) -> None:
        stay, later = first(flat), second(flat)
        change(later, status=status)
        assert works_until(stay) == OUT
        change(later, status="confirmed")
        assert works_until(stay) == IN + WEEK

    def test_another_property_does_not_count(self, house: House, flat: Property, door: Lock) -> None:
        stay, _ = first(flat), second(house.flat(door, name="Upstairs"))
        assert works_until(stay) == OUT

    @pytest.mark.parametrize("stranger_first", [False, True])
    def test_somebody_elses_stay_in_between_closes_the_door(self, flat: Property, stranger_first: bool) -> None:
        def come() -> Booking:
            return second(flat, "Jan Kowalski", check_in=OUT + HOUR, check_out=OUT + 2 * HOUR)

        stranger = come() if stranger_first else None
        stay, later = first(flat), second(flat)
        stranger = stranger or come()
        assert works_until(stay) == OUT
        cancel(stranger)
        assert works_until(stay) == later.check_in


class TestAfterwards:
    @pytest.fixture
    def stay(self, house: House, flat: Property) -> Booking:
        return first(flat)

    @pytest.fixture
    def later(self, house: House, flat: Property, stay: Booking) -> Booking:
        made = second(flat)
        house.settle()
        assert works_until(stay) == made.check_in
        return made

    @pytest.mark.parametrize("what", ["cancelled", "deleted", "moved", "renamed", "another property", "by update"])
    def test_the_earlier_code_shrinks_back_when_the_later_stay_goes(
        self, house: House, door: Lock, stay: Booking, later: Booking, what: str
    ) -> None:
        code = AccessGrant.objects.get(booking=stay).code
        if what == "deleted":
            later.delete()
        elif what == "by update":
            Booking.objects.filter(pk=later.pk).update(status="cancelled")
            assert drift.repair(timezone.now()) == {door.pk}
        elif what == "another property":
            change(later, property=house.flat(house.lock("Other"), name="Other"))
            drift.repair(timezone.now())  # nobody told from where it moved
        else:
            changes: dict[str, dict[str, object]] = {
                "cancelled": {"status": "cancelled"},
                "moved": {"check_in": IN + WEEK + DAY},
                "renamed": {"guest_name": "Jan Kowalski"},
            }
            change(later, **changes[what])
        assert works_until(stay) == OUT
        house.settle()
        assert_one_right_pin(house, stay, door)
        assert AccessGrant.objects.get(booking=stay).code == code

    def test_and_follows_it_when_it_moves_within_the_day(
        self, house: House, door: Lock, stay: Booking, later: Booking
    ) -> None:
        change(later, check_in=later.check_in + 2 * HOUR)
        assert works_until(stay) == IN + WEEK + 2 * HOUR
        house.settle()
        assert_one_right_pin(house, stay, door)

    def test_a_late_check_out_of_the_earlier_one_keeps_the_end(self, stay: Booking, later: Booking) -> None:
        change(stay, check_out=OUT + 2 * HOUR)
        assert works_until(stay) == later.check_in

    def test_between_both_the_later_one_is_cancelled(
        self, house: House, clock: time_machine.Traveller, door: Lock, stay: Booking, later: Booking
    ) -> None:
        house.live(clock, OUT + HOUR - timezone.now())
        assert len(codes_that_open(house, door, timezone.now())) == 1
        cancel(later)
        house.settle()
        assert house.ours(door) == []

    @pytest.mark.parametrize("told", [True, False])
    def test_between_both_the_later_one_is_booked(
        self, house: House, clock: time_machine.Traveller, door: Lock, flat: Property, stay: Booking, told: bool
    ) -> None:
        code = AccessGrant.objects.get(booking=stay).code
        house.live(clock, OUT + HOUR - timezone.now())
        assert house.ours(door) == []
        later = Booking(property=flat, guest_name=GUEST, check_in=IN + WEEK, check_out=OUT + WEEK)
        if told:
            later.save()
        else:
            Booking.objects.bulk_create([later])
            drift.repair(timezone.now())
        house.settle()
        assert codes_that_open(house, door, timezone.now()) == {code}
        house.live(clock, later.check_in + MINUTE - timezone.now())
        assert codes_that_open(house, door, timezone.now()) == {AccessGrant.objects.get(booking=later).code}

    def test_what_is_over_is_not_touched_by_what_happens_later(
        self, house: House, clock: time_machine.Traveller, door: Lock, stay: Booking, later: Booking
    ) -> None:
        house.live(clock, later.check_in + HOUR - timezone.now())
        before = pin_of(stay, door).desired_rev
        change(later, guest_name="Jan Kowalski")
        assert drift.repair(timezone.now()) == set()
        assert pin_of(stay, door).desired_rev == before

    def test_minutes_after_check_out_that_a_property_adds_later_bring_nobody_back(
        self, house: House, clock: time_machine.Traveller, door: Lock, flat: Property, stay: Booking
    ) -> None:
        house.live(clock, OUT + HOUR - timezone.now())
        flat.late_minutes = 180
        flat.save()
        second(flat, "Jan Kowalski")
        drift.repair(timezone.now())
        house.settle()
        assert codes_that_open(house, door, timezone.now()) == set()
        assert works_until(stay) == OUT

    def test_a_neighbour_that_cannot_be_read_stops_nobody(self, flat: Property, stay: Booking) -> None:
        """Bulk writes check nothing."""
        Booking.objects.filter(pk=stay.pk).update(check_out=stay.check_in + timedelta(milliseconds=500))
        later = second(flat)
        assert AccessGrant.objects.filter(booking=later).exists()


class TestHouses:
    @pytest.mark.parametrize(("early", "late", "ends"), [(60, 30, 180), (0, 0, 240), (150, 150, 150), (300, 0, 0)])
    def test_the_minutes_that_a_property_adds(self, house: House, door: Lock, early: int, late: int, ends: int) -> None:
        flat = house.flat(door, early_minutes=early, late_minutes=late)
        stay, later = first(flat), second(flat)
        assert works_until(stay) == OUT + ends * MINUTE
        assert AccessGrant.objects.get(booking=later).starts_at == later.check_in - early * MINUTE
        flat.early_minutes = 0
        flat.save()
        assert works_until(stay) == max(later.check_in, OUT + late * MINUTE)

    def test_a_shared_entrance_opens_too_and_other_peoples_codes_do_not_change(
        self, house: House, clock: time_machine.Traveller, door: Lock, flat: Property
    ) -> None:
        entrance = house.lock("Entrance")
        flat.locks.add(entrance)
        upstairs = house.flat(entrance, house.lock("Upstairs"), name="Upstairs")
        neighbour = second(upstairs, "Jan Kowalski", check_in=OUT + HOUR, check_out=OUT + 2 * HOUR)
        stay, _ = first(flat), second(flat)
        assert works_until(stay) == IN + WEEK
        assert works_until(neighbour) == OUT + 2 * HOUR
        house.live(clock, OUT + 2 * HOUR + MINUTE - timezone.now())
        code = AccessGrant.objects.get(booking=stay).code
        assert codes_that_open(house, door, timezone.now()) == {code}
        assert codes_that_open(house, entrance, timezone.now()) == {code}

    def test_a_calendar_and_a_person_may_each_have_entered_one(self, house: House, door: Lock) -> None:
        flat = house.flat(door, timezone="Europe/Amsterdam")
        by_hand = Booking.objects.create(
            property=flat, guest_name="Brink, Odalys", check_in=IN, check_out=datetime(2027, 3, 10, 10, tzinfo=UTC)
        )
        feed = CalendarFeed.objects.create(property=flat, name="PMS")
        week = event("w2@pms", day(3, 10), day(3, 17), "Reserved - Odalys Brink")
        run.import_calendar(feed.pk, calendar(week), timezone.now())
        (imported,) = Booking.objects.exclude(pk=by_hand.pk)
        assert works_until(by_hand) == imported.check_in


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_the_drift_check_finds_nothing_left_to_do(
    house: House, clock: time_machine.Traveller, flat: Property, seed: int
) -> None:
    """Signals alone bring every stay up to date, whatever is added, moved, renamed, cancelled or deleted, and when."""
    rng = random.Random(seed)
    names = [GUEST, "Brink Odalys", "Jan Kowalski", ""]
    for step in range(40):
        stays = list(Booking.objects.order_by("pk"))
        day = IN + DAY * rng.randint(0, 5)
        times = {"check_in": day, "check_out": day + DAY * rng.randint(1, 2) - 4 * HOUR}
        act = rng.choice(["add", "add", "move", "rename", "cancel", "confirm", "delete", "wait"])
        if act == "add" or not stays:
            Booking.objects.create(property=flat, guest_name=rng.choice(names), **times)
        elif act == "wait":
            clock.shift(HOUR * rng.randint(1, 9))
        elif act == "delete":
            rng.choice(stays).delete()
        else:
            changes: dict[str, dict[str, object]] = {
                "move": dict(times),
                "rename": {"guest_name": rng.choice(names)},
                "cancel": {"status": "cancelled"},
                "confirm": {"status": "confirmed"},
            }
            change(rng.choice(stays), **changes[act])
        if act != "wait":
            assert drift.repair(timezone.now()) == set(), (step, act)
        drift.repair(timezone.now())


def test_a_guest_among_hundreds_of_new_stays(flat: Property) -> None:
    """All of them are announced together, and the stays of a property are read once for all of them."""
    stay = first(flat)
    far = IN + 20 * WEEK
    many = [
        Booking(property=flat, guest_name=f"Guest {n}", check_in=far + n * DAY, check_out=far + n * DAY + 20 * HOUR)
        for n in range(1_100)
    ]
    follower = Booking(property=flat, guest_name=GUEST, check_in=IN + WEEK, check_out=OUT + WEEK)
    ids = [one.pk for one in Booking.objects.bulk_create([*many, follower])]
    with transaction.atomic():
        bookings_changed.send(sender=Booking, booking_ids=ids, deleted=False)
    assert works_until(stay) == follower.check_in
    with CaptureQueriesContext(connection) as queries:
        assert staying_on.follow(ids, timezone.now()) == set()
    assert len(statements(queries)) <= 3 + 2, "1,101 stays by 500, the codes of the property, and who follows whom"
