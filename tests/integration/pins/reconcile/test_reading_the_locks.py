"""Reading the locks of an account when a person asks: what it costs, what it proves, and what is said if it fails."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.budget import Purpose
from pins.models import AccountState, Incident, RateBudget
from pins.reconcile import account_limits, inventory, request_budget
from pins.reconcile.inventory import FetchError
from pins.simulator.messages import Request
from pins.tedee import errors
from pins.tedee.errors import TedeeError
from rentals.models import Lock, LockAccount
from tests.support.house import House
from tests.support.reconciling import just_before, renewals

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
Kind = LockAccount.Kind


def fetch(house: House) -> inventory.Inventory:
    return inventory.fetch(house.account, timezone.now(), clients=house.client)


def refused(house: House) -> str:
    with pytest.raises(FetchError) as told:
        fetch(house)
    assert told.value.__cause__ is None
    return str(told.value)


def spent(house: House) -> int:
    return sum(RateBudget.objects.get(key=house.account.budget_key).usage["counts"])


def asked(house: House) -> int:
    return len(house.cloud.journal.requests)


# -- what it costs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locks", "requests"), [(1, 3), (2, 3), (4, 4), (5, 5), (7, 6)])
def test_each_page_is_counted(clock: time_machine.Traveller, locks: int, requests: int) -> None:
    house = House(page_base=1, page_size=2)
    for number in range(locks):
        house.cloud.add_lock(f"Door {number}")
    assert len(fetch(house).found) == locks
    assert spent(house) == asked(house) == requests


def test_a_person_may_spend_the_last_tenth_and_nothing_beyond(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT = 10
    house.cloud.add_lock("Door")
    begun = timezone.now()
    for _ in range(8):
        request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, begun, begun)
    assert len(fetch(house).found) == 1
    assert spent(house) == 10
    clock.move_to(begun + 30 * MINUTE)
    assert refused(house) == "The requests of this hour are used up. Try again in 31 min."
    clock.move_to(begun + HOUR + 45 * SECOND)
    assert refused(house) == "The requests of this hour are used up. Try again in 1 min."
    assert (spent(house), asked(house)) == (10, 2)


# -- what it proves ----------------------------------------------------------------------------------------------------


def test_an_answer_says_that_cloud_and_key_are_well_and_when_the_locks_were_read(house: House) -> None:
    AccountState.objects.all().delete()
    fetch(house)
    assert AccountState.objects.get().listed_at == timezone.now()
    account_limits.key_refused(house.account, HOUR, timezone.now())
    fetch(house)
    state = AccountState.objects.get()
    assert (state.outages, state.dead_key, state.paused_until) == (0, "", None)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_refused_key_makes_the_account_rest_for_five_minutes(house: House) -> None:
    AccountState.objects.all().delete()
    LockAccount.objects.update(secret="wrong-key")
    house.account.refresh_from_db()
    assert refused(house).startswith("Tedee refuses the access key: it is wrong, expired or revoked.")
    state = AccountState.objects.get()
    assert (state.paused_until, state.pause_cause) == (timezone.now() + 5 * MINUTE, "unauthorized")
    assert state.listed_at is None
    assert list(Incident.objects.values_list("kind", flat=True)) == [Incident.Kind.DEAD_KEY]


def test_any_other_failure_makes_nobody_rest(house: House) -> None:
    def cut(request: Request) -> None:
        raise httpx.ConnectError("unreachable")

    house.transport.on_send = cut
    assert refused(house).startswith("The Tedee cloud cannot be reached.")
    state = AccountState.objects.get()
    assert (state.paused_until, state.outages, state.listed_at) == (None, 0, None)
    assert spent(house) == 2, "one was sent, for all that we know"
    assert not Incident.objects.exists()


def test_a_token_that_ends_at_that_moment_is_renewed_and_the_locks_are_read(
    house: House, clock: time_machine.Traveller
) -> None:
    house.connect()
    house.cloud.add_lock("Door")
    clock.shift(10 * MINUTE)
    house.cloud.authority.expire_access(house.cloud.gate, timezone.now())
    assert [one.name for one in fetch(house).found] == ["Door"]
    assert len(renewals(house)) == 1


def test_a_token_that_cannot_be_renewed_now_is_not_waited_for(house: House, clock: time_machine.Traveller) -> None:
    house.connect()
    clock.shift(2 * HOUR)
    house.cloud.authority.add_script(["error"] * 3)
    assert refused(house) == "Tedee has not given a new access token yet. Try again in a moment."
    assert len(renewals(house)) == 1
    assert asked(house) == 0


def test_two_imports_at_one_moment_leave_each_lock_once(house: House) -> None:
    made = house.cloud.add_lock("Door", "S-1")
    other = LockAccount.objects.create(name="Other", secret="other-key")

    def import_elsewhere() -> None:
        Lock.objects.create(account=other, device_id=made.id, serial_number="S-1", name="Door")

    with just_before('INSERT INTO "rentals_lock"', import_elsewhere):
        assert refused(house) == "Another import ran at the same moment. Try again."
    assert AccountState.objects.get(account=house.account).listed_at is None
    assert not Lock.objects.filter(account=house.account).exists()


# -- what is said ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            errors.Unauthorized(401),
            Kind.PERSONAL_KEY,
            "Tedee refuses the access key: it is wrong, expired or revoked. ",
        ),
        (errors.Unauthorized(401), Kind.OAUTH, "Tedee does not accept the connection of the account. Press “Connect "),
        (errors.TokenEnded(), Kind.OAUTH, "Tedee has not given a new access token yet. Try again in a moment."),
        (errors.Forbidden(403), Kind.OAUTH, "The access key may not read locks. Make one with the scopes "),
        (errors.Unreachable(), Kind.OAUTH, "The Tedee cloud cannot be reached. Check this machine's internet "),
        (errors.NetworkFault(), Kind.PERSONAL_KEY, "The Tedee cloud cannot be reached. Check this machine's internet "),
        (errors.ServerFault(502), Kind.OAUTH, "The Tedee cloud gave an unusable answer. Try again later; if it "),
        (errors.PinNotFound(404), Kind.OAUTH, "The Tedee cloud does not know this request. Check TEDEE_API_URL."),
        (errors.BadRequest(400), Kind.OAUTH, "Tedee refused the request as invalid. Try again later."),
        (errors.DeviceBusy(409), Kind.OAUTH, "The lock is busy with another request. Try again later."),
        (errors.DeviceOffline(428), Kind.OAUTH, "The lock is not connected. Try again later."),
        (errors.DeviceTimeout(408), Kind.OAUTH, "The lock did not answer the Tedee cloud in time. Try again later."),
        (errors.NoRoom(412), Kind.OAUTH, "Tedee refused the request as invalid. Try again later."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, TedeeError) else None,
)
def test_each_failure_says_what_to_do(error: TedeeError, kind: LockAccount.Kind, said: str) -> None:
    assert inventory.explain(error, kind).startswith(said)


def test_whoever_must_make_another_key_or_connection_is_told_where() -> None:
    key = inventory.explain(errors.Unauthorized(401), Kind.PERSONAL_KEY)
    assert key.endswith("portal.tedee.com (Personal Access Keys) and enter it in the account.")
    connection = inventory.explain(errors.Unauthorized(401), Kind.OAUTH)
    assert connection.endswith("on its page, or choose another kind of access there.")
    assert inventory.explain(errors.Forbidden(403), Kind.PERSONAL_KEY).endswith("Device.Read and Device.ReadWrite.")


@pytest.mark.parametrize(
    ("retry_after", "minutes"), [(None, 10), (0.0, 10), (1.0, 1), (89.0, 1), (91.0, 2), (600.0, 10), (3600.0, 60)]
)
def test_too_many_lists_say_in_how_many_minutes_to_try_again(retry_after: float | None, minutes: int) -> None:
    said = inventory.explain(errors.RateLimited(429, retry_after=retry_after), Kind.OAUTH)
    assert said == f"Tedee allows only a few lock lists in ten minutes. Try again in {minutes} min."
