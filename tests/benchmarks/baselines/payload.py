"""What every baseline sends: one POST for each code, as the lock cloud wants it. Needs nothing of ours."""

from __future__ import annotations

import os
from typing import Any

#: The same total time that our own client allows.
TIMEOUT = 40.0
URL = os.environ.get("BENCH_API_URL", "")
HEADERS = {"Authorization": f"PersonalKey {os.environ.get('BENCH_KEY', '')}"}


def url(device: int) -> str:
    return f"{URL}/my/lock/{device}/pin"


def body(number: int) -> dict[str, Any]:
    """A code of its own for each job."""
    return {
        "alias": f"Guest {number}",
        "pin": f"507{number:04}",  # at least three different digits, whatever the number
        "startDate": "2031-03-01T15:00:00.000Z",
        "endDate": "2031-03-08T11:00:00.000Z",
    }
