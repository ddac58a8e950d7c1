"""Changing the keys of stored secrets while everything runs."""

from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_save
from django.test import override_settings

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
        from rentals import rotation

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
