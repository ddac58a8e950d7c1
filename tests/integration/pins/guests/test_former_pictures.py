"""Pictures that were uploaded before what cameras write was removed."""

from __future__ import annotations

import logging
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from pins.models import GuestGuide, GuestPicture
from tests.support.pictures import picture

pytestmark = pytest.mark.django_db
write_anew = import_module("pins.migrations.0030_pictures_without_places").write_anew


def test_they_lose_it_and_one_that_cannot_be_read_is_kept_and_named(
    guide: GuestGuide, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = {"image/png": picture("PNG"), "image/webp": b"RIFF0000WEBP", "image/jpeg": picture()}
    rows = [
        GuestPicture.objects.create(guide=guide, caption="The gate", content_type=kind, data=data)
        for kind, data in kinds.items()
    ]
    with caplog.at_level(logging.WARNING):
        write_anew(apps, SimpleNamespace(connection=connection))
    stored = [(one.content_type, bytes(one.data)) for one in GuestPicture.objects.order_by("pk")]
    assert [kind for kind, _ in stored] == ["image/jpeg", "image/webp", "image/jpeg"]
    assert stored[1][1] == b"RIFF0000WEBP"
    assert not any(b"h1dden" in data for _, data in stored)
    (said,) = [one for one in caplog.records if one.getMessage() == "picture_kept_as_it_was"]
    assert said.__dict__["picture_id"] == rows[1].pk
