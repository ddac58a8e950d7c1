"""A backup of the test's database, and the database as it was then."""

from __future__ import annotations

import io

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from pins.reconcile import after_loss
from rentals.backup import archive, rows


def saved() -> bytes:
    """All that the database holds now."""
    file = io.BytesIO()
    key = settings.FIELD_ENCRYPTION_KEYS[0]
    archive.write(file, rows.tables(apps), connection, timezone.now(), lambda *_: None, field_key=key)
    return file.getvalue()


def bring_back(backup: bytes) -> None:
    """As `manage.py restore --replace` does."""
    with transaction.atomic():
        opened = archive.Archive(io.BytesIO(backup), field_keys=settings.FIELD_ENCRYPTION_KEYS)
        opened.load(rows.tables(apps), connection, lambda *_: None)
        after_loss.begin(timezone.now())
