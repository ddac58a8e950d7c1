"""A process hangs in a transaction, or its machine vanished: what it had locked must not stop all others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from config import environment
from pins.models import LockState
from pins.reconcile import wakes
from pins.stack.checkup import installation
from rentals.models import Lock, LockAccount
from tests.support.postgres import as_default_database

pytestmark = pytest.mark.postgres

MINUTE = timedelta(minutes=1)


@pytest.fixture
def postgres(
    postgres_database_url: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, Any]]:
    """How to connect to the database that the tests use meanwhile."""
    with django_db_blocker.unblock(), as_default_database(postgres_database_url) as connection:
        yield connection.get_connection_params()


@pytest.fixture
def locks(postgres: dict[str, Any]) -> list[int]:
    account = LockAccount.objects.create(name="Office", kind="personal_key", secret="key")
    made = [Lock.objects.create(account=account, device_id=number, name=f"Door {number}") for number in (1, 2, 3)]
    LockState.objects.bulk_create(LockState(lock=one) for one in made)
    return [one.pk for one in made]


def hang(postgres: dict[str, Any], lock: int, **more: Any) -> psycopg.Connection:
    """Somebody writes to the state of this lock, and then does nothing more."""
    plain = {name: postgres[name] for name in ("host", "port", "user", "dbname")}
    other = psycopg.connect(**plain, **more)
    other.execute("UPDATE pins_lockstate SET failures = 7 WHERE lock_id = %s", [lock])
    return other


def test_what_a_process_that_hangs_has_locked_is_free_again_soon(postgres: dict[str, Any], locks: list[int]) -> None:
    usual = environment.database("postgres://somewhere/turnkey")["OPTIONS"]["options"]
    soon = usual.replace(f"={environment.LONGEST_PAUSE}s", "=200ms")
    assert soon != usual
    other = hang(postgres, locks[0], options=soon)
    LockState.objects.filter(lock=locks[0]).update(failures=1)
    assert LockState.objects.get(lock=locks[0]).failures == 1
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        other.execute("SELECT 1")  # when it goes on, it finds that it is too late
    other.close()


def test_doctor_names_a_database_that_ends_no_transaction(postgres: dict[str, Any]) -> None:
    warning = "A process that hangs in a transaction keeps what it has locked"
    connection.close()
    assert any(one.text.startswith(warning) for one in installation.database())
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '30s'")
    assert not any(one.text.startswith(warning) for one in installation.database())


def test_a_sweep_passes_by_a_lock_whose_row_somebody_has(postgres: dict[str, Any], locks: list[int]) -> None:
    first, held, last = locks
    now = timezone.now()
    with hang(postgres, held) as other:
        assert wakes.mark([last, held, first], now) == [last, first]
        other.rollback()
    marks = dict(LockState.objects.values_list("lock", "dispatched_at"))
    assert marks == {first: now, held: None, last: now}
    later = now + 10 * MINUTE
    assert wakes.mark(locks, later) == locks
