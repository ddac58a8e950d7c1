"""Many threads at once, on a real database: what a single thread can never show."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import claims, code_overrides, drift, grants
from pins.models import AccessGrant, Delivery, Incident, NotificationChannel, Pin, ValueClaim
from pins.notify import collecting, sending
from rentals.models import Booking, Lock, Property
from tests.support.house import House, pin_of, whole
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


def test_many_runs_of_one_lock_send_one_request_at_a_time() -> None:
    house = House()
    door = house.lock()
    flat = house.flat(door)
    for n in range(3):
        house.stay(flat, (n + 1) * DAY, DAY)
    at_once([lambda: house.run(door)] * 8)
    house.settle()
    assert house.cloud.collisions == []
    assert len(house.ours(door)) == 3
    assert len([change for change in house.cloud.journal.changes if change.action == "created"]) == 3


def test_one_booking_saved_by_many_has_one_grant() -> None:
    house = House()
    flat = house.flat(house.lock())
    begins = whole(timezone.now() + DAY)
    (booking,) = Booking.objects.bulk_create([Booking(property=flat, check_in=begins, check_out=begins + DAY)])
    at_once([lambda: grants.sync_bookings([booking.pk])] * 8)
    assert AccessGrant.objects.count() == Pin.objects.count() == 1
    assert ValueClaim.objects.filter(released_at=None).count() == 1


def test_bookings_entered_at_once_never_share_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads draw from the same four values, so that they meet at the claims."""
    values = ["482913", "739154", "615824", "274936"]

    def generate(length: int, taken: claims.TakenValues) -> str:
        return random.choice([value for value in values if value not in taken])

    monkeypatch.setattr(claims, "generate", generate)
    house = House()
    door = house.lock()
    flat = house.flat(door)
    at_once([lambda: house.stay(flat, DAY, DAY)] * len(values))
    assert sorted(grant.code for grant in AccessGrant.objects.all()) == sorted(values)


