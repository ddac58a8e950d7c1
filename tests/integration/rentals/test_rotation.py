"""Changing the keys of stored secrets while everything runs."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_save
from django.test import override_settings

from rentals import rotation
from rentals.fields import is_current
from rentals.models import LockAccount
from rentals.rotation import encrypted_columns, rotate, stored_values

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def account_column() -> Any:
    return next(column for column in encrypted_columns() if column.label == "rentals.LockAccount.secret")


def run_command() -> str:
    output = io.StringIO()
    call_command("rotate_field_keys", stdout=output)
    return output.getvalue()


def test_every_value_moves_to_the_first_key_without_a_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rentals.rotation.BATCH", 2)
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        for number in range(5):
            LockAccount.objects.create(name=f"Account {number}", secret=f"canary-{number}")
    saves: list[object] = []

    def remember(sender: object, **_: object) -> None:
        saves.append(sender)

    post_save.connect(remember)
    try:
        with override_settings(FIELD_ENCRYPTION_KEYS=[NEW, OLD]):
            output = run_command()
            assert "rentals.LockAccount.secret: 5 rewritten, 0 already current" in output
            assert "0 rewritten, 5 already current" in run_command()
    finally:
        post_save.disconnect(remember)
    assert saves == []
    assert "canary" not in output
    with override_settings(FIELD_ENCRYPTION_KEYS=[NEW]):
        assert sorted(account.secret for account in LockAccount.objects.all()) == [f"canary-{n}" for n in range(5)]


def test_a_value_that_changed_meanwhile_is_not_overwritten() -> None:
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        account = LockAccount.objects.create(name="Account", secret="before")
    with override_settings(FIELD_ENCRYPTION_KEYS=[NEW, OLD]):
        column = account_column()
        ((_, stale),) = stored_values(column)
        account.secret = "entered meanwhile"
        account.save()
        assert rotation._rotate_row(column, account.pk, stale) == "overtaken"
        account.refresh_from_db()
        assert account.secret == "entered meanwhile"


def test_what_no_key_opens_is_left_and_reported() -> None:
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        LockAccount.objects.create(name="Lost", secret="canary")
    with (
        override_settings(FIELD_ENCRYPTION_KEYS=[NEW]),
        pytest.raises(CommandError, match="None of the configured keys opens 2 stored values"),
    ):
        run_command()
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        assert LockAccount.objects.get().secret == "canary"


def test_nothing_readable_is_in_the_table() -> None:
    account = LockAccount.objects.create(name="Account", secret="canary")
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM rentals_lockaccount WHERE id = %s", [account.pk])
        (stored,) = cursor.fetchone()
    assert "canary" not in stored
    assert is_current(stored)
    assert list(rotate(account_column()))[-1].current == 1


class Interrupted(Exception):
    """Stands for Ctrl-C, a kill, a lost connection."""


@pytest.mark.django_db(transaction=True)
def test_interrupted_again_and_again_under_load_it_still_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are changed and added all the time, as restarted processes do; each run ends after some rows. Nothing that
    anybody wrote is lost, and the last run finds everything under the new key."""
    monkeypatch.setattr("rentals.rotation.BATCH", 3)
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        for number in range(30):
            LockAccount.objects.create(name=f"Account {number}", secret=f"first-{number}")
    rotate_row, done, ended = rotation._rotate_row, [0], threading.Event()
    written: dict[int, str] = {}
    writes = threading.Semaphore(0)

    def a_row_that_may_be_the_last(*about: Any) -> str:
        done[0] += 1
        if done[0] % 11 == 0 and done[0] < 60:
            raise Interrupted
        return rotate_row(*about)

    def write() -> None:
        for round_ in range(400):
            if ended.is_set():
                break
            number = 1 + round_ % 30
            secret = f"changed-{round_}"
            account = LockAccount.objects.filter(name=f"Account {number - 1}").only("pk").get()
            LockAccount.objects.filter(pk=account.pk).update(secret=secret)
            written[account.pk] = secret
            if round_ % 10 == 0:
                made = LockAccount.objects.create(name=f"New {round_}", secret=f"new-{round_}")
                written[made.pk] = f"new-{round_}"
            writes.release()
        connection.close()

    monkeypatch.setattr(rotation, "_rotate_row", a_row_that_may_be_the_last)
    with override_settings(FIELD_ENCRYPTION_KEYS=[NEW, OLD]):
        interrupted = 0
        pool = ThreadPoolExecutor(1)
        writer = pool.submit(write)
        try:
            while True:
                try:
                    output = run_command()
                    break
                except Interrupted:
                    interrupted += 1
                    for _ in range(5):  # however busy the machine is, much is written meanwhile
                        assert writes.acquire(timeout=60)
        finally:
            ended.set()
            pool.shutdown(wait=True)
        writer.result()
    assert interrupted >= 3
    assert "Every stored secret is encrypted with the first key." in output
    with override_settings(FIELD_ENCRYPTION_KEYS=[NEW]):
        for account in LockAccount.objects.all():
            assert account.secret == written.get(account.pk, account.secret)
            assert account.secret.startswith(("first-", "changed-", "new-"))
    assert len(written) > 10


def test_a_process_that_still_has_the_old_key_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        account = LockAccount.objects.create(name="Account", secret="canary")
    rotate_row = rotation._rotate_row

    def and_then_somebody_writes(*about: Any) -> str:
        result = rotate_row(*about)
        with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
            LockAccount.objects.filter(pk=account.pk).update(secret="canary")
        return result

    monkeypatch.setattr(rotation, "_rotate_row", and_then_somebody_writes)
    with (
        override_settings(FIELD_ENCRYPTION_KEYS=[NEW, OLD]),
        pytest.raises(CommandError, match="still runs with the old"),
    ):
        run_command()
