"""Many threads at once, on a real database: what a single thread can never show."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from pins import claims, drift, grants
from pins.facts import State
from pins.models import AccessGrant, Pin, ValueClaim
from rentals.models import Booking
from tests.support.house import House, pin_of, whole

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


def at_once(jobs: list[Callable[[], object]]) -> list[object]:
    """Start all jobs at the same moment in threads of their own; an exception of any of them is raised."""
    barrier = threading.Barrier(len(jobs))

    def begin(job: Callable[[], object]) -> object:
        barrier.wait(timeout=30)
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(begin, job) for job in jobs]]


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
    stays = [house.stay(flats[n % 2], (n + 1) * DAY, DAY) for n in range(6)]

    def edit(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(12):
            stay = Booking.objects.get(pk=rng.choice(stays).pk)
            change = rng.choice(["move", "extend", "cancel", "confirm", "renew"])
            if change == "renew":
                grants.renew_code(AccessGrant.objects.get(booking=stay).pk, timezone.now())
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
