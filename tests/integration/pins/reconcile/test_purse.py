"""Requests that a run takes from its account's budget in advance: which they pay for, and what goes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Usage, remaining
from pins.models import RateBudget
from pins.reconcile import request_budget
from pins.reconcile.purse import Purse
from tests.support.due_codes import due_codes
from tests.support.house import House

pytestmark = pytest.mark.django_db

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
LIMIT = 30


@pytest.fixture(autouse=True)
def _small_budget(settings: Settings) -> None:
    settings.TEDEE_RATE_LIMIT = LIMIT


def pay(purse: Purse, due: timedelta, *later: timedelta) -> timedelta | None:
    """For a code, with others that follow. `None`: it was paid, else in how long to ask again."""
    now = timezone.now()
    until = purse.pay(now + due, now, later=[now + one for one in later])
    return until - now if until is not None else None


def spent(house: House) -> int:
    row = RateBudget.objects.filter(key=house.account.budget_key).first() or RateBudget()
    return LIMIT - remaining(Usage.from_json(row.usage), request_budget.rules(), timezone.now())


def test_what_was_taken_together_is_sent_without_asking_again_and_the_rest_goes_back(house: House) -> None:
    purse = Purse(house.account.budget_key)
    assert pay(purse, HOUR, HOUR, 2 * HOUR, 3 * HOUR) is None
    assert spent(house) == 4
    with CaptureQueriesContext(connection) as captured:
        assert (pay(purse, HOUR), pay(purse, 2 * HOUR)) == (None, None)
    assert not captured.captured_queries
    purse.close()
    assert spent(house) == 3
    purse.close()
    assert spent(house) == 3, "what is left goes back once"


def test_one_more_than_was_taken_is_asked_for(house: House) -> None:
    purse = Purse(house.account.budget_key)
    for sent in range(1, 6):
        assert pay(purse, HOUR, *([HOUR] if sent == 1 else [])) is None
        assert spent(house) == max(2, sent)
    with CaptureQueriesContext(connection) as captured:
        purse.close()
    assert not captured.captured_queries, "nothing is left"
    assert spent(house) == 5


def test_a_request_that_was_not_sent_after_all_pays_for_the_next_one(house: House) -> None:
    others, purse = Purse(house.account.budget_key), Purse(house.account.budget_key)
    pay(others, HOUR, HOUR, HOUR)
    pay(purse, HOUR)
    purse.take_back()
    assert pay(purse, HOUR) is None
    assert spent(house) == 4
    purse.take_back()
    purse.close()
    assert spent(house) == 3
    purse.take_back()
    purse.close()
    assert spent(house) == 3, "a purse that holds nothing gets nothing back"


def test_what_is_left_goes_back_before_more_is_taken_in_the_next_slot(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """A slot is a sixtieth of the window: each request counts in the one in which it is sent."""
    settings.TEDEE_RATE_WINDOW = 60
    purse = Purse(house.account.budget_key)
    assert pay(purse, HOUR, HOUR, HOUR) is None
    clock.shift(SECOND)
    assert pay(purse, HOUR, HOUR) is None
    assert Usage.from_json(RateBudget.objects.get().usage).counts[-2:] == (1, 2)
    clock.shift(SECOND)
    purse.close()
    assert Usage.from_json(RateBudget.objects.get().usage).counts[-2:] == (1, 1)


def test_what_was_taken_is_not_for_a_stay_beyond_the_cutoff(house: House) -> None:
    """Those that are due earlier need it, so the later stay waits for a sweep, although requests are in the purse."""
    RateBudget.objects.create(key=house.account.budget_key, cutoff_at=timezone.now() + 2 * HOUR)
    purse = Purse(house.account.budget_key)
    assert pay(purse, HOUR, HOUR, HOUR) is None
    assert pay(purse, 2 * HOUR) is None
    assert pay(purse, 2 * HOUR + SECOND) == request_budget.BUDGET_PAUSE
    assert spent(house) == 2
    assert pay(purse, HOUR) is None


def test_what_was_taken_is_not_for_a_later_stay_than_it_was_asked_for(house: House) -> None:
    """Many others come before that one, and the budget does not suffice for all of them."""
    due_codes(house.lock(), LIMIT // 2)  # one a day from tomorrow on, each may need two requests
    purse = Purse(house.account.budget_key)
    assert pay(purse, 5 * HOUR, 6 * HOUR, 7 * HOUR) is None
    assert pay(purse, 7 * HOUR) is None
    assert pay(purse, 20 * DAY) == request_budget.BUDGET_PAUSE
    assert spent(house) == 2


def test_what_is_near_is_paid_from_the_purse_whoever_else_is_due(house: House) -> None:
    due_codes(house.lock(), LIMIT // 2)
    purse = Purse(house.account.budget_key)
    assert pay(purse, HOUR, HOUR) is None
    with CaptureQueriesContext(connection) as captured:
        assert pay(purse, 4 * HOUR - SECOND) is None
    assert not captured.captured_queries


def test_where_nothing_is_left_the_purse_says_when_to_ask_again(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_WINDOW = 60
    purse = Purse(house.account.budget_key)
    for _ in range(LIMIT):
        assert pay(purse, timedelta(0)) is None
    assert pay(purse, timedelta(0)) == 61 * SECOND
    clock.shift(61 * SECOND)
    assert pay(purse, timedelta(0)) is None
