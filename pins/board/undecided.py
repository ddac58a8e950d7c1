"""“Is it a stay?”: calendar rows that nobody decided about, with the two answers. Reads no code and no secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Window
from django.utils.translation import gettext as _

from pins.incidents import doubtful_arrivals
from rentals import calendar_terms, numbers
from rentals.access import Scope
from rentals.fields import behind
from rentals.models import CalendarFeed, FeedItem
from rentals.wording import Badge, Tone, brief

#: How many rows are shown. Each feed lists all of its own.
MOST: Final = 25


@dataclass(frozen=True, slots=True)
class Undecided:
    """One row. `asks`: the question; `begins`: when a guest would stand at the door, on the property's clock."""

    item_id: int
    feed_id: int
    asks: str
    place: str
    begins: str
    nights: str
    reason: str
    badge: Badge
    is_near: bool  # it begins soon enough for an incident, or has begun
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Questions:
    """The rows that are shown, the nearest first, and how many there are beyond them."""

    rows: tuple[Undecided, ...]
    more: int

    @property
    def total(self) -> int:
        return len(self.rows) + self.more


def load(now: datetime, scope: Scope) -> Questions:
    """Every row that nobody decided about, as long as it is not over: the first ones, and the number of the others, in
    one query."""
    waiting = doubtful_arrivals.undecided_items(now, scope)
    chosen = (
        waiting.select_related("feed__property", "feed__state")
        .defer(*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS))
        .annotate(whole=Window(Count("pk")))
        .order_by("starts_at", "pk")
    )
    shown = list(chosen[:MOST])
    return Questions(tuple(_row(one, now) for one in shown), shown[0].whole - len(shown) if shown else 0)


def near(found: Sequence[Undecided]) -> Sequence[Undecided]:
    """Those that a person must decide about now."""
    return [one for one in found if one.is_near]


def _row(item: FeedItem, now: datetime) -> Undecided:
    prop, starts_at = item.feed.property, item.starts_at
    is_near = starts_at is None or starts_at <= now + doubtful_arrivals.UNDECIDED_WARNING
    is_urgent = starts_at is None or starts_at <= now + doubtful_arrivals.UNDECIDED_URGENT
    nights = (item.ends_on - item.starts_on).days if item.starts_on and item.ends_on else 0
    return Undecided(
        item_id=item.pk,
        feed_id=item.feed_id,
        asks=calendar_terms.is_it_a_stay(item, now.astimezone(prop.zone).date()),
        place=prop.name,
        begins=_begins(item, now),
        nights=numbers.nights(nights) if nights else "",
        reason=calendar_terms.reason(item),
        badge=Badge(_("No code yet"), Tone.ACT if is_urgent else Tone.TROUBLE if is_near else Tone.WAITING),
        is_near=is_near,
        is_urgent=is_urgent,
    )


def _begins(item: FeedItem, now: datetime) -> str:
    if item.starts_at is None:
        return _("it does not say when")
    when = brief(item.starts_at, now, item.feed.property.zone)
    return (_("began {when}") if item.starts_at <= now else _("would arrive {when}")).format(when=when)
