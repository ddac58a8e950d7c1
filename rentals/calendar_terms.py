"""Plain words for calendars: the health of a feed, what its items mean, what an import did. Asks no database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rentals.badges import badge_html
from rentals.calendars.classify import phrases
from rentals.calendars.events import Channel, Verdict
from rentals.models import CalendarFeed, FeedItem
from rentals.models.feed import CHANNEL_LABELS
from rentals.phrases import mark
from rentals.wording import Badge, Tone, days, said, span


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
    Health.FINE: (mark("Fine"), Tone.READY),
    Health.HELD: (mark("Held"), Tone.ACT),
    Health.RESET: (mark("Link was reset"), Tone.ACT),
    Health.REFUSED: (mark("Refused"), Tone.ACT),
    Health.STALE: (mark("Stale"), Tone.ACT),
    Health.FAILING: (mark("Failing"), Tone.TROUBLE),
    Health.PARTLY: (mark("Not read in full"), Tone.TROUBLE),
    Health.NEVER: (mark("Never fetched"), Tone.WAITING),
    Health.OFF: (mark("Switched off"), Tone.OVER),
}
_VERDICTS = {
    Verdict.STAY: (mark("Stay"), Tone.READY),
    Verdict.TENTATIVE: (mark("Not confirmed yet"), Tone.WAITING),
    Verdict.BLOCK: (mark("Closed"), Tone.OVER),
    Verdict.MARKER: (mark("Marker"), Tone.OVER),
    Verdict.CANCELLED: (mark("Cancelled"), Tone.OVER),
    Verdict.REVIEW: (mark("May be a stay"), Tone.TROUBLE),
    Verdict.QUARANTINED: (mark("Cannot be read"), Tone.TROUBLE),
}


def channel_label(channel: str) -> str:
    """The name of a channel; one that an older or newer release stored reads as it is."""
    return _(CHANNEL_LABELS[Channel(channel)]) if channel in set(CHANNEL_LABELS) else channel


def channel_of(feed: CalendarFeed) -> str:
    """The name of the channel that was chosen, or else of the one that we recognised."""
    found = _channel(feed)
    return channel_label(found) if found else _("not recognised yet")


def _channel(feed: CalendarFeed) -> str:
    return feed.channel if feed.channel != Channel.AUTO else feed.state.detected_channel


def health_label(health: Health) -> str:
    return _(_HEALTH[health][0])


def health_badge(health: Health) -> SafeString:
    return badge_html(Badge(health_label(health), _HEALTH[health][1]))


def verdict_label(verdict: str, decision: str = "") -> str:
    """What an item is, in plain words; a person's decision outweighs ours."""
    if decision == FeedItem.Decision.STAY:
        return _("You: a stay")
    if decision == FeedItem.Decision.NOT_STAY:
        return _("You: not a stay")
    return _(_VERDICTS[Verdict(verdict)][0])


def verdict_badge(verdict: str, decision: str = "") -> SafeString:
    shown = Verdict(verdict)
    if decision == FeedItem.Decision.STAY:
        shown = Verdict.STAY
    elif decision == FeedItem.Decision.NOT_STAY:
        shown = Verdict.BLOCK
    return badge_html(Badge(verdict_label(verdict, decision), _VERDICTS[shown][1]))


#: Channels whose name says more than that of the feed.
_NAMED: Final = frozenset(CHANNEL_LABELS) - {Channel.AUTO, Channel.OTHER}
#: How many characters of a row's own text a question quotes.
_LONGEST_QUOTE: Final = 60
_DECIDED = {
    FeedItem.Decision.STAY.value: mark("You said that it is a stay."),
    FeedItem.Decision.NOT_STAY.value: mark("You said that it is not a stay."),
}


def reason(item: FeedItem) -> str:
    """Why an item counts as what it does; a person's decision has the last word."""
    return _(_DECIDED[item.decision]) if item.decision in _DECIDED else said(item.reason)


#: What an import counts, in the order in which people want to know it.
_COUNTED: Final = ("created", "changed", "cancelled", "absent", "held", "review", "quarantined")


def counts(summary: Mapping[str, Any]) -> str:
    """`2 new, 1 changed`, from the counts of an import."""
    number = {name: int(summary.get(name) or 0) for name in _COUNTED}
    words = (
        ("created", ngettext("{number} new", "{number} new", number["created"])),
        ("changed", ngettext("{number} changed", "{number} changed", number["changed"])),
        ("cancelled", ngettext("{number} cancelled", "{number} cancelled", number["cancelled"])),
        (
            "absent",
            ngettext("{number} missing for the first time", "{number} missing for the first time", number["absent"]),
        ),
        ("held", ngettext("{number} held", "{number} held", number["held"])),
        ("review", ngettext("{number} to review", "{number} to review", number["review"])),
        ("quarantined", ngettext("{number} unreadable", "{number} unreadable", number["quarantined"])),
    )
    return ", ".join(text.format(number=number[name]) for name, text in words if number[name]) or _("nothing new")


def is_it_a_stay(item: FeedItem, today: date) -> str:
    """`Booking.com closed 12 to 22 Mar: a stay?`: the question about an item that only a person can decide. The feed
    and its state are loaded."""
    who = channel_of(item.feed) if _channel(item.feed) in _NAMED else item.feed.name
    starts, ends = item.starts_on, item.ends_on
    when = span(starts, ends, today) if starts and ends else _("on unknown days")
    if phrases.read(item.summary).kind is phrases.Kind.BLOCK:
        return _("{who} closed {when}: a stay?").format(who=who, when=when)
    text = item.summary if len(item.summary) <= _LONGEST_QUOTE else f"{item.summary[:_LONGEST_QUOTE]}…"
    if text:
        return _("{who}, “{text}” {when}: a stay?").format(who=who, text=text, when=when)
    return _("{who} {when}: a stay?").format(who=who, when=when)


def item_dates(item: FeedItem, zone: ZoneInfo) -> str:
    """The days of an item, with times in `zone` where the channel gave them."""
    text = days(item.starts_on, item.ends_on)
    if item.whole_days or item.starts_at is None or item.ends_at is None:
        return text
    begins, ends = item.starts_at.astimezone(zone), item.ends_at.astimezone(zone)
    return _("{days}, {begins} to {ends}").format(days=text, begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}")
