"""What the tests of this folder share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _database_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test moves the clock, leases move along: PostgreSQL's own clock cannot be moved."""
    from django.utils import timezone

    from pins import leases

    monkeypatch.setattr(leases, "database_now", timezone.now)
