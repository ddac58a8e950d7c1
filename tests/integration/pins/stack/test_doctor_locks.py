"""What `manage.py doctor` says of locks and keys: from what is stored, without a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from pins.models import AccountState
from pins.stack.checkup.findings import Finding, Health
from pins.stack.checkup.locks import locks
from rentals.models import Lock, LockAccount
from tests.integration.conftest import START

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def account(clock: time_machine.Traveller) -> LockAccount:
    made = LockAccount.objects.create(name="Office", secret="office-key")
    Lock.objects.create(account=made, device_id=1, name="Door", battery_level=20)
    AccountState.objects.update_or_create(account=made, defaults={"listed_at": timezone.now()})
    return made


def found() -> list[tuple[Health, str]]:
    return [(one.health, f"{one.subject}: {one.text}") for one in locks()]


def test_without_locks_there_is_nothing_to_say() -> None:
    LockAccount.objects.create(name="Office", secret="office-key")
    assert list(locks()) == []


def test_locks_in_order_are_counted(account: LockAccount) -> None:
    assert found() == [(Health.OK, "locks: 1 lock: read within 3 h, none low")]


def test_an_account_that_was_not_read_for_hours_is_named(account: LockAccount) -> None:
    AccountState.objects.update(listed_at=START - 3 * HOUR - timedelta(seconds=1))
    (only,) = found()
    assert only == (
        Health.WARN,
        "locks, Office: batteries and connections were not read since 2027-03-01 05:59 UTC.",
    )
    AccountState.objects.update(listed_at=None)
    assert found()[0][1].endswith("were not read yet.")
    AccountState.objects.all().delete()
    assert found()[0][1].endswith("were not read yet.")


def test_low_batteries_are_named_the_emptiest_first(account: LockAccount) -> None:
    for number, level in ((2, 19), (3, 4)):
        Lock.objects.create(account=account, device_id=number, name=f"Door {number}", battery_level=level)
    Lock.objects.create(account=account, device_id=9, name="Off", battery_level=1, is_active=False)
    assert [said for _, said in found()] == [
        "lock, Door 3: its battery is at 4 %.",
        "lock, Door 2: its battery is at 19 %.",
    ]


def test_a_key_that_ends_soon_is_named_with_its_day(account: LockAccount) -> None:
    ends = datetime(2027, 3, 10, 12, tzinfo=UTC)
    AccountState.objects.update(key_valid_to=ends)
    (only,) = found()
    assert only == (Health.WARN, "key, Office: it ends on 2027-03-10 12:00 UTC, or another key of its user does.")
    AccountState.objects.update(key_valid_to=START + 15 * DAY)
    assert found()[0][0] is Health.OK


def test_no_secret_is_in_what_it_says(account: LockAccount) -> None:
    AccountState.objects.update(listed_at=None, key_valid_to=START + DAY)
    said: list[Finding] = list(locks())
    assert len(said) == 2
    assert account.secret not in repr(said)
