"""Who may spend where more is due than the budget of requests allows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose
from pins.models import LockState, Pin, RateBudget
from pins.reconcile import request_budget, sweep
from pins.reconcile.sweep import Limit
from rentals.models import Lock, LockAccount
from tests.support.house import House
from tests.support.reconciling import just_before
from tests.support.statements import statements

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def ten_requests_an_hour(settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 10, 3600


def spent(account: LockAccount, requests: int) -> None:
    now = timezone.now()
    for _ in range(requests):
        assert request_budget.spend(account.budget_key, Purpose.ARRIVAL, now, now) is None


def cutoff_of(account: LockAccount) -> datetime | None:
    return RateBudget.objects.get(key=account.budget_key).cutoff_at


def with_codes(house: House, *deadlines: timedelta | None, account: LockAccount | None = None) -> list[int]:
    """Locks with one due code each."""
    locks = []
    for deadline in deadlines:
        lock = house.lock(f"Door {Lock.objects.count()}")
        Lock.objects.filter(pk=lock.pk).update(account=account or house.account)
        stay = house.stay(house.flat(lock, name=lock.name), DAY, DAY)
        Pin.objects.filter(grant__booking=stay).update(
            next_try_at=timezone.now(), deadline_at=timezone.now() + deadline if deadline is not None else None
        )
        locks.append(lock.pk)
    return locks


@pytest.mark.parametrize(
    ("left", "codes", "cutoff", "until"),
    [
        (8, 4, None, None),  # two requests for each: enough
        (7, 3, 7, 7),
        (5, 2, 6, 6),
        (3, 1, 5, 5),
        (2, 1, 5, 5),
        (1, 1, 5, 4),  # the last tenth is for what is due within four hours
        (0, 0, 5, 5),
    ],
)
def test_the_earliest_deadlines_have_what_is_left(
    house: House, left: int, codes: int, cutoff: int | None, until: int | None
) -> None:
    locks = with_codes(house, 8 * HOUR, 7 * HOUR, 6 * HOUR, 5 * HOUR)
    now = timezone.now()
    spent(house.account, 10 - left)
    found = sweep.ration(now)
    assert cutoff_of(house.account) == (now + cutoff * HOUR if cutoff else None)
    if cutoff is None:
        assert found == {}
    elif left:
        assert until is not None
        assert found == {house.account.pk: Limit(codes, now + until * HOUR)}
    else:
        assert found[house.account.pk].left == 0
    expected = locks[::-1][: codes if left != 1 else 0]
    assert sweep.due_locks(now, found) == expected
    assert sweep.due_locks(now) == expected, "whoever asks between two sweeps gets the same answer"


def test_of_many_with_one_deadline_so_many_are_woken_as_can_be_paid(house: House) -> None:
    locks = with_codes(house, *[6 * HOUR] * 5)
    spent(house.account, 5)
    now = timezone.now()
    assert sweep.due_locks(now, sweep.ration(now)) == locks[:2]
    assert sweep.due_locks(now) == locks[:2]


def test_what_is_overdue_comes_before_all_others(house: House) -> None:
    over, near, over_too = with_codes(house, -HOUR, HOUR, -MINUTE)
    spent(house.account, 5)
    now = timezone.now()
    assert sweep.ration(now) == {house.account.pk: Limit(2, now)}
    assert sweep.due_locks(now) == [over, over_too]
    RateBudget.objects.update(cutoff_at=None)
    assert sweep.due_locks(now) == [over, over_too, near]


def test_where_nothing_is_left_no_lock_is_woken_however_little_is_due(house: House) -> None:
    with_codes(house, -HOUR)
    spent(house.account, 10)
    now = timezone.now()
    found = sweep.ration(now)
    assert found[house.account.pk].left == 0
    assert sweep.due_locks(now, found) == sweep.due_locks(now) == []


def test_accounts_of_one_tedee_user_share_what_is_left_and_others_have_their_own(house: House) -> None:
    mate = LockAccount.objects.create(name="Mate", secret="a", rate_group="office")
    other = LockAccount.objects.create(name="Other", secret="b")
    LockAccount.objects.filter(pk=house.account.pk).update(rate_group="office")
    house.account.refresh_from_db()
    spent(mate, 5)
    spent(other, 2)
    here = with_codes(house, 6 * HOUR, 6 * HOUR)
    there = with_codes(house, 5 * HOUR, 7 * HOUR, account=mate)
    apart = with_codes(house, 8 * HOUR, 9 * HOUR, account=other)
    now = timezone.now()
    found = sweep.ration(now)
    assert found == dict.fromkeys((house.account.pk, mate.pk), Limit(2, now + 6 * HOUR))
    assert sweep.due_locks(now, found) == [there[0], here[0], *apart]
    assert sweep.due_locks(now) == [there[0], here[0], *apart]


def test_locks_that_wait_for_no_deadline_take_nothing_from_those_that_do(house: House) -> None:
    removal, first, second, moved = with_codes(house, None, 5 * HOUR, 6 * HOUR, 7 * HOUR)
    Pin.objects.filter(lock=moved).update(next_try_at=None)
    LockState.objects.filter(lock=moved).update(device_id=1)
    spent(house.account, 7)
    now = timezone.now()
    assert sweep.due_locks(now, sweep.ration(now)) == [first, removal, moved]
    assert second not in sweep.due_locks(now)


@pytest.mark.parametrize(("cutoff", "is_woken"), [(DAY, True), (DAY - SECOND, False)])
def test_a_lock_is_compared_while_the_arrivals_of_a_day_can_be_paid(
    house: House, cutoff: timedelta, *, is_woken: bool
) -> None:
    first, _ = with_codes(house, cutoff, 30 * HOUR)
    compared = house.lock("Compared")
    LockState.objects.filter(lock=compared).update(audit_at=timezone.now())
    spent(house.account, 7)
    now = timezone.now()
    assert sweep.due_locks(now, sweep.ration(now)) == [first, *([compared.pk] if is_woken else [])]


# -- what is stored ----------------------------------------------------------------------------------------------------


def test_a_scarcity_that_is_over_is_forgotten_also_where_nothing_is_due_any_more(house: House) -> None:
    other = LockAccount.objects.create(name="Other", secret="b")
    with_codes(house, 5 * HOUR, 6 * HOUR)
    for account in (house.account, other):
        spent(account, 2)
    now = timezone.now()
    RateBudget.objects.update(cutoff_at=now + HOUR)
    assert sweep.ration(now) == {}
    assert cutoff_of(house.account) is None
    assert cutoff_of(other) is None


def test_an_account_with_enough_is_asked_nothing_more(house: House) -> None:
    with_codes(house, 5 * HOUR, 6 * HOUR)
    spent(house.account, 2)
    RateBudget.objects.create(key="account:0")
    with CaptureQueriesContext(connection) as queries:
        assert sweep.ration(timezone.now()) == {}
    assert len(statements(queries)) == 2, "how much is due, and the budgets of those accounts"


def test_of_much_that_is_due_only_so_many_deadlines_are_read_as_requests_are_left(house: House) -> None:
    with_codes(house, *[5 * HOUR] * 6)
    spent(house.account, 7)
    with CaptureQueriesContext(connection) as queries:
        sweep.ration(timezone.now())
    assert [sql.rpartition(" LIMIT ")[2] for sql in statements(queries) if " LIMIT " in sql] == ["4"], "and one more"


def test_a_request_that_is_paid_at_that_moment_stays_counted(house: House) -> None:
    with_codes(house, 5 * HOUR, 6 * HOUR)
    spent(house.account, 7)
    with just_before('UPDATE "pins_ratebudget"', lambda: spent(house.account, 1)):
        sweep.ration(timezone.now())
    row = RateBudget.objects.get()
    assert sum(row.usage["counts"]) == 8
    assert row.cutoff_at == timezone.now() + 5 * HOUR


def test_a_new_cutoff_voids_what_was_taken_in_advance_from_that_budget_and_the_same_one_does_not(
    house: House,
) -> None:
    with_codes(house, 5 * HOUR, 6 * HOUR)
    spent(house.account, 7)
    runs, other = house.lock("Runs"), house.lock("Other")
    now = timezone.now()
    for lock, key in ((runs, house.account.budget_key), (other, "account:0")):
        LockState.objects.filter(lock=lock).update(rate_key=key, lease_until=now + MINUTE)
    sweep.ration(now)
    assert list(LockState.objects.filter(block_is_void=True).values_list("lock", flat=True)) == [runs.pk]
    LockState.objects.update(block_is_void=False)
    sweep.ration(now)
    assert not LockState.objects.filter(block_is_void=True).exists()
