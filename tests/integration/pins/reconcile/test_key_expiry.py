"""When the access key of an account ends: asked once a day, told before it is too late, forgotten with the key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import time_machine
from django.utils import timezone

from pins.models import AccountState, Incident
from pins.reconcile import listing
from rentals.models import LockAccount
from tests.integration.conftest import START
from tests.support.house import KEY, House
from tests.support.incidents import review
from tests.support.listing import list_after, list_now, requested, to_its_moment

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEYS = "/my/personalaccesskey"
Kind, Severity = Incident.Kind, Incident.Severity


def times_asked(house: House) -> int:
    return sum(count for path, count in requested(house).items() if path.endswith(KEYS))


def test_the_end_of_the_only_key_is_told_two_weeks_before_and_urgent_three_days_before(
    house: House, clock: time_machine.Traveller
) -> None:
    house.lock()
    ends = timezone.now() + 20 * DAY
    house.cloud.set_key_expiry("demo", ends)
    list_now(house, clock)
    assert AccountState.objects.get().key_valid_to == ends
    assert review() == {}
    clock.move_to(ends - 14 * DAY)
    assert review() == {Kind.KEY_EXPIRES: Severity.WARNING}
    assert Incident.objects.get().account == house.account
    clock.move_to(ends - 3 * DAY)
    assert review() == {Kind.KEY_EXPIRES: Severity.URGENT}
    house.cloud.set_key_expiry("demo", ends + 365 * DAY)  # the day of the same key can be moved
    list_now(house, clock)
    assert review() == {}


def test_a_key_that_has_ended_is_only_told_as_refused(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    house.cloud.set_key_expiry("demo", timezone.now() + 5 * DAY)
    list_now(house, clock)
    assert review() == {Kind.KEY_EXPIRES: Severity.WARNING}
    clock.shift(5 * DAY)
    list_now(house, clock)
    assert review() == {Kind.DEAD_KEY: Severity.URGENT}


def test_it_is_asked_once_a_day(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    house.cloud.set_key_expiry("demo", timezone.now() + 200 * DAY)
    list_after(house, clock, *[HOUR] * 48)  # two hours each: four days
    assert times_asked(house) == 4


def test_of_several_keys_the_first_to_end_counts_but_not_one_that_has_ended(
    house: House, clock: time_machine.Traveller
) -> None:
    """Tedee does not say which of them asks. Ours was accepted a moment ago, so it has not ended."""
    house.lock()
    now = timezone.now()
    house.cloud.set_key_expiry("demo", now + 300 * DAY)
    house.cloud.add_key("old", "old", expires_at=now - DAY)
    house.cloud.add_key("laptop", "laptop", expires_at=now + 9 * DAY)
    house.cloud.add_key("other user", "other", user="somebody else", expires_at=now + DAY)
    list_now(house, clock)
    assert AccountState.objects.get().key_valid_to == now + 9 * DAY
    assert review() == {Kind.KEY_EXPIRES: Severity.WARNING}


def test_a_key_without_an_end_is_asked_about_again_a_week_later(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    list_after(house, clock, HOUR, DAY, 4 * DAY)
    assert times_asked(house) == 1
    list_after(house, clock, 2 * DAY)
    assert times_asked(house) == 2
    assert review() == {}


def answer_keys(house: House, respond: Callable[[httpx.Request], httpx.Response]) -> None:
    """From now on the question for the keys is answered by this function, all others by the cloud."""
    carry = house.transport.handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        return respond(request) if request.url.path.endswith(KEYS) else carry(request)

    house.transport.handle_request = handle  # type: ignore[method-assign]


def tells_nothing(status: int, body: object = None) -> Callable[[httpx.Request], httpx.Response]:
    told = {"result": body, "success": status < 300, "errorMessages": [], "statusCode": status}
    return lambda request: httpx.Response(status, json=told, request=request)


@pytest.mark.parametrize(
    "respond",
    [
        tells_nothing(401),
        tells_nothing(403),
        tells_nothing(404),
        lambda request: httpx.Response(404, text="<html>", request=request),
        tells_nothing(200, [{"surprise": 1}]),
        tells_nothing(200, [{"name": "demo", "validTo": "soon"}]),
        tells_nothing(200, []),
    ],
    ids=["401", "403", "404", "html", "unreadable", "no date", "no keys"],
)
def test_where_tedee_does_not_tell_nothing_is_known_and_it_is_asked_a_week_later(
    house: House, clock: time_machine.Traveller, respond: Callable[[httpx.Request], httpx.Response]
) -> None:
    house.lock()
    house.cloud.set_key_expiry("demo", timezone.now() + 10 * DAY)
    list_now(house, clock)
    assert review() == {Kind.KEY_EXPIRES: Severity.WARNING}
    asked = 0

    def count(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return respond(request)

    answer_keys(house, count)
    list_after(house, clock, DAY, HOUR, DAY)
    assert asked == 1
    assert review() == {}  # also no dead key: the list of locks was answered
    list_after(house, clock, 4 * DAY)
    assert asked == 1
    list_after(house, clock, 2 * DAY)
    assert asked == 2


def drops(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("dropped", request=request)


@pytest.mark.parametrize("respond", [drops, tells_nothing(503), tells_nothing(429)], ids=["dropped", "503", "429"])
def test_a_passing_trouble_forgets_nothing_and_is_asked_again_an_hour_later(
    house: House, clock: time_machine.Traveller, respond: Callable[[httpx.Request], httpx.Response]
) -> None:
    house.lock()
    ends = timezone.now() + 10 * DAY
    house.cloud.set_key_expiry("demo", ends)
    list_now(house, clock)
    clock.shift(DAY)
    carry = house.transport.handle_request
    answer_keys(house, respond)
    list_now(house, clock)
    assert AccountState.objects.get().listed_at == timezone.now()  # the list itself was read
    assert AccountState.objects.get().key_valid_to == ends
    house.transport.handle_request = carry  # type: ignore[method-assign]
    before = times_asked(house)
    list_now(house, clock)
    assert times_asked(house) == before + 1


def test_a_new_key_is_asked_about_and_the_end_of_the_old_one_forgotten_at_once(
    house: House, clock: time_machine.Traveller
) -> None:
    house.lock()
    house.cloud.set_key_expiry("demo", timezone.now() + 2 * DAY)
    list_now(house, clock)
    assert review() == {Kind.KEY_EXPIRES: Severity.URGENT}
    account = LockAccount.objects.get()
    account.name = "Front office"
    account.save()
    assert review() == {Kind.KEY_EXPIRES: Severity.URGENT}  # the key is the same
    ends = START + 400 * DAY
    house.cloud.add_key("new", "demo", expires_at=ends)  # in place of the old one
    account.secret = "new"
    account.save()
    assert review() == {}
    house.account = account
    list_now(house, clock)
    assert AccountState.objects.get().key_valid_to == ends


@pytest.mark.parametrize("fields", [["name"], ["secret"]])
def test_only_a_save_that_writes_the_key_counts_as_a_new_key(
    house: House, clock: time_machine.Traveller, fields: list[str]
) -> None:
    AccountState.objects.update_or_create(account=house.account, defaults={"key_valid_to": timezone.now()})
    house.account.secret = "another"
    house.account.save(update_fields=fields)
    assert (AccountState.objects.get().key_valid_to is None) == ("secret" in fields)


def test_access_tokens_have_no_such_end(house: House, clock: time_machine.Traveller) -> None:
    house.cloud.add_key(KEY, "token", scheme="Bearer")
    LockAccount.objects.update(kind=LockAccount.Kind.OAUTH)
    house.account.refresh_from_db()
    house.lock()
    AccountState.objects.update_or_create(account=house.account, defaults={"key_valid_to": timezone.now() + DAY})
    to_its_moment(clock, house.account)
    listing.list_due_accounts(timezone.now(), clients=house.client)
    assert AccountState.objects.get().listed_at == timezone.now()
    assert times_asked(house) == 0
    assert review() == {}


def test_what_a_key_may_do_is_known_where_all_keys_may_do_the_same(house: House, clock: time_machine.Traveller) -> None:
    house.lock()
    list_now(house, clock)
    assert AccountState.objects.get().key_may_write is True
    house.cloud.set_key_writes("demo", False)
    list_after(house, clock, 7 * DAY)
    assert AccountState.objects.get().key_may_write is False
    house.account.secret = "another-key"
    house.account.save()
    assert AccountState.objects.get().key_may_write is None
