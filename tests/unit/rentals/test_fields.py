"""Encrypted fields, without a database: what goes to the column and what comes back."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection, models
from django.test import override_settings
from django.test.utils import isolate_apps

from rentals.fields import EncryptedTextField, UndecryptableValue, is_current, rewrap

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


def stored(text: str | None) -> Any:
    return field().get_db_prep_value(text, connection)


def read(value: str | None) -> str | None:
    return field().from_db_value(value, None, connection)


def field() -> EncryptedTextField:
    with isolate_apps("rentals"):

        class Safe(models.Model):
            content = EncryptedTextField()

            class Meta:
                app_label = "rentals"

        found = Safe._meta.get_field("content")
    assert isinstance(found, EncryptedTextField)
    return found


@pytest.mark.parametrize("text", ["482913", "ключ ✓", "x" * 5000, " "])
def test_a_text_comes_back_and_is_not_in_the_column(text: str) -> None:
    column = stored(text)
    assert read(column) == text
    assert text.strip() == "" or text not in column


def test_equal_texts_do_not_look_equal() -> None:
    assert stored("482913") != stored("482913")


def test_nothing_stays_nothing() -> None:
    assert (stored(""), read(""), stored(None), read(None)) == ("", "", None, None)


def test_every_key_decrypts_and_the_first_encrypts() -> None:
    with override_settings(FIELD_ENCRYPTION_KEYS=[OLD]):
        old = stored("482913")
    with override_settings(FIELD_ENCRYPTION_KEYS=[NEW, OLD]):
        assert read(old) == "482913"
        assert not is_current(old)
        fresh = rewrap(old)
        assert is_current(fresh)
    with override_settings(FIELD_ENCRYPTION_KEYS=[NEW]):
        assert read(fresh) == "482913"


@pytest.mark.parametrize("column", ["482913", "gAAAAnonsense", "é"])
def test_what_no_key_opens_is_named_with_the_remedy_and_never_shown(column: str) -> None:
    with pytest.raises(UndecryptableValue, match=r"rentals\.Safe\.content .*FIELD_ENCRYPTION_KEYS") as refusal:
        read(column)
    assert column not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_lost_key_is_an_error_not_an_empty_text() -> None:
    with override_settings(FIELD_ENCRYPTION_KEYS=[FOREIGN]):
        column = stored("482913")
    with pytest.raises(UndecryptableValue):
        read(column)


def test_only_emptiness_can_be_looked_up() -> None:
    safe = field()
    assert safe.get_lookup("isnull") is not None
    for lookup in ("exact", "in", "contains", "gt", "regex"):
        with pytest.raises(FieldError, match="is encrypted"):
            safe.get_lookup(lookup)
    with pytest.raises(FieldError, match="is encrypted"):
        safe.get_transform("length")


def test_migrations_find_the_field_by_its_path() -> None:
    _, path, args, kwargs = field().deconstruct()
    assert (path, args, kwargs) == ("rentals.fields.EncryptedTextField", [], {})
