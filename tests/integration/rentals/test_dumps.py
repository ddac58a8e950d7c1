"""Dumps and exports: what is a secret in the database is a secret there, too."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from pins.models import AccessGrant, InstallationKey, NotificationChannel, Pin
from rentals.fields import DUMPED, cipher
from rentals.models import CalendarFeed, LockAccount
from rentals.rotation import encrypted_columns, stored_values
from tests.support.house import House
from tests.support.tables import export

pytestmark = pytest.mark.django_db

URL = "https://feeds.example.com/canary-of-the-feed.ics"


@pytest.fixture
def secrets(house: House, clock: time_machine.Traveller) -> set[str]:
    """What nobody may read, with the ciphertext under which it is stored."""
    flat = house.flat(house.lock())
    house.stay(flat, timedelta(days=1), timedelta(days=2))
    CalendarFeed.objects.create(property=flat, name="Airbnb", url=URL)
    NotificationChannel.objects.create(name="Phone", kind="apprise", target="tgram://canary-of-the-channel/1")
    house.settle()
    found = set()
    for column in encrypted_columns():
        found |= {cipher().decrypt(stored.encode()).decode() for _, stored in stored_values(column)}
    assert len(found) >= 6
    assert AccessGrant.objects.get().code in found
    return found


def dumped(kind: str) -> str:
    output = io.StringIO()
    call_command("dumpdata", format=kind, stdout=output, exclude=["sessions"])
    return output.getvalue()


@pytest.mark.parametrize("kind", ["json", "jsonl", "xml"])
def test_a_dump_has_ciphertext_and_loaddata_takes_it_back(secrets: set[str], tmp_path: Path, kind: str) -> None:
    code, key = AccessGrant.objects.get().code, InstallationKey.load()
    content = dumped(kind)
    assert {secret for secret in secrets if secret in content} == set()
    assert DUMPED in content
    (tmp_path / f"dump.{kind}").write_text(content)
    everything_out()
    call_command("loaddata", str(tmp_path / f"dump.{kind}"), verbosity=0)
    assert AccessGrant.objects.get().code == code
    assert Pin.objects.get().applied_code == code
    assert CalendarFeed.objects.get().url == URL
    assert LockAccount.objects.get().secret == "house-key"
    assert InstallationKey.load() == key
    for column in encrypted_columns():
        for _, stored in stored_values(column):
            assert DUMPED not in stored
            assert DUMPED not in cipher().decrypt(stored.encode()).decode()


def everything_out() -> None:
    from django.apps import apps

    from rentals.backup import rows

    with connection.cursor() as cursor:
        for name, model in rows.tables(apps).items():
            if model._meta.app_label in ("pins", "rentals"):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")
    assert not AccessGrant.objects.exists()


def test_a_dump_of_other_keys_is_refused(secrets: set[str], tmp_path: Path) -> None:
    (tmp_path / "dump.json").write_text(dumped("json"))
    with (
        override_settings(FIELD_ENCRYPTION_KEYS=[Fernet.generate_key().decode()]),
        pytest.raises(Exception, match="opens with none of the keys"),
    ):
        call_command("loaddata", str(tmp_path / "dump.json"), verbosity=0)


def test_whoever_has_a_dump_cannot_have_a_form_decrypt_it(secrets: set[str]) -> None:
    """Else a person who may enter an address could send a code to it."""
    record = next(one for one in json.loads(dumped("json")) if one["model"] == "pins.accessgrant")
    stolen = record["fields"]["code"]
    assert stolen.startswith(DUMPED)
    channel = NotificationChannel(name="Mine", kind="apprise", target=stolen)
    with pytest.raises(ValidationError):
        channel.full_clean()
    channel.save()  # as code would that does not ask
    channel.refresh_from_db()
    assert channel.target == stolen  # no more than a text


def test_an_export_of_the_admin_has_no_secret(secrets: set[str]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("host"))
    for page in ("property", "lock"):
        for form in ("csv", "json"):
            content = export(client, f"/admin/rentals/{page}/", form)
            assert b"Flat" in content or b"Door" in content
            assert {secret for secret in secrets if secret.encode() in content} == set()


def test_a_plain_value_of_an_older_dump_is_encrypted(tmp_path: Path) -> None:
    (tmp_path / "dump.json").write_text(
        json.dumps([{"model": "rentals.lockaccount", "pk": 7, "fields": {"name": "Old", "secret": "plain"}}])
    )
    call_command("loaddata", str(tmp_path / "dump.json"), verbosity=0)
    assert LockAccount.objects.get().secret == "plain"
    ((_, stored),) = stored_values(
        next(one for one in encrypted_columns() if one.label == "rentals.LockAccount.secret")
    )
    assert "plain" not in stored
