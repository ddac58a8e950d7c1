"""What a new stay asks of the database, by hand and in bulk; and that both ways lead to the same."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.desired import claims, drift, grants, together
from pins.models import AccessGrant, LockState, Pin, ValueClaim
from rentals.models import Booking, Lock, Property
from tests.support.calendars import AIRBNB, airbnb, calendar
from tests.support.house import House, whole
from tests.support.imports import feed_of, take
from tests.support.statements import statements
from tests.support.threads import at_once
from tests.support.waking import messages

__all__ = ["messages"]
pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: Without BEGIN, COMMIT and savepoints.
MOST_BY_HAND = 12
MOST_IN_BULK = 0.5  # for each stay, with its row of the calendar


def test_a_stay_entered_by_hand(house: House, flat: Property, messages: list[int]) -> None:
    """Among neighbours: one leaves on the day of arrival, one arrives on the day of departure."""
    house.stay(flat, 3 * DAY, 2 * DAY, "Maria Lopez")
    house.stay(flat, 7 * DAY + 4 * HOUR, 2 * DAY, "Jan Kowalski")
    messages.clear()
    LockState.objects.update(dispatched_at=None)
    with CaptureQueriesContext(connection) as captured:
        stay = house.stay(flat, 5 * DAY + 4 * HOUR, 2 * DAY, "Anna Nowak")
    assert len(statements(captured)) <= MOST_BY_HAND, "\n".join(statements(captured))
    assert messages == [flat.locks.get().pk]
    pin = Pin.objects.get(grant__booking=stay)
    assert ValueClaim.objects.filter(lock=pin.lock, digest=ValueClaim.digest_of(pin.grant.code)).count() == 1


def _import_of(count: int, flat: Property) -> int:
    """A first calendar with so many stays, all of them due for a code; the statements that it took."""
    first = date(2027, 3, 3)
    nights = [(first + number * DAY, first + (number + 1) * DAY) for number in range(count)]
    body = calendar(
        *(airbnb(f"stay-{place}", *days, f"HM{place:08}") for place, days in enumerate(nights)), prodid=AIRBNB
    )
    feed = feed_of(flat)
    with CaptureQueriesContext(connection) as captured:
        assert take(feed, body).created == count
    assert Pin.objects.filter(grant__booking__property=flat).count() == count * flat.locks.count()
    return len(statements(captured))


def test_stays_that_a_calendar_brings(house: House, messages: list[int]) -> None:
    homes = [house.flat(house.lock(name), name=name, issue_ahead_days=365) for name in ("Small", "Big")]
    few, many = _import_of(40, homes[0]), _import_of(240, homes[1])
    assert (many - few) / 200 <= MOST_IN_BULK
    assert len(messages) == 2


def _portfolio(house: House, chance: random.Random) -> list[Booking]:
    """Stays of every kind, as a calendar stores them: without a signal."""
    entrance = house.lock("Entrance")
    homes = [
        house.flat(entrance, house.lock("A"), name="A", early_minutes=30),
        house.flat(entrance, name="B", late_minutes=60, issue_ahead_days=3),
        house.flat(name="No lock"),
        house.flat(house.lock("C"), name="C", code_length=8, is_active=False),
    ]
    now = whole(timezone.now())
    rows = [
        Booking(
            property=chance.choice(homes),
            guest_name=chance.choice(["Anna Nowak", "Odalys Brink", "", "Reserved"]),
            check_in=(begins := now + chance.randint(-10, 60) * 12 * HOUR),
            check_out=begins + chance.randint(1, 6) * 12 * HOUR,
            status=chance.choice(["confirmed"] * 4 + ["tentative", "cancelled"]),
        )
        for _ in range(60)
    ]
    return Booking.objects.bulk_create(rows)


def _wishes() -> list[tuple[Any, ...]]:
    about_grants = ("holder_name", "starts_at", "ends_at", "issue_at", "wanted", "created_at")
    about_pins = ("lock_id", "wanted", "admitted", "desired_rev", "wished_at", "state", "next_try_at", "deadline_at")
    return [
        (
            *(grant.booking_id, len(grant.code), *(getattr(grant, name) for name in about_grants)),
            *((pin.alias[:-6], *(getattr(pin, name) for name in about_pins)) for pin in grant.pins.order_by("lock")),
        )
        for grant in AccessGrant.objects.order_by("booking")
    ]


@pytest.mark.parametrize("seed", range(4))
def test_many_together_and_each_by_itself_lead_to_the_same(
    house: House, clock: time_machine.Traveller, seed: int
) -> None:
    ids = [booking.pk for booking in _portfolio(house, random.Random(seed))]
    assert len(ids) >= grants.MANY
    woken = grants.sync_bookings(ids)
    together = _wishes()
    assert together
    for pin in Pin.objects.select_related("grant"):
        assert pin.alias.endswith(pin.grant.reference)
    for grant in AccessGrant.objects.prefetch_related("pins"):
        claimed = grant.claims.filter(digest=ValueClaim.digest_of(grant.code), released_at=None)
        assert {one.lock_id for one in claimed} == {pin.lock_id for pin in grant.pins.all()}
    assert drift.repair(timezone.now()) == set()

    AccessGrant.objects.all().delete()
    assert {lock for pk in ids for lock in grants.sync_bookings([pk])} == woken
    assert _wishes() == together


def _codes() -> dict[int, str]:
    return {grant.pk: grant.code for grant in AccessGrant.objects.all()}


def _changes(bookings: list[Booking], chance: random.Random) -> None:
    """What people and calendars do to stays, properties and locks, without a signal."""
    for booking in chance.sample(bookings, 25):
        hours = chance.choice([-1, 0, 1, 24])
        Booking.objects.filter(pk=booking.pk).update(
            check_in=booking.check_in + hours * HOUR,
            check_out=booking.check_out + hours * HOUR,
            guest_name=chance.choice([booking.guest_name, "Zoe Zimmer"]),
            status=chance.choice(["confirmed"] * 4 + ["cancelled"]),
        )
    doors = list(Lock.objects.order_by("pk"))
    for home in Property.objects.order_by("pk"):
        fields = {"early_minutes": chance.choice([0, 15, 60]), "issue_ahead_days": chance.choice([1, 10, 30])}
        Property.objects.filter(pk=home.pk).update(**fields)
        links = Property.locks.through.objects
        for door in chance.sample(doors, 2):
            if chance.random() < 0.7:
                links.get_or_create(property=home, lock=door)
            else:
                links.filter(property=home, lock=door).delete()


@pytest.mark.parametrize("seed", range(6))
def test_changes_of_many_together_and_each_by_itself_lead_to_the_same(
    house: House, clock: time_machine.Traveller, seed: int
) -> None:
    chance = random.Random(seed)
    bookings = _portfolio(house, chance)
    ids = [booking.pk for booking in bookings]
    grants.sync_bookings(ids)
    before = _codes()
    if chance.random() < 0.5:
        house.settle()
    AccessGrant.objects.filter(pk__in=chance.sample(sorted(before), 5)).update(disclosed_at=timezone.now())
    _changes(bookings, chance)
    clock.shift(HOUR)
    with transaction.atomic():
        woken = grants.sync_bookings(ids)
        together = _wishes()
        assert {pk: code for pk, code in _codes().items() if pk in before} == before
        assert drift.repair(timezone.now()) == set()
        transaction.set_rollback(True)
    assert {lock for pk in ids for lock in grants.sync_bookings([pk])} == woken
    assert _wishes() == together


def test_a_lock_on_which_somebody_has_the_value_gets_another(house: House, flat: Property) -> None:
    """The codes of some of many stays are taken on the lock that their property gets; what a guest knows stays."""
    entrance = house.lock("Entrance")
    begins = whole(timezone.now() + DAY)
    rows = [Booking(property=flat, check_in=begins, check_out=begins + DAY) for _ in range(24)]
    grants.sync_bookings([booking.pk for booking in Booking.objects.bulk_create(rows)])
    known, unknown, *_ = AccessGrant.objects.order_by("pk")
    AccessGrant.objects.filter(pk=known.pk).update(disclosed_at=timezone.now())
    stay = house.stay(house.flat(entrance, name="Other"), 9 * DAY, DAY)
    stranger = AccessGrant.objects.get(booking=stay)
    for grant in (known, unknown):
        ValueClaim.objects.create(lock=entrance, grant=stranger, digest=ValueClaim.digest_of(grant.code))
    before = _codes()
    flat.locks.add(entrance)
    after = _codes()
    assert {pk for pk in before if before[pk] != after[pk]} == {unknown.pk}
    assert Pin.objects.filter(lock=entrance, grant__booking__property=flat, wanted=True).count() == 24


def test_what_changes_for_all_stays_of_a_property(house: House, messages: list[int]) -> None:
    """Another lock, other times, and a save that changes nothing."""
    found: dict[int, list[int]] = {}
    for count in (40, 240):
        flat = house.flat(house.lock(f"Door {count}"), name=f"Flat {count}", issue_ahead_days=365)
        _import_of(count, flat)
        extra = house.lock(f"Second {count}")
        with CaptureQueriesContext(connection) as captured:
            flat.locks.add(extra)
        found[count] = [len(statements(captured))]
        for early in (15, 15):
            flat.early_minutes = early
            with CaptureQueriesContext(connection) as captured:
                flat.save()
            found[count].append(len(statements(captured)))
        assert Pin.objects.filter(lock=extra, desired_rev=2).count() == count
    assert all((many - few) / 200 <= MOST_IN_BULK for few, many in zip(found[40], found[240], strict=True)), found


def test_those_that_have_a_grant_are_brought_up_to_date_with_the_new_ones(house: House, flat: Property) -> None:
    old = [house.stay(flat, number * DAY, 12 * HOUR) for number in range(1, 5)]
    Booking.objects.filter(pk__in=[stay.pk for stay in old]).update(status="cancelled")
    begins = whole(timezone.now() + 6 * DAY)
    new = Booking.objects.bulk_create(
        [Booking(property=flat, check_in=begins, check_out=begins + DAY, guest_name="X") for _ in range(20)]
    )
    grants.sync_bookings([stay.pk for stay in (*old, *new)])
    assert set(AccessGrant.objects.filter(wanted=True).values_list("booking", flat=True)) == {one.pk for one in new}


def test_one_that_cannot_be_read_is_told_as_before_and_stops_no_other_in_the_drift_check(
    house: House, flat: Property
) -> None:
    begins = whole(timezone.now() + DAY)
    rows = [Booking(property=flat, check_in=begins, check_out=begins + DAY) for _ in range(20)]
    rows[7].check_out = begins + timedelta(microseconds=1)  # no whole second
    ids = [booking.pk for booking in Booking.objects.bulk_create(rows)]
    with pytest.raises(ValueError, match="after its start"), transaction.atomic():
        grants.sync_bookings(ids)
    assert not AccessGrant.objects.exists()
    drift.repair(timezone.now())
    assert AccessGrant.objects.count() == 19


def test_whoever_was_faster_with_a_value_keeps_it(
    house: House, flat: Property, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    """Between the look at what is taken and the insert, another transaction claims the value: seen as a claim that the
    look does not show."""
    earlier = house.stay(flat, DAY, DAY)
    taken = AccessGrant.objects.get(booking=earlier).code
    draws = iter([taken, *(f"{number}" for number in range(482913, 482999))])
    monkeypatch.setattr(claims, "generate", lambda length, taken: next(draws))
    stay = house.stay(flat, 3 * DAY, DAY)
    assert AccessGrant.objects.get(booking=stay).code == "482913"
    begins = whole(timezone.now() + 6 * DAY)
    rows = [Booking(property=flat, check_in=begins, check_out=begins + DAY) for _ in range(20)]
    ids = [booking.pk for booking in Booking.objects.bulk_create(rows)]
    draws = iter([taken, *(f"{number}" for number in range(582913, 582999))])
    grants.sync_bookings(ids)
    codes = [AccessGrant.objects.get(booking=pk).code for pk in ids]
    assert len(set(codes)) == 20
    assert taken not in codes


def test_references_are_drawn_again_where_they_are_used(
    house: House, flat: Property, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    used = AccessGrant.objects.get(booking=house.stay(flat, DAY, DAY)).reference
    drawn = iter([used, used, *(f"R{number:05}" for number in range(200))])
    for place in ("pins.desired.issuing.new_reference", "pins.models.grant.new_reference"):
        monkeypatch.setattr(place, lambda key: next(drawn))
    assert AccessGrant.objects.get(booking=house.stay(flat, 3 * DAY, DAY)).reference == "R00000"
    begins = whole(timezone.now() + 6 * DAY)
    rows = [Booking(property=flat, check_in=begins, check_out=begins + DAY) for _ in range(20)]
    drawn = iter([used, "S00001", "S00001", *(f"T{number:05}" for number in range(200))])
    together.sync([booking.pk for booking in Booking.objects.bulk_create(rows)], timezone.now())
    assert AccessGrant.objects.values("reference").distinct().count() == 22


def test_two_calendars_at_once_never_share_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both draw from few values, so that they meet at the claims of the entrance."""
    values = [f"{number}" for number in range(482913, 482913 + 90)]
    monkeypatch.setattr(
        claims, "generate", lambda length, taken: random.choice([value for value in values if value not in taken])
    )
    house = House()
    entrance = house.lock("Entrance")
    homes = [house.flat(entrance, name=name) for name in "AB"]
    begins = whole(timezone.now() + DAY)
    rows = [Booking(property=homes[place % 2], check_in=begins, check_out=begins + DAY) for place in range(60)]
    made = Booking.objects.bulk_create(rows)
    parts = [[booking.pk for booking in made if booking.property_id == home.pk] for home in homes]
    at_once([lambda ids=ids: grants.sync_bookings(ids) for ids in (*parts, parts[0])])  # type: ignore[misc]
    assert AccessGrant.objects.count() == 60
    assert len({grant.code for grant in AccessGrant.objects.all()}) == 60
    assert Pin.objects.filter(lock=entrance, wanted=True).count() == 60
