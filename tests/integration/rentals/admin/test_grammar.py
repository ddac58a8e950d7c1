"""Sentences that Django says and our catalog says anew."""

from __future__ import annotations

from pathlib import Path

import django.contrib.admin
from babel.messages import pofile

from rentals.admin.grammar import SENTENCES

CATALOG = Path(django.contrib.admin.__file__).parent / "locale" / "pl" / "LC_MESSAGES" / "django.po"


def test_each_is_one_of_the_installed_django() -> None:
    with CATALOG.open("rb") as file:
        known = pofile.read_po(file, locale="pl")
    assert [one for one in SENTENCES if one not in known] == []
