"""An account whose key nobody can decrypt, because a field key was lost: it stands still, and no other one does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from pins.models import AccountState, LockActivity, LockState, Pin, RateBudget
from pins.reconcile import activity, connectivity, sweep
from pins.tedee.errors import Cause
from rentals.models import Lock, LockAccount
from tests.support.house import KEY, House

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def two_accounts(house: House) -> tuple[Lock, Lock]:
    """A lock of each, with a code that is due. The key of the first account cannot be read."""
    attic, door = house.lock("Attic"), house.lock("Door")
    Lock.objects.filter(pk=door.pk).update(account=LockAccount.objects.create(name="Other", secret=KEY))
    door.refresh_from_db()
    for lock in (attic, door):
        house.stay(house.flat(lock, name=lock.name), timedelta(), DAY)
    with connection.cursor() as cursor:  # past the field, which would encrypt it
        cursor.execute("UPDATE rentals_lockaccount SET secret = 'nonsense' WHERE id = %s", [house.account.pk])
    return attic, door


def test_after_an_outage_the_sweep_wakes_the_locks_of_others(house: House) -> None:
    attic, door = two_accounts(house)
    AccountState.objects.update(outages=1)
    assert sweep.due_locks(timezone.now()) == [attic.pk, door.pk]


def test_a_refused_key_stays_refused_and_the_sweep_wakes_the_locks_of_others(house: House) -> None:
    _, door = two_accounts(house)
    until = timezone.now() + HOUR
    AccountState.objects.update(dead_key="of another key", outages=1, paused_until=until, pause_cause="unauthorized")
    assert sweep.due_locks(timezone.now()) == [door.pk]
    state = AccountState.objects.get(account=house.account)
    assert (state.dead_key, state.paused_until) == ("of another key", until)


def test_a_lock_that_was_forbidden_stays_so_and_that_of_another_account_is_forgiven(house: House) -> None:
    attic, door = two_accounts(house)
    until = timezone.now() + HOUR
    LockState.objects.update(forbidden_key="of another key", paused_until=until, pause_cause=Cause.FORBIDDEN)
    assert sweep.due_locks(timezone.now()) == [door.pk]
    rests = dict(LockState.objects.values_list("lock", "paused_until"))
    assert rests == {attic.pk: until, door.pk: None}


def test_the_locks_of_others_are_watched_while_they_are_offline(house: House) -> None:
    _, door = two_accounts(house)
    LockState.objects.update(paused_until=timezone.now() + HOUR, pause_cause=Cause.OFFLINE)
    Lock.objects.update(is_connected=False)
    assert connectivity.locks_back_online(timezone.now(), house.client) == {door.pk}


def test_the_activity_of_the_locks_of_others_is_read(house: House) -> None:
    _, door = two_accounts(house)
    LockAccount.objects.update(reads_activity=True)
    Pin.objects.update(next_try_at=None)
    assert activity.read_due(timezone.now(), house.client) == 1
    assert LockActivity.objects.get(read_at__isnull=False).lock == door
    assert list(RateBudget.objects.values_list("key", flat=True)) == [door.account.budget_key], "no request was taken"
