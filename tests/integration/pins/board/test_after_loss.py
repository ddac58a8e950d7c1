"""After a restore the board says what is not as usual yet, and stops saying it by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.models import Heartbeat, LockState
from pins.reconcile import after_loss
from rentals.models import LockAccount, PropertyAccess
from tests.support.board_pages import words
from tests.support.house import House
from tests.support.loss import bring_back, saved
from tests.support.people import operator

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HEAD, WAITS, SPENT = "A backup was restored", "waits for its release", "count as spent until"


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return House(audits=True)


def release() -> None:
    for account in LockAccount.objects.all():
        account.observe_only = False
        account.save()


def test_the_board_says_what_waits_until_nothing_does(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    door, gate = house.lock("Door"), house.lock("Gate")
    house.lock("Store")  # no code, no stay: it is looked at, too
    house.stay(house.flat(door, gate), 2 * HOUR, 2 * DAY)
    house.live(clock, MINUTE)
    assert HEAD not in words(host.get("/"))
    bring_back(saved())
    host.force_login(User.objects.get())
    said = words(host.get("/"))
    assert f"{HEAD} on Mon 1 Mar, 10:01 CET" in said
    assert "“Office” waits for its release: its 3 locks are read, and nothing is changed there." in said
    assert "Half of the hour's requests to Tedee count as spent until 11:01 CET" in said
    assert "Turnkey only observes “" not in said  # that would be the same, twice

    release()
    said = words(host.get("/"))
    assert "3 locks are still to be looked at before anything is changed there, nearest arrivals first" in said
    assert WAITS not in said

    house.live(clock, 20 * MINUTE)
    said = words(host.get("/"))
    assert "1 lock is still to be looked at" in said, said[200:900]
    assert SPENT in said
    house.live(clock, 2 * HOUR)
    assert not LockState.objects.filter(look_first=True).exists()
    assert HEAD not in words(host.get("/"))


def test_a_copy_for_trying_something_out_says_so_for_as_long_as_it_waits(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    house.lock()
    after_loss.begin(timezone.now())
    house.live(clock, 3 * DAY)
    said = words(host.get("/"))
    assert HEAD in said
    assert WAITS in said
    assert SPENT not in said


def test_an_account_that_a_person_made_observe_only_does_not_wait(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    house.lock()
    after_loss.begin(timezone.now())
    release()
    house.live(clock, 3 * HOUR)
    LockAccount.objects.update(observe_only=True)
    said = words(host.get("/"))
    assert HEAD not in said
    assert "Turnkey only observes “Office”" in said


def test_people_see_what_waits_for_their_own_properties(
    client: Client, house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock("Mine"))
    elsewhere = LockAccount.objects.create(name="Elsewhere", kind="personal_key", secret="other")
    theirs = house.lock("Theirs")
    theirs.account = elsewhere
    theirs.save()
    person = operator()
    PropertyAccess.objects.create(user=person).properties.set([flat])
    after_loss.begin(timezone.now())
    client.force_login(person)
    said = words(client.get("/"))
    assert "“Office” waits for its release: its lock is read, and nothing" in said
    assert "Elsewhere" not in said


def test_it_costs_a_board_that_lost_nothing_one_query(host: Client, house: House) -> None:
    house.lock()
    with CaptureQueriesContext(connection) as queries:
        host.get("/")
    asked = [one["sql"] for one in queries.captured_queries if "look_first" in one["sql"] or "restored" in one["sql"]]
    assert len(asked) == 1, asked
    assert not Heartbeat.objects.filter(name=after_loss.RESTORED).exists()
