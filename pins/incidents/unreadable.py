"""Rows of calendars that cannot be read: which of them a person must know of, how urgently, and in which words.

A row without a readable day may be anybody's arrival, so it is told at once. Words and days are read when somebody
looks: they are a guest's, and must not outlive the row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from pins.models import Incident
from pins.models.incident import rank
from rentals.calendars.classify.phrases import Kind, read
from rentals.models import FeedItem
from rentals.wording import day

Severity = Incident.Severity

#: From so long before its day on, a row is more than a notice.
AHEAD: Final = timedelta(days=14)
#: A row whose day is so long over lets nobody wait any more.
OVER: Final = timedelta(days=2)
_NIGHT = timedelta(days=1)
_NAMED = 3
_LONGEST_WORDS = 60


def rows(now: datetime) -> QuerySet[FeedItem]:
    """What calendars list and nobody can read, and no person has decided about. `now`: UTC."""
    begins = Q(starts_at=None, ends_at=None) | Q(starts_at__gt=now - OVER)
    without_stay = Q(booking=None) & (begins | Q(ends_at__gt=now))
    of_stay = Q(booking__isnull=False, ends_at__gt=now)
    waiting = FeedItem.objects.filter(
        unreadable_since__isnull=False, gone_at=None, absent_since=None, awaits_approval=False
    )
    return waiting.filter(without_stay | of_stay).exclude(decision=FeedItem.Decision.NOT_STAY)


def severities(now: datetime, feed_id: int | None = None) -> dict[int, Incident.Severity]:
    """By feed with such rows, how urgent the most urgent of them is; of one feed, if `feed_id` says so."""
    found: dict[int, Incident.Severity] = {}
    chosen = rows(now) if feed_id is None else rows(now).filter(feed_id=feed_id)
    columns = ("feed_id", "summary", "starts_at", "ends_at", "booking_id")
    for feed, summary, starts_at, ends_at, booking in chosen.values_list(*columns):
        one = severity(summary, starts_at, ends_at, now, has_stay=booking is not None)
        found[feed] = max(found.get(feed, one), one, key=rank)
    return found


def severity(
    summary: str, starts_at: datetime | None, ends_at: datetime | None, now: datetime, *, has_stay: bool
) -> Incident.Severity:
    """The sooner the more urgent. A row whose words mean closed days brings nobody; a guest in the house needs the row
    when the stay ends."""
    said = read(summary)
    if said.kind is Kind.BLOCK and said.whole:
        return Severity.NOTICE
    soon = now + timedelta(hours=settings.CODE_URGENT_HOURS)
    if starts_at is None:  # at the latest it begins a night before it ends
        return Severity.URGENT if ends_at is not None and ends_at - _NIGHT <= soon else Severity.WARNING
    moment = ends_at if has_stay and starts_at <= now and ends_at is not None else starts_at
    if moment <= soon:
        return Severity.URGENT
    return Severity.WARNING if moment <= now + AHEAD else Severity.NOTICE


def words(feed_ids: Collection[int], now: datetime) -> dict[int, str]:
    """By feed, its rows as people find them at the channel: `“Reserved”, arrives 20 Apr 2027; and 2 more`."""
    if not feed_ids:
        return {}
    found: defaultdict[int, list[FeedItem]] = defaultdict(list)
    for item in rows(now).filter(feed_id__in=feed_ids).defer(*FeedItem.SECRETS).order_by("starts_at", "pk"):
        found[item.feed_id].append(item)
    return {feed_id: _listed(items) for feed_id, items in found.items()}


def _listed(items: list[FeedItem]) -> str:
    known_days = sorted(items, key=lambda one: one.starts_at is None)
    more = [_("and {number} more").format(number=len(items) - _NAMED)] if len(items) > _NAMED else []
    return "; ".join([*(_words_of(one) for one in known_days[:_NAMED]), *more])


def _words_of(item: FeedItem) -> str:
    said = item.summary if len(item.summary) <= _LONGEST_WORDS else f"{item.summary[:_LONGEST_WORDS]}…"
    row = f"“{said}”" if said else _("a row without words")
    if item.starts_on is not None:
        return _("{row}, arrives {day}").format(row=row, day=day(item.starts_on))
    if item.ends_on is not None:
        left = _("{row}, its first day cannot be read, leaves {day}")
        return left.format(row=row, day=day(item.ends_on))
    return _("{row}, its day cannot be read").format(row=row)


def what(label: str, of_feed: str | None) -> str:
    """What is wrong, with the rows where they are known."""
    return f"{label}: {of_feed}" if of_feed else label


def feeds_of(kinds: Iterable[tuple[str, int | None]]) -> set[int]:
    """The feeds whose rows must be named, from the kinds and feeds of incidents."""
    return {feed for kind, feed in kinds if kind == Incident.Kind.FEED_UNREADABLE and feed is not None}
