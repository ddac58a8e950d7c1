"""Plain words for calendars: the health of a feed, what its items mean, what an import did. Asks no database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from rentals.badges import badge_html
from rentals.calendars.classify import phrases
from rentals.calendars.events import Channel, Verdict
from rentals.models import CalendarFeed, FeedItem
from rentals.models.feed import CHANNEL_LABELS
from rentals.wording import Badge, Tone, days, span


class Health(StrEnum):
    """How a feed is, in one word. Where several apply, the first counts."""

    OFF = "off"
    HELD = "held"
    RESET = "reset"
    REFUSED = "refused"
    STALE = "stale"
    FAILING = "failing"
    NEVER = "never"
    PARTLY = "partly"
    FINE = "fine"


_HEALTH = {
    Health.FINE: Badge("Fine", Tone.READY),
    Health.HELD: Badge("Held", Tone.ACT),
    Health.RESET: Badge("Link was reset", Tone.ACT),
    Health.REFUSED: Badge("Refused", Tone.ACT),
    Health.STALE: Badge("Stale", Tone.ACT),
    Health.FAILING: Badge("Failing", Tone.TROUBLE),
    Health.PARTLY: Badge("Not read in full", Tone.TROUBLE),
    Health.NEVER: Badge("Never fetched", Tone.WAITING),
    Health.OFF: Badge("Switched off", Tone.OVER),
}
_VERDICTS = {
    Verdict.STAY: Badge("Stay", Tone.READY),
    Verdict.TENTATIVE: Badge("Not confirmed yet", Tone.WAITING),
    Verdict.BLOCK: Badge("Closed", Tone.OVER),
    Verdict.MARKER: Badge("Marker", Tone.OVER),
    Verdict.CANCELLED: Badge("Cancelled", Tone.OVER),
    Verdict.REVIEW: Badge("May be a stay", Tone.TROUBLE),
    Verdict.QUARANTINED: Badge("Cannot be read", Tone.TROUBLE),
}
#: What an import counts, in the order in which people want to know it.
_COUNTS = {
    "created": "new",
    "changed": "changed",
    "cancelled": "cancelled",
    "absent": "missing for the first time",
    "held": "held",
    "review": "to review",
    "quarantined": "unreadable",
}


def channel_label(channel: str) -> str:
    """The name of a channel; one that an older or newer release stored reads as it is."""
    return CHANNEL_LABELS[Channel(channel)] if channel in set(CHANNEL_LABELS) else channel


def channel_of(feed: CalendarFeed) -> str:
    """The name of the channel that was chosen, or else of the one that we recognised."""
    if feed.channel != Channel.AUTO:
        return feed.get_channel_display()
    found = feed.state.detected_channel
    return channel_label(found) if found else "not recognised yet"


def health_label(health: Health) -> str:
    return _HEALTH[health].label


def health_badge(health: Health) -> SafeString:
    return badge_html(_HEALTH[health])


def verdict_label(verdict: str, decision: str = "") -> str:
    """What an item is, in plain words; a person's decision outweighs ours."""
    if decision == FeedItem.Decision.STAY:
        return "You: a stay"
    if decision == FeedItem.Decision.NOT_STAY:
        return "You: not a stay"
    return _VERDICTS[Verdict(verdict)].label


def verdict_badge(verdict: str, decision: str = "") -> SafeString:
    shown = Verdict(verdict)
    if decision == FeedItem.Decision.STAY:
        shown = Verdict.STAY
    elif decision == FeedItem.Decision.NOT_STAY:
        shown = Verdict.BLOCK
    return badge_html(Badge(verdict_label(verdict, decision), _VERDICTS[shown].tone))


#: How many characters of a row's own text a question quotes.
_LONGEST_QUOTE: Final = 60
_DECIDED = {
    FeedItem.Decision.STAY.value: "You said that it is a stay.",
    FeedItem.Decision.NOT_STAY.value: "You said that it is not a stay.",
}


def reason(item: FeedItem) -> str:
    """Why an item counts as what it does; a person's decision has the last word."""
    return _DECIDED.get(item.decision, item.reason)


def counts(summary: Mapping[str, Any]) -> str:
    """`2 new, 1 changed`, from the counts of an import."""
    counted = [f"{summary[name]} {word}" for name, word in _COUNTS.items() if summary.get(name)]
    return ", ".join(counted) or "nothing new"


def is_it_a_stay(item: FeedItem, today: date) -> str:
    """`Booking.com closed 12 to 22 Mar: a stay?`: the question about an item that only a person can decide. The feed
    and its state are loaded."""
    channel = channel_of(item.feed)
    known = set(CHANNEL_LABELS.values()) - {CHANNEL_LABELS[Channel.AUTO], CHANNEL_LABELS[Channel.OTHER]}
    who = channel if channel in known else item.feed.name
    starts, ends = item.starts_on, item.ends_on
    when = span(starts, ends, today) if starts and ends else "on unknown days"
    if phrases.read(item.summary).kind is phrases.Kind.BLOCK:
        return f"{who} closed {when}: a stay?"
    said = item.summary if len(item.summary) <= _LONGEST_QUOTE else f"{item.summary[:_LONGEST_QUOTE]}…"
    return f"{who}, “{said}” {when}: a stay?" if said else f"{who} {when}: a stay?"


def item_dates(item: FeedItem, zone: ZoneInfo) -> str:
    """The days of an item, with times in `zone` where the channel gave them."""
    text = days(item.starts_on, item.ends_on)
    if item.whole_days or item.starts_at is None or item.ends_at is None:
        return text
    return f"{text}, {item.starts_at.astimezone(zone):%H:%M} to {item.ends_at.astimezone(zone):%H:%M}"
