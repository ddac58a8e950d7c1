"""Forms of the admin as a host fills them in."""

from __future__ import annotations


def flat_form(**changes: object) -> dict[str, object]:
    return {
        "name": "Old Town 3",
        "is_active": "on",
        "timezone": "Europe/Warsaw",
        "check_in_time": "15:00",
        "check_out_time": "11:00",
        "locks": [],
        "issue_ahead_days": "30",
        "code_length": "6",
        "early_minutes": "0",
        "late_minutes": "0",
        **changes,
    }