def test_edits_runs_and_checks_together_neither_lock_up_nor_lose_anything() -> None:
    house = House()
    locks = [house.lock(f"Door {n}") for n in range(3)]
    flats = [house.flat(locks[0], lock, name=str(lock)) for lock in locks[1:]]
    names = ["Anna Nowak", "Jan Kowalski", "Odalys Brink", "Emma Larsen", "Li Ming", "Noor Haddad"]
    stays = [house.stay(flats[n % 2], (n + 1) * DAY, DAY, name) for n, name in enumerate(names)]

    def edit(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(12):
            stay = Booking.objects.get(pk=rng.choice(stays).pk)
            change = rng.choice(["move", "extend", "cancel", "confirm", "renew"])
            if change == "renew":
                code_overrides.renew_code(AccessGrant.objects.get(booking=stay).pk, timezone.now())
                continue
            if change == "move":
                stay.property = rng.choice(flats)
            elif change == "extend":
                stay.check_out += timedelta(hours=1)
            else:
                stay.status = "cancelled" if change == "cancel" else "confirmed"
            stay.save()

    def run() -> None:
        for _ in range(15):
            for lock in locks:
                house.run(lock)

    def check() -> None:
        for _ in range(5):
            drift.repair(timezone.now())

    at_once([lambda: edit(1), lambda: edit(2), lambda: edit(3), run, run, check])

    Booking.objects.update(status="confirmed")
    drift.repair(timezone.now())
    house.settle()
    assert house.cloud.collisions == []
    for stay in Booking.objects.select_related("property"):
        grant = AccessGrant.objects.get(booking=stay)
        for lock in stay.property.locks.all():
            (remote,) = [pin for pin in house.ours(lock) if pin.alias.endswith(grant.reference)]
            assert (remote.value, remote.body.end) == (grant.code, stay.check_out)
            assert pin_of(stay, lock).state == State.SET
    assert sum(len(house.ours(lock)) for lock in locks) == 2 * len(stays)


def test_a_check_that_meets_a_cancellation_under_way_does_not_undo_it() -> None:
    """The check begins while the cancellation is written and not yet committed. It must wait, then read."""
    house = House()
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    written, has_read = threading.Event(), threading.Event()

    def cancel() -> None:
        with transaction.atomic():
            fresh = Booking.objects.get(pk=booking.pk)
            fresh.status = Booking.Status.CANCELLED
            fresh.save()
            written.set()
            has_read.wait(0.5)  # a check that waits for our commit, as it should, cannot set this

    def check() -> None:
        queries = 0

        def note(execute: Callable[..., object], *args: object) -> object:
            nonlocal queries
            queries += 1
            if queries > 1:
                has_read.set()
            return execute(*args)

        assert written.wait(30)
        with connection.execute_wrapper(note):
            grants.sync_bookings([booking.pk])

    at_once([cancel, check])
    assert not AccessGrant.objects.get().wanted
    assert not pin_of(booking, door).wanted


def test_saves_of_locks_and_properties_among_edits_and_deletions_neither_lock_up_nor_leave_codes() -> None:
    """Each of them locks many bookings in one transaction, as the admin does; the later booking arrives first, so that
    their order by arrival is the reverse of their order by id."""
    house = House()
    door, cellar = house.lock("Door"), house.lock("Cellar")
    flat = house.flat(door, cellar)
    begins = whole(timezone.now() + 20 * DAY)

    def book() -> list[Booking]:
        rows = [
            Booking(
                property=flat,
                check_in=begins - n * DAY,
                check_out=begins - n * DAY + timedelta(hours=20),
                follows_property_times=n % 3 > 0,
            )
            for n in range(9)
        ]
        return Booking.objects.bulk_create(rows)

    kept, short_lived = book(), book()
    drift.repair(timezone.now())

    def save_the_lock(lock: Lock) -> None:
        for n in range(4):
            with transaction.atomic():
                fresh = Lock.objects.get(pk=lock.pk)
                fresh.is_active = n % 2 == 1
                fresh.save()

    def save_the_property() -> None:
        for n in range(4):
            with transaction.atomic():
                fresh = Property.objects.get(pk=flat.pk)
                fresh.check_in_time, fresh.check_out_time = time(12 + n % 2), time(11, n)
                fresh.save()

    def edit() -> None:
        for stay in [*short_lived, *kept]:
            with transaction.atomic():
                fresh = Booking.objects.select_for_update().filter(pk=stay.pk).first()
                if fresh is not None:  # else somebody has deleted it
                    fresh.guest_name = "Edited"
                    fresh.save()

    def delete(stays: list[Booking]) -> None:
        with transaction.atomic():
            Booking.objects.filter(pk__in=[stay.pk for stay in stays]).delete()

    at_once(
        [
            lambda: save_the_lock(door),
            lambda: save_the_lock(cellar),
            save_the_property,
            edit,
            lambda: delete(short_lived[::2]),
            lambda: delete(short_lived[1::2]),
            lambda: house.run(door),
        ]
    )

    drift.repair(timezone.now())
    house.settle()
    grants_now = AccessGrant.objects.filter(wanted=True).select_related("booking")
    assert {grant.booking for grant in grants_now} == set(Booking.objects.all()) == set(kept)
    for lock in (door, cellar):
        assert sorted(pin.value for pin in house.ours(lock)) == sorted(grant.code for grant in grants_now)


def test_many_workers_at_once_notice_once_and_send_once() -> None:
    """Eight look for news and send at the same moment, again and again: each letter goes out once."""
    house = House()
    NotificationChannel.objects.create(name="Anna", target="anna@example.com")
    locks = [house.lock(f"Door {n}") for n in range(6)]
    for lock in locks:
        Incident.open(Incident.Kind.NO_PERMISSION, timezone.now(), about=lock)

    def work() -> None:
        for _ in range(4):
            collecting.collect(timezone.now())
            for delivery_id in sending.due(timezone.now(), 100):
                sending.send(delivery_id)

    at_once([work] * 8)
    work()
    subjects = [one.subject for one in mail.outbox]
    assert sorted(subjects) == sorted(f"The account may not manage this lock: {lock.name}" for lock in locks)
    for lock in locks:
        Incident.resolve(timezone.now(), about=lock, kinds=(Incident.Kind.NO_PERMISSION,))
    at_once([work] * 8)
    work()
    assert len(mail.outbox) == 2 * len(locks)
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}
