"""A person says whether a calendar row that only a person can judge is a stay."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from pins.actions.results import ActionResult, done, nothing
from rentals import calendar_terms
from rentals.calendars.events import Verdict
from rentals.calendars.imports import approval, feed_state
from rentals.fields import behind
from rentals.models import CalendarFeed, FeedItem
from rentals.phrases import phrase
from rentals.wording import Words

#: What each answer means for a row.
ANSWERS = {"yes": FeedItem.Decision.STAY, "no": FeedItem.Decision.NOT_STAY}


def decide(item_id: int, answer: str, now: datetime) -> ActionResult:
    """Make the row a stay with a code, or closed days. Within a transaction of the caller: the property's row is locked
    first, as imports do, so that of two people who answer at once the second one is told.

    `answer`: one of `ANSWERS`. Raises `FeedItem.DoesNotExist`.
    """
    feed_state.locked(FeedItem.objects.values_list("feed_id", flat=True).get(pk=item_id))
    rows = FeedItem.objects.select_related("feed__property", "feed__state")
    item = rows.defer(*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS)).get(pk=item_id)
    if item.decision or item.gone_at is not None or item.verdict != Verdict.REVIEW:
        left = _("{row} was decided already, or left the calendar. Nothing was changed.")
        return nothing(left.format(row=_named(item)))
    named = partial(_named, item)
    approval.decide(item.pk, ANSWERS[answer], now)
    if ANSWERS[answer] is FeedItem.Decision.STAY:
        return done(phrase("{row} is a stay and gets a code. Give it a name, if you know the guest.", row=Words(named)))
    return done(phrase("{row} is not a stay and gets no code.", row=Words(named)))


def _named(item: FeedItem) -> str:
    dates = calendar_terms.item_dates(item, item.feed.property.zone)
    return _("“{calendar}” {dates}").format(calendar=item.feed.name, dates=dates)
