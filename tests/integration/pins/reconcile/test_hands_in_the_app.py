"""Somebody changes or removes our code in the lock app: what people are told, and what is looked at again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.core.interpret import SECOND_HAND
from pins.core.pin_state import Blocked
from pins.core.witness import Credit
from pins.models import Incident, LockState, Pin, PinAttempt
from pins.reconcile import listings, observations
from pins.reconcile.known import KnownLock
from pins.simulator.devices import SimPin
from pins.tedee.messages import ListedPin, PinListing
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of
from tests.support.spares import pool_on

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def on_the_lock(house: House) -> tuple[Lock, Booking, SimPin]:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 5 * DAY)
    house.settle()
    (remote,) = house.ours(door)
    return door, booking, remote


def narrowed(house: House, door: Lock, remote: SimPin) -> None:
    """Somebody lets it open on Monday and Tuesday only, and it is read."""
    house.cloud.change_pin(door.device_id, remote.id, week_days=3)
    observations.ask_to_read(Pin.objects.filter(lock=door).values_list("pk", flat=True), timezone.now())
    house.settle()


def severities() -> list[tuple[str, str]]:
    return list(Incident.objects.order_by("pk").values_list("kind", "severity"))


def test_the_first_time_it_is_corrected_with_a_warning_and_the_second_time_a_person_must_act(
    house: House, clock: time_machine.Traveller
) -> None:
    door, booking, remote = on_the_lock(house)
    narrowed(house, door, remote)
    assert severities() == [(Kind.CHANGED_IN_APP, Severity.WARNING)]
    assert Incident.objects.get().pin == pin_of(booking, door)
    clock.shift(SECOND_HAND - MINUTE)
    narrowed(house, door, remote)
    assert severities() == [(Kind.CHANGED_IN_APP, Severity.URGENT)]
    assert pin_of(booking, door).blocked == Blocked.EDITED_AGAIN


def test_a_change_that_the_last_comparison_did_not_show_makes_the_next_one_due(house: House) -> None:
    door, _, remote = on_the_lock(house)
    before = LockState.objects.get(lock=door).audit_at
    assert before is not None
    assert before > timezone.now()
    house.cloud.change_pin(door.device_id, remote.id, week_days=3)
    observations.ask_to_read(Pin.objects.values_list("pk", flat=True), timezone.now())
    house.run(door)
    assert PinAttempt.objects.filter(op="list", pin=None).count() == 1, "compared within the same run"


def test_of_a_spare_code_that_nobody_has_nobody_is_told(house: House) -> None:
    door = house.lock()
    pool_on(house, door)
    (remote,) = house.ours(door)
    narrowed(house, door, remote)
    assert severities() == []
    assert PinAttempt.objects.filter(op="put").count() == 1, "but it is corrected"


def test_a_code_is_asked_for_by_its_id_only_where_it_has_one(house: House) -> None:
    door, booking, _ = on_the_lock(house)
    coming = house.stay(house.flat(door, name="Other"), 9 * DAY, DAY)
    pins = {pin.pk: pin for pin in (pin_of(booking, door), pin_of(coming, door))}
    observations.ask_to_read(pins, timezone.now())
    there, absent = pin_of(booking, door), pin_of(coming, door)
    assert (there.must_read, there.next_try_at) == (True, timezone.now())
    assert there.observed_rev == pins[there.pk].observed_rev + 1
    assert (absent.must_read, absent.observed_rev) == (False, pins[absent.pk].observed_rev)


# -- what others learn from one list -----------------------------------------------------------------------------------


def shared(door: Lock, *shown: int, asker: int | None = None) -> None:
    listing = PinListing(9, tuple(ListedPin(one, "Cleaner") for one in shown))
    seen = listings.weigh(door, listing, timezone.now())
    assert seen.credit is not Credit.STALE
    observations.share_list(asker, seen, timezone.now())


def test_a_list_teaches_all_codes_of_the_lock_but_the_one_that_asked(house: House) -> None:
    door, booking, _ = on_the_lock(house)
    other = house.stay(house.flat(door, name="Other"), 9 * DAY, DAY)
    house.settle()
    asker = pin_of(booking, door)
    shared(door, asker=asker.pk)
    assert [pin_of(one, door).omitted for one in (booking, other)] == [False, True]
    assert pin_of(other, door).next_try_at == timezone.now()
    shared(door)
    assert pin_of(booking, door).omitted


def test_a_list_that_says_nothing_new_writes_nothing(house: House) -> None:
    door, booking, remote = on_the_lock(house)
    before = pin_of(booking, door).observed_rev
    listing = PinListing(9, (ListedPin(remote.id, remote.alias),))
    observations.share_list(None, listings.weigh(door, listing, timezone.now()), timezone.now())
    assert pin_of(booking, door).observed_rev == before


# -- an id that is given to another code -------------------------------------------------------------------------------


def test_whoever_was_believed_under_an_id_that_another_code_got_is_looked_for(house: House) -> None:
    door, booking, _ = on_the_lock(house)
    flat = house.flat(door, name="Other")
    coming, _ = house.stay(flat, 9 * DAY, DAY), house.stay(flat, 11 * DAY, DAY)
    old, created = pin_of(booking, door), pin_of(coming, door)
    held = old.remote_id
    assert held is not None
    known = KnownLock(door.pk, timezone.now())
    revisions = {pin.pk: pin.observed_rev for pin in Pin.objects.all()}
    observations.distrust_reused_id(known, created, held, timezone.now())
    doubted = pin_of(booking, door)
    assert (doubted.remote_id, doubted.next_try_at) != (held, old.next_try_at)
    after = {pin.pk: pin.observed_rev for pin in Pin.objects.all()}
    assert after == revisions | {doubted.pk: revisions[doubted.pk] + 1}
    assert known.holders[held] == {created.pk}
    assert Incident.objects.get().kind == Kind.CHANGED_IN_APP
    observations.distrust_reused_id(known, created, held, timezone.now())
    assert {pin.pk: pin.observed_rev for pin in Pin.objects.all()} == after, "now it is its own"
