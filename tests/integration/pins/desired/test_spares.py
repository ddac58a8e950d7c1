"""Spare codes, from the pool of a lock to the simulated door."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.core.spares import LIFE, REPLACED_BEFORE_END
from pins.desired import code_overrides, drift, spares
from pins.desired.handing_out import By, HandedOut, NoSpareError, NotProvenError, hand_out
from pins.incidents import slow_checks, sweep_checks
from pins.models import AccessGrant, Incident, LockState, Pin, PinReveal, SparePool, ValueClaim
from pins.retention import records
from rentals.models import Booking, Lock, Property
from tests.support.house import House
from tests.support.spares import entered, minute, pool_on, spares_on
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BY = By("host")


def shut_out(house: House, flat: Property, door: Lock, clock: time_machine.Traveller) -> Booking:
    """A guest whose stay began while the lock was offline."""
    house.cloud.set_connected(door.device_id, False)
    stay = house.stay(flat, HOUR, 3 * DAY)
    house.run(door)
    clock.shift(2 * HOUR)
    return stay


def back(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)


def given(stay: Booking) -> HandedOut:
    (one,) = hand_out(stay.pk, timezone.now(), by=BY)
    return one


def test_a_spare_opens_an_offline_door_and_then_follows_its_stay(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    pool_on(house, door)
    stay = shut_out(house, flat, door, clock)
    requests = len(house.cloud.journal.requests)
    one = given(stay)
    assert one.is_new
    assert len(house.cloud.journal.requests) == requests  # it needs no request
    opened = entered(house, door, one.code)
    assert opened is not None
    assert opened.alias.startswith("Spare code #")
    grant = AccessGrant.objects.get(booking=stay, kind=AccessGrant.Kind.BACKUP)
    assert (grant.disclosed_at, grant.code, grant.holder_name) == (timezone.now(), one.code, stay.guest_name)
    assert PinReveal.objects.get(grant=grant).user_name == "host"
    assert not given(stay).is_new  # asked again: the same code
    assert given(stay).code == one.code
    assert PinReveal.objects.filter(grant=grant).count() == 3

    back(house, door, clock)
    opened = entered(house, door, one.code)
    assert opened is not None
    assert opened.body.end == stay.check_out  # shortened
    assert entered(house, door, pin_of_guest(stay).grant.code) is not None
    minute(house)
    waiting = spares_on(door)
    assert len(waiting) == 2
    (fresh,) = [pin for pin in waiting if pin.grant.is_reserve]
    assert fresh.state == "set"  # filled again
    assert fresh.grant.code != one.code

    clock.move_to(stay.check_out + MINUTE)
    house.live(clock, 5 * MINUTE)
    assert entered(house, door, one.code) is None
    digest = ValueClaim.digest_of(one.code)
    assert ValueClaim.objects.get(digest=digest).released_at is not None  # retired, and not used again soon


def pin_of_guest(stay: Booking) -> Pin:
    return Pin.objects.select_related("grant").get(grant__booking=stay, grant__kind=AccessGrant.Kind.GUEST)


def test_nobody_gets_one_while_the_own_code_works_or_before_its_time(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    pool_on(house, door)
    stay = house.stay(flat, HOUR, 3 * DAY)
    with pytest.raises(NotProvenError):
        given(stay)  # it is not on the lock yet, and need not be
    house.settle()
    clock.shift(2 * HOUR)
    with pytest.raises(NotProvenError):
        given(stay)
    # Extended while the lock is offline: the code opens until its former end.
    house.cloud.set_connected(door.device_id, False)
    stay.check_out += DAY
    stay.save()
    house.run(door)
    assert pin_of_guest(stay).state == "changing"
    with pytest.raises(NotProvenError):
        given(stay)
    # Another code, chosen while the lock is offline.
    code_overrides.renew_code(pin_of_guest(stay).grant_id, timezone.now())
    assert entered(house, door, given(stay).code) is not None
    assert not Incident.objects.filter(kind="spares_short").exists()


@pytest.mark.parametrize("why", ["no pool", "not set yet", "no stay", "cancelled", "revoked", "taken off by hand"])
def test_none_where_none_can_help(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller, why: str
) -> None:
    if why == "not set yet":
        house.cloud.set_connected(door.device_id, False)
    if why != "no pool":
        pool_on(house, door)
    stay = shut_out(house, flat, door, clock)
    wrong: type[Exception] = NoSpareError
    if why == "cancelled":
        Booking.objects.filter(pk=stay.pk).update(status="cancelled")
        wrong = NotProvenError
    if why == "revoked":
        code_overrides.revoke([pin_of_guest(stay).grant_id], timezone.now())
        wrong = NotProvenError
    if why == "taken off by hand":
        (pin,) = spares_on(door)
        Pin.objects.filter(pk=pin.pk).update(omitted=True)  # a list lacks it
    with pytest.raises(NotProvenError if why == "no stay" else wrong):
        hand_out(0 if why == "no stay" else stay.pk, timezone.now(), by=BY)
    assert not AccessGrant.objects.filter(kind=AccessGrant.Kind.BACKUP, disclosed_at__isnull=False).exists()
    assert not PinReveal.objects.exists()


@pytest.mark.parametrize("what", ["cancelled", "deleted", "revoked", "moved", "ends now", "lock taken away", "in bulk"])
def test_it_goes_with_its_stay(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller, what: str
) -> None:
    pool_on(house, door)
    stay = shut_out(house, flat, door, clock)
    code = given(stay).code
    back(house, door, clock)
    if what == "cancelled":
        stay.status = Booking.Status.CANCELLED
        stay.save()
    elif what == "deleted":
        stay.delete()
    elif what == "revoked":
        code_overrides.revoke([pin_of_guest(stay).grant_id], timezone.now())
    elif what == "moved":
        stay.property = house.flat(house.lock("Elsewhere"), name="Elsewhere")
        stay.save()
    elif what == "ends now":
        stay.check_out = timezone.now()
        stay.save()
    elif what == "lock taken away":
        flat.locks.clear()
        flat.save()
    else:
        Booking.objects.filter(pk=stay.pk).update(status="cancelled")
    if what in ("in bulk", "lock taken away"):
        minute(house)
    house.live(clock, 15 * MINUTE)
    minute(house)
    assert entered(house, door, code) is None
    assert [pin.grant.is_reserve for pin in spares_on(door)] == [True]


def test_an_extension_is_told_to_the_lock(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    pool_on(house, door)
    stay = shut_out(house, flat, door, clock)
    code = given(stay).code
    back(house, door, clock)
    stay.check_out += 40 * DAY
    stay.save()
    house.settle()
    opened = entered(house, door, code)
    assert opened is not None
    assert opened.body.end == stay.check_out


def test_two_who_ask_at_once_get_one(house: House, flat: Property, door: Lock, clock: time_machine.Traveller) -> None:
    pool_on(house, door, 2)
    stay = shut_out(house, flat, door, clock)
    found = at_once([lambda: given(stay) for _ in range(4)])
    assert len({one.code for one in found}) == 1
    assert sum(one.is_new for one in found) == 1
    assert sum(pin.grant.is_reserve for pin in spares_on(door)) == 1


def test_two_stays_at_once_never_get_the_same(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    pool_on(house, door, 1)
    other = house.stay(house.flat(door, name="Attic"), HOUR, DAY, name="Odalys Brink")
    stay = shut_out(house, flat, door, clock)

    def ask(booking: Booking) -> str:
        try:
            return given(booking).code
        except NoSpareError:
            return ""

    found = at_once([lambda: ask(stay), lambda: ask(other)])
    assert sorted(map(bool, found)) == [False, True]


# -- the pool ----------------------------------------------------------------------------------------------------------


def test_a_lock_without_spares_costs_one_statement_and_no_request(house: House, flat: Property, door: Lock) -> None:
    drift.look(timezone.now())
    requests = len(house.cloud.journal.requests)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        drift.look(timezone.now())
    assert sum("sparepool" in one["sql"] for one in seen.captured_queries) == 1
    assert not any("backup" in one["sql"] for one in seen.captured_queries)
    assert len(house.cloud.journal.requests) == requests


def test_each_one_is_made_once_and_replaced_before_it_ends(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    pool = pool_on(house, door, 2)
    assert house.statuses() == {201: 2}
    first = {pin.grant.code for pin in spares_on(door)}
    assert len(first) == 2
    assert all(pin.grant.ends_at <= timezone.now() + LIFE for pin in spares_on(door))
    for _ in range(5):
        clock.shift(HOUR)
        minute(house)
    assert house.statuses() == {201: 2}
    clock.shift(LIFE - REPLACED_BEFORE_END)
    minute(house)
    LockState.objects.update(looked_at=timezone.now())
    clock.shift(11 * MINUTE)
    minute(house)
    now_there = {pin.grant.code for pin in spares_on(door)}
    assert len(now_there) == 2
    assert not first & now_there
    assert {pin.value for pin in house.ours(door)} == now_there
    assert house.statuses() == {201: 4, 204: 2}
    pool.refresh_from_db()
    pool.size, pool.check_at = 0, timezone.now()
    pool.save()
    minute(house)
    assert house.ours(door) == []
    clock.shift(200 * DAY)
    assert records.purge_grants(timezone.now()) == 4


def test_they_come_last_and_only_where_twenty_places_are_left(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    Lock.objects.filter(pk=door.pk).update(pin_capacity=40)
    pool_on(house, door, 3, foreign=12)  # five are kept free anyway: 23 are left
    assert len(house.ours(door)) == 3
    stay = house.stay(flat, 5 * HOUR, DAY)
    house.settle()
    assert entered_later(house, door, pin_of_guest(stay).grant.code)
    assert sum(pin.admitted for pin in spares_on(door)) == 2
    LockState.objects.update(foreign_pins=20)
    house.stay(flat, 5 * DAY, DAY, name="Odalys Brink")
    house.settle()
    assert sum(pin.admitted for pin in spares_on(door)) == 0
    assert {pin.alias[:5] for pin in house.ours(door)} == {"Anna ", "Odaly"}
    assert not Incident.objects.exists()
    clock.shift(11 * MINUTE)
    minute(house)
    clock.shift(HOUR)
    slow_checks.check(timezone.now())
    sweep_checks.check(timezone.now())
    told = Incident.objects.get()
    assert (told.kind, told.severity, told.lock) == ("spares_short", "notice", door)
    LockState.objects.update(foreign_pins=0)
    SparePool.objects.update(check_at=timezone.now())
    house.stay(flat, 9 * DAY, DAY)
    minute(house)
    clock.shift(11 * MINUTE)
    minute(house)
    slow_checks.check(timezone.now())
    told.refresh_from_db()
    assert told.resolved_at is not None


def entered_later(house: House, lock: Lock, digits: str) -> bool:
    return any(pin.value == digits for pin in house.ours(lock))


def test_a_lock_whose_list_nobody_read_is_read_first(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    for number in range(71):
        house.cloud.add_foreign_pin(door.device_id, alias=f"Cleaner {number}")
    SparePool.objects.create(lock=door, size=5)
    minute(house)
    assert LockState.objects.get(lock=door).looked_at == timezone.now()
    house.live(clock, 6 * MINUTE)
    assert len(house.ours(door)) == 4  # 100 places: 71 are other people's, 5 and 20 are left free


def test_one_makes_room_for_a_guest_on_a_lock_that_is_fuller_than_thought(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    pool_on(house, door, 2)
    house.cloud.set_capacity(door.device_id, 2)
    stay = house.stay(flat, 2 * HOUR, DAY)
    house.live(clock, 30 * MINUTE)
    assert entered_later(house, door, pin_of_guest(stay).grant.code)
    before = sum(house.statuses().values())
    for _ in range(6):
        clock.shift(HOUR)
        minute(house)
    assert sum(house.statuses().values()) - before <= 4  # it does not try again and again


def test_an_offline_lock_with_missing_spares_wakes_nobody(
    house: House, flat: Property, door: Lock, clock: time_machine.Traveller
) -> None:
    house.cloud.set_connected(door.device_id, False)
    pool_on(house, door, 2)
    house.run(door)
    clock.shift(40 * DAY)
    for _ in range(3):
        clock.shift(2 * HOUR)
        minute(house)
        sweep_checks.check(timezone.now())
        slow_checks.check(timezone.now())
    assert set(Incident.objects.filter(resolved_at=None).values_list("kind", "severity")) == {
        ("spares_short", "notice")
    }


def test_a_pool_that_cannot_be_read_stops_no_other(house: House, flat: Property, door: Lock) -> None:
    other = house.lock("Other")
    pool_on(house, door)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pins_accessgrant SET code = 'not encrypted by any key' WHERE kind = 'backup'")
    SparePool.objects.update(check_at=timezone.now())
    SparePool.objects.create(lock=other, size=1, check_at=timezone.now())
    spares.look(timezone.now())
    assert len(spares_on_ids(other)) == 1


def spares_on_ids(lock: Lock) -> list[int]:
    return list(Pin.objects.filter(lock=lock, grant__kind="backup").values_list("pk", flat=True))
