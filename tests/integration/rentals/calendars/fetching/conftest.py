"""What the tests of fetching share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _even_chances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Randomness is the only thing that is not real here: it always takes the middle."""
    monkeypatch.setattr("random.uniform", lambda low, high: (low + high) / 2)
