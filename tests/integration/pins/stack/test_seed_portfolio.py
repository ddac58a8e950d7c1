"""`manage.py seed_portfolio`: what it makes is what a running installation would have, and asks nobody for anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import httpx
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from pins.core.alias import is_ours
from pins.core.code_rules import is_guessable, is_valid
from pins.core.pin_state import State
from pins.core.plan import next_look_at, state_of
from pins.desired import drift
from pins.incidents import sweep_checks
from pins.models import AccessGrant, Incident, InstallationKey, LockState, Pin, PinAttempt, RateBudget, ValueClaim
from pins.reconcile import connectivity, run, sweep
from pins.stack.portfolio import making
from pins.tedee.auth import for_kind
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Unauthorized
from rentals.calendars.fetching import polling
from rentals.models import Booking, CalendarFeed, FeedItem, Lock, LockAccount, Property
from tests.support.shared_rows import shared_rows

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
SIZE = making.Size(properties=25, locks=50, bookings=1000)


@pytest.fixture(scope="class")
def _made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with shared_rows(django_db_blocker, NOW, lambda: making.make(SIZE, NOW, seed=7)):
        yield


@pytest.fixture
def portfolio(_made: None, clock: time_machine.Traveller) -> None:
    """The same for all tests of a class: what one changes, the others do not see."""


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("seed_portfolio", *arguments, stdout=said)
    return said.getvalue()


@pytest.mark.usefixtures("portfolio")
class TestWhatItMakes:
    def test_as_many_as_asked_for(self) -> None:
        assert Property.objects.count() == 25
        assert Lock.objects.count() == LockState.objects.count() == 50
        assert Booking.objects.count() == 1000
        assert CalendarFeed.objects.count() > 12
        assert FeedItem.objects.count() > 300
        assert RateBudget.objects.exists()
        assert any(state.foreign_names for state in LockState.objects.all())
        assert all(len(state.foreign_names) == state.foreign_pins for state in LockState.objects.all())

    def test_several_zones_and_shared_entrances(self) -> None:
        assert len(set(Property.objects.values_list("timezone", flat=True))) > 2
        assert max(len(lock.properties.all()) for lock in Lock.objects.prefetch_related("properties")) > 1

    def test_stays_lie_around_the_present(self) -> None:
        first, last = Booking.objects.order_by("check_in")[0], Booking.objects.order_by("-check_out")[0]
        assert NOW - timedelta(days=62) < first.check_in < NOW - timedelta(days=50)
        assert NOW + timedelta(days=280) < last.check_out < NOW + timedelta(days=302)
        assert set(Booking.objects.values_list("status", flat=True)) == {"confirmed", "tentative", "cancelled"}
        assert 0 < sum(booking.overlaps for booking in Booking.objects.with_overlaps()) < 100  # type: ignore[attr-defined]

    def test_nothing_differs_from_what_the_bookings_ask_for(self) -> None:
        """The drift check compares each grant and its PINs with the booking, as it does every minute."""
        before = AccessGrant.objects.count(), Pin.objects.count()
        assert drift.repair(NOW) == set()
        assert (AccessGrant.objects.count(), Pin.objects.count()) == before

    def test_states_follow_from_the_facts(self) -> None:
        for pin in Pin.objects.select_related("grant"):
            assert state_of(pin.view, NOW) == pin.state
            assert next_look_at(pin.view, NOW) == pin.next_try_at

    def test_most_codes_are_set_and_ended_ones_removed(self) -> None:
        live = Counter(Pin.objects.filter(wanted=True, grant__ends_at__gt=NOW).values_list("state", flat=True))
        assert live[State.SET] > 0.85 * live.total() > 100
        over = Counter(Pin.objects.filter(grant__ends_at__lte=NOW).values_list("state", flat=True))
        assert over[State.REMOVED] > 0.95 * over.total() > 100
        assert PinAttempt.objects.exists()

    def test_codes_are_good_and_taken_once_on_a_lock(self) -> None:
        for grant in AccessGrant.objects.all():
            assert is_valid(grant.code)
            assert not is_guessable(grant.code)
        live = Pin.objects.filter(remote_id__isnull=False).select_related("grant")
        codes = Counter((pin.lock_id, pin.grant.code) for pin in live)
        assert set(codes.values()) == {1}
        open_claims = ValueClaim.objects.filter(released_at__isnull=True)
        assert {(pin.lock_id, pin.grant_id) for pin in live} <= set(open_claims.values_list("lock_id", "grant_id"))

    def test_codes_are_stored_encrypted(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT code FROM pins_accessgrant UNION SELECT applied_code FROM pins_pin")
            stored = {row[0] for row in cursor.fetchall()} - {""}
        assert len(stored) > 100
        assert all(text.startswith("gAAAA") for text in stored)

    def test_references_are_ours(self) -> None:
        key = InstallationKey.load()
        assert all(is_ours(one, key) for one in AccessGrant.objects.values_list("reference", flat=True))

    def test_what_a_person_must_know_is_what_the_sweep_would_tell(self) -> None:
        before = set(Incident.objects.filter(resolved_at=None).values_list("kind", "subject"))
        sweep_checks.check(NOW)
        assert set(Incident.objects.filter(resolved_at=None).values_list("kind", "subject")) == before


def unasked(account: LockAccount) -> TedeeClient:
    """The client of an account, on a cloud that must not be asked."""

    def asked(request: httpx.Request) -> httpx.Response:
        raise AssertionError("a cloud was asked")

    auth = for_kind(account.kind, account.secret)
    return TedeeClient("http://cloud.test/api/v37", auth, transport=httpx.MockTransport(asked))


@pytest.mark.usefixtures("portfolio")
class TestAsksNobody:
    def test_nothing_is_due(self, clock: time_machine.Traveller) -> None:
        assert sweep.due_locks(NOW) == []
        assert polling.due_feeds(NOW, 1000) == []
        clock.shift(timedelta(days=90))
        assert polling.due_feeds(timezone.now(), 1000) == []

    def test_its_key_cannot_be_sent(self) -> None:
        account = LockAccount.objects.get()
        with pytest.raises(Unauthorized):
            for_kind(account.kind, account.secret).header()

    def test_a_worker_that_runs_on_it_sends_nothing(self, clock: time_machine.Traveller) -> None:
        clock.shift(timedelta(days=2))
        due = sweep.due_locks(timezone.now())
        assert due
        reports = [run.reconcile_lock(lock_id, clients=unasked) for lock_id in due[:5]]
        assert sum(report.requests for report in reports) == 1  # refused by the client, and the account rests
        assert Incident.objects.filter(kind=Incident.Kind.DEAD_KEY, resolved_at=None).exists()

    def test_the_connectivity_check_sends_nothing(self) -> None:
        assert Lock.objects.filter(is_connected=False).exists()
        assert connectivity.locks_back_online(NOW, unasked) == set()

    def test_no_feed_has_an_address_that_resolves(self) -> None:
        assert all("://calendars.invalid/" in feed.url for feed in CalendarFeed.objects.all())


def told() -> list[tuple[object, ...]]:
    """The portfolio without ids and secrets."""
    fields = ("property__name", "guest_name", "check_in", "check_out", "status", "source", "grants__disclosed_at")
    pins = Pin.objects.order_by("lock__name", "grant__starts_at", "state", "pk")
    return [
        *Booking.objects.order_by(*fields[:4], "pk").values_list(*fields),
        *pins.values_list("lock__name", "state", "state_changed_at", "next_try_at", "last_cause"),
    ]


def test_the_same_seed_makes_the_same(clock: time_machine.Traveller) -> None:
    size = making.Size(properties=10, locks=20, bookings=300)
    made = []
    for seed in (1, 1, 2):
        with transaction.atomic():
            making.make(size, NOW, seed=seed)
            made.append(told())
            transaction.set_rollback(True)
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_it_refuses_where_bookings_are_unless_told(clock: time_machine.Traveller) -> None:
    asked = ("--properties", "3", "--locks", "5", "--bookings", "60")
    assert "60 of 60 bookings" in command(*asked)
    with pytest.raises(CommandError, match="--append"):
        command(*asked)
    assert Booking.objects.count() == 60
    command(*asked, "--append", "--seed", "2")
    assert Booking.objects.count() == 120
    assert drift.repair(NOW) == set()


def test_one_seed_can_be_added_again(clock: time_machine.Traveller) -> None:
    asked = ("--properties", "3", "--locks", "5", "--bookings", "60")
    command(*asked)
    requests = PinAttempt.objects.count()
    command(*asked, "--append")
    assert Booking.objects.count() == 120
    assert PinAttempt.objects.count() > requests > 0
    assert drift.repair(NOW) == set()


def test_more_stays_than_nights_are_refused_and_nothing_is_left() -> None:
    with pytest.raises(CommandError, match="fewer bookings"):
        command("--properties", "1", "--locks", "1", "--bookings", "361")
    assert not Property.objects.exists()


def test_as_many_stays_as_nights_fit(clock: time_machine.Traveller) -> None:
    command("--properties", "1", "--locks", "1", "--bookings", "360")
    assert Booking.objects.filter(check_out__gt=F("check_in")).count() == 360


@pytest.mark.parametrize("number", ["0", "-3", "many", "²"])
def test_a_count_is_a_number_from_one_on(number: str) -> None:
    with pytest.raises(CommandError, match="not a number"):
        command(f"--bookings={number}")


def test_no_code_is_printed(clock: time_machine.Traveller) -> None:
    said = command("--properties", "3", "--locks", "5", "--bookings", "60")
    assert not any(code in said for code in AccessGrant.objects.values_list("code", flat=True))


@pytest.mark.usefixtures("portfolio")
def test_an_account_has_a_page(admin_client: Client) -> None:
    account = LockAccount.objects.get()
    page = admin_client.get(f"/admin/rentals/lockaccount/{account.pk}/change/")
    assert account.webhook_token in page.content.decode()
    LockAccount.objects.update(webhook_token="", webhook_token_digest=None)  # as releases before stored it
    page = admin_client.get(f"/admin/rentals/lockaccount/{account.pk}/change/")
    assert "this account was stored without one" in page.content.decode()
