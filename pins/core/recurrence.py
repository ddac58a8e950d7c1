"""Weekdays and daily hours of a PIN as one short text, for a database column."""

from __future__ import annotations

from datetime import time

from pins.tedee.messages import Recurrence


def write_recurrence(recurrence: Recurrence | None) -> str:
    """`31 09:00:00-17:00:00`, `48` for whole days, and an empty text for all day on every day."""
    if recurrence is None:
        return ""
    if recurrence.day_start is None or recurrence.day_end is None:
        return str(recurrence.weekdays)
    return f"{recurrence.weekdays} {recurrence.day_start:%H:%M:%S}-{recurrence.day_end:%H:%M:%S}"


def read_recurrence(text: str) -> Recurrence | None:
    """The reverse of `write_recurrence`. Raises `ValueError`."""
    if not text:
        return None
    weekdays, _, hours = text.partition(" ")
    if not hours:
        return Recurrence(int(weekdays))
    start, _, end = hours.partition("-")
    return Recurrence(int(weekdays), time.fromisoformat(start), time.fromisoformat(end))
