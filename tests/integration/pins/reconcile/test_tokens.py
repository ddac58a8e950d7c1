"""Connected accounts: the access is renewed by itself, by one at a time; what ends it is told once, and ends nothing
else."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccountState, AccountTokens, Incident, PinAttempt
from pins.reconcile import account_limits, tokens
from pins.tedee.auth import BearerToken
from pins.tedee.errors import Unauthorized
from rentals.models import LockAccount
from tests.support.house import House, pin_of
from tests.support.incidents import met, review
from tests.support.reconciling import ask_to_look, renewals

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


@pytest.fixture
def house(house: House) -> House:
    house.connect()
    return house


def live_with_beat(
    house: House, clock: time_machine.Traveller, span: timedelta, *, every: timedelta = 4 * MINUTE
) -> None:
    """Time passes; now and then the periodic task renews what ends soon, and locks do what is due."""
    ends = timezone.now() + span
    while timezone.now() < ends:
        clock.shift(every)
        tokens.renew_due(timezone.now(), ask=house.renewed)
        house.settle()


def test_a_connected_account_sends_its_token_and_keeps_no_key(house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    assert len(house.ours(door)) == 1
    assert {record.key.split()[0] for record in house.cloud.journal.requests if record.key} == {"connection"}
    assert LockAccount.objects.get().secret == ""


def test_a_token_that_ends_in_the_middle_of_a_step_is_renewed_and_the_step_goes_on(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    clock.shift(10 * MINUTE)
    house.cloud.authority.expire_access(house.cloud.gate, timezone.now())
    house.run(door)
    assert [attempt.status for attempt in PinAttempt.objects.order_by("pk")] == [401, 201]
    assert len(house.ours(door)) == len(renewals(house)) == 1
    assert review() == {}
    assert met(Kind.CONNECTION_ENDED) == met(Kind.NO_WRITE_SCOPE) == 0


def test_it_is_renewed_before_its_end_so_that_no_request_is_refused(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.stay(house.flat(door), HOUR, 2 * DAY)
    live_with_beat(house, clock, 2 * HOUR)
    assert len(renewals(house)) == 2
    assert 401 not in {record.status for record in house.cloud.journal.requests}


def test_an_account_that_has_nothing_to_do_stays_connected(house: House, clock: time_machine.Traveller) -> None:
    for _ in range(40):
        clock.shift(DAY)
        tokens.renew_due(timezone.now(), ask=house.renewed)
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    assert len(house.ours(door)) == 1
    assert review() == {}


def test_a_refused_renewal_pauses_the_account_with_one_incident_until_somebody_connects_again(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.cloud.authority.revoke_all(house.cloud.gate)
    clock.shift(10 * MINUTE)
    house.live(clock, HOUR)
    assert review() == {Kind.CONNECTION_ENDED: Severity.URGENT}
    assert met(Kind.CONNECTION_ENDED) == len(renewals(house)) == 1
    assert AccountTokens.objects.get().ended == AccountTokens.Ended.REFUSED
    refused = [record for record in house.cloud.journal.requests if record.status == 401]
    assert len(refused) == 1  # afterwards nothing is sent that cannot succeed
    assert account_limits.paused_until(house.account, timezone.now()) is not None

    house.connect()
    house.settle()
    assert len(house.ours(door)) == 1
    assert review() == {}


def test_a_lost_answer_is_told_as_that_and_not_asked_for_again_and_again(
    house: House, clock: time_machine.Traveller
) -> None:
    """The server renewed the tokens and we never saw them: it takes the second use of the old one for a theft."""
    door = house.lock()
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.settle()
    house.cloud.authority.add_script(["lost"])
    live_with_beat(house, clock, 70 * MINUTE)
    row = AccountTokens.objects.get()
    assert (row.ended, row.asked_at is not None) == (AccountTokens.Ended.LOST, True)
    assert [one.done for one in renewals(house)] == [True, False]
    assert review() == {Kind.CONNECTION_ENDED: Severity.URGENT}
    house.connect()
    live_with_beat(house, clock, 70 * MINUTE)
    assert review() == {}


@pytest.mark.parametrize("step", ["lost", "late"])
def test_a_server_that_forgives_a_second_use_makes_a_lost_answer_good(clock: time_machine.Traveller, step: str) -> None:
    house = House(reuse="accepted")
    house.connect()
    house.cloud.authority.add_script([step])
    live_with_beat(house, clock, 70 * MINUTE)
    row = AccountTokens.objects.get()
    assert (row.ended, row.asked_at, row.failures) == ("", None, 0)
    assert review() == {}


@pytest.mark.parametrize("step", ["busy", "error", "cut", "client"])
def test_a_renewal_that_fails_is_repeated_and_told_and_costs_nothing_while_the_token_is_good(
    house: House, clock: time_machine.Traveller, step: str
) -> None:
    door = house.lock()
    house.cloud.authority.add_script([step] * 10_000)
    live_with_beat(house, clock, 56 * MINUTE)
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.settle()
    assert len(house.ours(door)) == 1, "the old token is used while it is good"
    live_with_beat(house, clock, 20 * MINUTE)
    assert review() == {Kind.CONNECTION_FAILS: Severity.URGENT}
    house.cloud.authority.script.clear()
    live_with_beat(house, clock, 4 * MINUTE)
    assert review() == {}
    assert AccountTokens.objects.get().ended == ""


def test_nothing_is_sent_while_it_cannot_be_renewed_and_all_goes_on_when_it_can(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    clock.shift(2 * HOUR)
    house.cloud.authority.add_script(["error"] * 10_000)
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.live(clock, 10 * MINUTE)
    assert len(house.cloud.journal.requests) == 0
    assert PinAttempt.objects.count() == 0, "nothing is written down that is not sent"
    assert 10 <= len(renewals(house)) <= 30
    assert AccountState.objects.get().pause_cause == "renewal"
    house.cloud.authority.script.clear()
    house.live(clock, 2 * MINUTE)
    assert len(house.ours(door)) == 1
    assert AccountState.objects.get().pause_cause == ""


def test_an_end_that_comes_near_is_told_a_week_before_and_urgent_two_days_before(
    clock: time_machine.Traveller,
) -> None:
    house = House(refresh_said=False)
    house.connect()
    ends = timezone.now() + 14 * DAY
    assert AccountTokens.objects.get().refresh_until == ends
    assert review() == {}
    AccountTokens.objects.update(access_until=ends)  # nothing is renewed
    clock.move_to(ends - 7 * DAY)
    assert review() == {Kind.CONNECTION_ENDS: Severity.WARNING}
    clock.move_to(ends - 2 * DAY)
    assert review() == {Kind.CONNECTION_ENDS: Severity.URGENT}
    house.connect()
    assert review() == {}


def test_what_the_server_says_of_the_end_counts(clock: time_machine.Traveller) -> None:
    House(refresh_seconds=5 * 86_400.0).connect()
    assert AccountTokens.objects.get().refresh_until == timezone.now() + 5 * DAY


def test_a_server_that_does_not_rotate_leaves_the_refresh_token(clock: time_machine.Traveller) -> None:
    house = House(rotation="keeps")
    house.connect()
    before = AccountTokens.objects.get()
    clock.shift(HOUR)
    tokens.renew_due(timezone.now(), ask=house.renewed)
    after = AccountTokens.objects.get()
    assert (after.version, after.refresh_token) == (2, before.refresh_token)
    assert after.refresh_until == before.refresh_until
    assert after.access_token != before.access_token


def test_an_account_that_is_refused_with_fresh_tokens_asks_for_few_of_them(
    house: House, clock: time_machine.Traveller
) -> None:
    """Another token does not help where the user may nothing any more: one incident, no storm."""
    door = house.lock()
    house.cloud.script(door.device_id, ["401"] * 10_000)
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert set(review()) & {Kind.CONNECTION_ENDED, Kind.NO_WRITE_SCOPE}
    assert met(Kind.CONNECTION_ENDED) + met(Kind.NO_WRITE_SCOPE) == 1
    assert len(renewals(house)) <= 3


def test_what_a_connection_may_not_do_is_not_told_anew_with_each_renewal(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:403"] * 500)
    house.stay(house.flat(door), 3 * DAY, DAY)
    live_with_beat(house, clock, 4 * HOUR, every=20 * MINUTE)
    assert len(renewals(house)) >= 3
    assert met(Kind.NO_WRITE_SCOPE) == 1


def test_an_account_that_was_never_connected_sends_nothing(clock: time_machine.Traveller) -> None:
    house = House()
    LockAccount.objects.update(kind="oauth", secret="")
    house.account.refresh_from_db()
    door = house.lock()
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert len(house.cloud.journal.requests) == 0
    assert review() == {Kind.CONNECTION_ENDED: Severity.URGENT}
    with pytest.raises(Unauthorized, match="Connect with Tedee"):
        tokens.auth_for(house.account).header()


def test_a_token_that_somebody_entered_is_still_sent() -> None:
    account = LockAccount.objects.create(name="Office", kind="oauth", secret="typed")
    assert tokens.auth_for(account) == BearerToken("typed")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_no_token_is_in_a_log_an_error_a_dump_or_the_database(
    house: House, clock: time_machine.Traveller, log: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def note() -> None:
        row = AccountTokens.objects.get()
        seen.extend((row.access_token, row.refresh_token))

    door = house.lock()
    note()
    clock.shift(10 * MINUTE)
    house.cloud.authority.expire_access(house.cloud.gate, timezone.now())
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.settle()
    note()
    for step in ("error", "cut", "refuse"):
        house.cloud.authority.add_script([step])
        clock.shift(2 * HOUR)
        with pytest.raises((tokens.TokenNotReady, Unauthorized)) as told:
            tokens.auth_for(house.account, ask=house.renewed).header()
        seen.append(str(AccountTokens.objects.get().refresh_token))
        assert not any(token in repr(told.value) + str(told.value) for token in seen)
    call_command("dumpdata", "pins.accounttokens")
    said = log.text + "".join(str(record.__dict__) for record in log.records) + capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM pins_accounttokens")
        said += str(cursor.fetchall())
    assert "encrypted:" in said
    assert "token_renewed" in said
    assert not [token for token in seen if token in said]
    assert seen[0] not in repr(tokens.StoredToken(1, 1, seen[0]))


def test_tokens_that_no_key_opens_keep_nobody_else_waiting(
    house: House, clock: time_machine.Traveller, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    """The log tells which account it is."""
    clock.shift(2 * HOUR)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    readable = LockAccount.objects.create(name="Other", kind="oauth", secret="")
    row = AccountTokens(account=readable, connected_at=timezone.now(), obtained_at=timezone.now() - HOUR)
    row.access_token, row.access_until = "old", timezone.now()
    row.refresh_token, row.refresh_until = "old", timezone.now() + DAY
    row.save()
    tokens.renew_due(timezone.now(), ask=house.renewed)
    row.refresh_from_db()
    assert row.ended == AccountTokens.Ended.REFUSED, "the simulator does not know it, and was asked"
    assert len(renewals(house)) == 1
    unreadable = [record.__dict__["account_id"] for record in log.records if record.message == "token_unreadable"]
    assert unreadable == [house.account.pk]


def test_reading_goes_on_with_another_token_too(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    stay = house.stay(house.flat(door), 3 * DAY, DAY)
    house.settle()
    clock.shift(10 * MINUTE)
    house.cloud.authority.expire_access(house.cloud.gate, timezone.now())
    ask_to_look(pin_of(stay, door))
    house.settle()
    assert review() == {}
    assert len(renewals(house)) == 1
