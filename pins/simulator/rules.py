"""Which bodies the simulated cloud accepts when a PIN is created or updated.

Written apart from `pins.core.code_rules` on purpose: a shared mistake would go unnoticed. Sources: Tedee API, "create
PIN" and "update PIN". What they leave open is refused here, so that our requests stay within what any version of the
cloud accepts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

OPTIONAL_FIELDS = {  # in the body -> in PinBody
    "startDate": "start",
    "endDate": "end",
    "dayStartTime": "day_start",
    "dayEndTime": "day_end",
    "weekDays": "week_days",
}
KNOWN_FIELDS = frozenset({"alias", "pin", *OPTIONAL_FIELDS})
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.([0-9]{3})Z")


class BodyRefusedError(ValueError):
    """The body breaks the rules (400). The messages name rules, never a value."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = tuple(messages)


@dataclass(frozen=True)
class PinBody:
    """A checked body: what a PIN will be on the lock. Moments are UTC."""

    alias: str
    value: str = field(repr=False)
    start: datetime | None = None
    end: datetime | None = None
    day_start: datetime | None = None  # only the time of day counts
    day_end: datetime | None = None
    week_days: int | None = None  # flags: Mon 1, Tue 2, Wed 4, Thu 8, Fri 16, Sat 32, Sun 64
    absent: frozenset[str] = field(default=frozenset(), compare=False)  # attributes that the body did not name

    def opens(self, now: datetime) -> bool:
        """Whether it opens the lock at this moment (UTC)."""
        if (self.start and now < self.start) or (self.end and self.end <= now):
            return False
        if self.week_days is not None and not self.week_days >> now.weekday() & 1:
            return False
        return not self.day_start or not self.day_end or self.day_start.time() <= now.time() < self.day_end.time()


def value_problems(value: object) -> list[str]:
    """The rules that a PIN value breaks, in the words of the API; an empty list means accepted."""
    if not isinstance(value, str) or not value.strip():
        return ["Pin cannot be null, empty or whitespace."]
    problems = []
    if len(value) < 5 or len(value) > 8:
        problems.append("Pin length must be in range 5-8.")
    if any(sign not in "0123456789" for sign in value):
        problems.append("Pin can contain only numeric values.")
    if len(set(value)) <= 2:
        problems.append("Pin must contain at least 3 different digits.")
    if list(value) in (sorted(set(value)), sorted(set(value), reverse=True)):
        problems.append("Pin cannot be a strictly ascending or descending sequence.")
    return problems


def read_instant(raw: object) -> datetime | None:
    """A moment in the documented form (`2027-03-03T14:00:00.000Z`) or null; ValueError for anything else."""
    if raw is None:
        return None
    match = _INSTANT.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise ValueError("not an ISO 8601 moment with milliseconds and Z")
    whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return whole + timedelta(milliseconds=int(match[2]))


def read_body(raw: bytes, *, now: datetime, reject_past_start: bool = False, max_alias: int | None = None) -> PinBody:
    """Check the JSON body of a create or an update; BodyRefusedError lists every broken rule."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as broken:
        raise BodyRefusedError(["The body is not JSON."]) from broken
    if not isinstance(document, dict):
        raise BodyRefusedError(["The body is not a JSON object."])
    problems = [f"Unknown field {name}." for name in sorted(set(document) - KNOWN_FIELDS)]
    problems += _alias_problems(document.get("alias"), max_alias)
    problems += value_problems(document.get("pin"))
    moments: dict[str, datetime | None] = {}
    for name in ("startDate", "endDate", "dayStartTime", "dayEndTime"):
        try:
            moments[name] = read_instant(document.get(name))
        except ValueError:
            problems.append(f"{name} is not a date such as 2027-03-03T14:00:00.000Z.")
    start, end = moments.get("startDate"), moments.get("endDate")
    if start and end and end <= start:
        problems.append("endDate must be after startDate.")
    if reject_past_start and start and start < now:
        problems.append("startDate cannot be in the past.")
    days = document.get("weekDays")
    problems += _days_problems(days)
    if problems:
        raise BodyRefusedError(problems)
    hours = moments["dayStartTime"], moments["dayEndTime"]
    absent = frozenset(attribute for name, attribute in OPTIONAL_FIELDS.items() if name not in document)
    return PinBody(document["alias"], document["pin"], start, end, *hours, days, absent)


def body_problems(body: PinBody) -> list[str]:
    """The rules that a pin entered by hand breaks; the app holds to those of the API."""
    problems = _alias_problems(body.alias, None) + value_problems(body.value) + _days_problems(body.week_days)
    if body.start and body.end and body.end <= body.start:
        problems.append("endDate must be after startDate.")
    return problems


def _days_problems(days: object) -> list[str]:
    if days is not None and (type(days) is not int or not 1 <= days <= 127):
        return ["weekDays must be a number from 1 to 127."]
    return []


def _alias_problems(alias: object, longest: int | None) -> list[str]:
    if not isinstance(alias, str) or not alias.strip():
        return ["Alias cannot be null, empty or whitespace."]
    if longest is not None and len(alias) > longest:
        return [f"Alias cannot be longer than {longest} characters."]
    return []
