"""Single fields of the API's JSON, read and written. Tolerant of the shapes that a value may have, never of its absence
where we act on it. All instants are aware and in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

#: Daily hours are sent as instants of which only the time of day counts; this is the day of the API's samples.
_DAY_OF_HOURS = date(2021, 10, 1)
#: Seconds since 1970 until the year 5138; a larger number counts milliseconds.
_SECONDS_AT_MOST = 100_000_000_000
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
#: Midnight at the end of a day, which Python cannot read: as an instant, a time of day or a span of one day.
_END_OF_DAY = re.compile(r"(?:.*T)?24:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?|1\.00:00:00")
_PLAIN_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?Z?")


class UnreadableError(ValueError):
    """An answer lacks a field that we act on, or carries it in a shape that we do not know."""


def elements_of(data: object) -> list[object]:
    """The elements of a value that must be an array. Raises `UnreadableError`."""
    if not isinstance(data, list):
        raise UnreadableError("A JSON array was expected.")
    return data


def object_of(data: object) -> dict[str, object]:
    """A value that must be an object. Raises `UnreadableError`."""
    if not isinstance(data, dict):
        raise UnreadableError("A JSON object was expected.")
    return data


def integer(fields: dict[str, object], name: str) -> int:
    """A whole number that must be there. Raises `UnreadableError`."""
    value = integer_or_none(fields, name)
    if value is None:
        raise UnreadableError(f"The field {name} is missing.")
    return value


def integer_or_none(fields: dict[str, object], name: str) -> int | None:
    """A whole number, also as text; None when absent. Raises `UnreadableError`."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError(f"The field {name} is not a whole number.")
    return value


def text(fields: dict[str, object], name: str) -> str:
    """A text, empty when absent. Raises `UnreadableError`."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableError(f"The field {name} is not text.")
    return value


def flag(fields: dict[str, object], name: str) -> bool | None:
    """True or false, None when absent. Raises `UnreadableError`."""
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise UnreadableError(f"The field {name} is neither true nor false.")
    return value


def write_instant(moment: datetime) -> str:
    """An instant as the API samples write it: UTC, milliseconds, `Z`. Raises ValueError for a naive one."""
    if moment.utcoffset() is None:
        raise ValueError("An instant needs an aware datetime.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def read_instant(value: object) -> datetime | None:
    """An instant from the API, None when absent. Seconds and fractions may be missing; one without an offset is in
    UTC, like all that the API sends. Raises `UnreadableError`."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnreadableError("An instant is not text.")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableError("An instant cannot be read.") from None


def read_moment(value: object) -> datetime | None:
    """An instant of which nothing depends but what people read: as text, or as seconds or milliseconds since 1970. None
    for any other shape."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _SECONDS_AT_MOST else value, tz=UTC)
        return read_instant(value)
    except (UnreadableError, ValueError, OverflowError, OSError):
        return None


def write_time_of_day(moment: time) -> str:
    """A time of day (UTC) as the API samples write it: as an instant, of which the day means nothing."""
    return write_instant(datetime.combine(_DAY_OF_HOURS, moment, UTC))


def read_time_of_day(value: object) -> time | None:
    """A time of day (UTC), from an instant or from plain `10:00:00`; None when absent. 24:00 is midnight.

    Raises `UnreadableError`.
    """
    if isinstance(value, str):
        if _END_OF_DAY.fullmatch(value):
            return time(0)
        if _PLAIN_TIME.fullmatch(value):
            value = f"{_DAY_OF_HOURS}T{value}"
    moment = read_instant(value)
    return moment.time().replace(microsecond=0) if moment is not None else None
