"""Plain words for calendars: how a feed is, what its items mean, what an import did. No database here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString

from rentals.calendars.events import Verdict
from rentals.models import FeedItem


class Health(StrEnum):
    """How a feed is, in one word; the first that applies counts."""

    OFF = "off"
    HELD = "held"
    RESET = "reset"
    STALE = "stale"
    FAILING = "failing"
    NEVER = "never"
    FINE = "fine"


#: Word, tone (a class of the style sheet) and sign: colour alone tells nothing to many people.
_HEALTH = {
    Health.FINE: ("Fine", "ready", "✓"),
    Health.HELD: ("Held", "act", "✕"),
    Health.RESET: ("Link was reset", "act", "✕"),
    Health.STALE: ("Stale", "act", "✕"),
    Health.FAILING: ("Failing", "trouble", "!"),
    Health.NEVER: ("Never fetched", "waiting", "○"),
    Health.OFF: ("Switched off", "over", "◦"),
}
_VERDICTS = {
    Verdict.STAY: ("Stay", "ready", "✓"),
    Verdict.TENTATIVE: ("Not confirmed yet", "waiting", "○"),
    Verdict.BLOCK: ("Closed", "over", "◦"),
    Verdict.MARKER: ("Marker", "over", "◦"),
    Verdict.CANCELLED: ("Cancelled", "over", "◦"),
    Verdict.REVIEW: ("May be a stay", "trouble", "!"),
    Verdict.QUARANTINED: ("Cannot be read", "trouble", "!"),
}
#: What an import counts, in the order in which people ask.
_COUNTS = {
    "created": "new",
    "changed": "changed",
    "cancelled": "cancelled",
    "absent": "missing for the first time",
    "held": "held",
    "review": "to review",
    "quarantined": "unreadable",
}


def badge(label: str, tone: str, sign: str) -> SafeString:
    """A state as sign and words on its colour."""
    return format_html(
        '<span class="tk-badge tk-{}"><span class="tk-sign" aria-hidden="true">{}</span> {}</span>', tone, sign, label
    )


def health_label(health: Health) -> str:
    return _HEALTH[health][0]


def health_badge(health: Health) -> SafeString:
    return badge(*_HEALTH[health])


def verdict_label(verdict: str, decision: str = "") -> str:
    """What an item is, in plain words; a person's decision outweighs ours."""
    if decision == FeedItem.Decision.STAY:
        return "You: a stay"
    if decision == FeedItem.Decision.NOT_STAY:
        return "You: not a stay"
    return _VERDICTS[Verdict(verdict)][0]


def verdict_badge(verdict: str, decision: str = "") -> SafeString:
    shown = Verdict(verdict)
    if decision == FeedItem.Decision.STAY:
        shown = Verdict.STAY
    elif decision == FeedItem.Decision.NOT_STAY:
        shown = Verdict.BLOCK
    _, tone, sign = _VERDICTS[shown]
    return badge(verdict_label(verdict, decision), tone, sign)


_DECIDED = {
    FeedItem.Decision.STAY.value: "You said that it is a stay.",
    FeedItem.Decision.NOT_STAY.value: "You said that it is not a stay.",
}


def reason(item: FeedItem) -> str:
    """Why an item is taken for what it is; a person's decision is the last word."""
    return _DECIDED.get(item.decision, item.reason)


def counts(summary: Mapping[str, Any]) -> str:
    """`2 new, 1 changed`, from the counts of an import."""
    told = [f"{summary[name]} {word}" for name, word in _COUNTS.items() if summary.get(name)]
    return ", ".join(told) or "nothing new"


def ago(moment: datetime, now: datetime) -> str:
    """`5 minutes ago`."""
    seconds = (now - moment).total_seconds()
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def ahead(moment: datetime, now: datetime) -> str:
    """`in 5 minutes`."""
    seconds = (moment - now).total_seconds()
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"in {count} {name}{'' if count == 1 else 's'}"
    return "in a moment"


def day(of: date) -> str:
    return f"{of.day} {of:%b %Y}"


def days(starts: date | None, ends: date | None) -> str:
    """`3 Mar to 8 Mar 2027`: arrival and departure day."""
    if starts is None or ends is None:
        known = starts or ends
        return day(known) if known else "unknown dates"
    year = "" if starts.year == ends.year else f" {starts.year}"
    return f"{starts.day} {starts:%b}{year} to {day(ends)}"


def item_dates(item: FeedItem, zone: ZoneInfo) -> str:
    """The days of an item; with times where the channel gave them."""
    text = days(item.starts_on, item.ends_on)
    if item.whole_days or item.starts_at is None or item.ends_at is None:
        return text
    return f"{text}, {item.starts_at.astimezone(zone):%H:%M} to {item.ends_at.astimezone(zone):%H:%M}"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """`Wed 3 Mar 2027, 15:00 CET`."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"


def stays(count: int) -> str:
    return "1 stay" if count == 1 else f"{count} stays"
