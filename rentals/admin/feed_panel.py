"""The top of a feed's page: its health, what waits for a person, and what each item counts as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rentals import calendar_terms as words
from rentals.access import Scope, visible
from rentals.admin.feed_queries import listed, waits_for_review
from rentals.admin.feed_secrets import excerpt_of, has_secret
from rentals.calendar_terms import Health
from rentals.calendars.events import EndDates, Verdict
from rentals.calendars.imports.ledger import source_of
from rentals.fields import UndecryptableValue, behind
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState
from rentals.wording import ago, ahead, day_and_time
from rentals.wording import said as in_words

SHOWN_ITEMS = 100
_SHOWN_ASIDE = 50  # items to review, and unreadable ones
_SHOWN_HELD = 400  # each is a field of a form, and Django takes 1,000 of them


@dataclass(frozen=True)
class ItemLine:
    """One item for people. Strangers wrote its texts: escape them wherever they are shown."""

    pk: int
    dates: str
    said: str
    verdict: SafeString
    why: str
    marks: tuple[str, ...]
    booking: Booking | None
    code: str  # the channel's own code, which tells guests without a name apart
    in_house: bool
    cancelled: bool  # the channel itself cancelled it; it is not only missing
    others: tuple[str, ...]  # other calendars that list the same stay
    decision: str
    excerpt: str


@dataclass(frozen=True)
class Hold:
    """Stays that wait for a person's decision."""

    reason: str
    since: str
    lines: tuple[ItemLine, ...]
    more: int


@dataclass(frozen=True)
class FeedPanel:
    """The top of a feed's page."""

    badge: SafeString
    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    hold: Hold | None
    review: tuple[ItemLine, ...]
    more_review: int
    unreadable: tuple[ItemLine, ...]
    more_unreadable: int
    items: tuple[ItemLine, ...]
    more_items: int
    last_nights: str  # why the end dates may be last nights; "" where nothing speaks for it
    has_address: bool
    is_fetched: bool
    is_signed: bool


def panel(feed: CalendarFeed, now: datetime, scope: Scope) -> FeedPanel:
    """Everything for the page of one feed, annotated by `with_health`."""
    zone = feed.property.zone
    every = (
        visible(FeedItem.objects.filter(listed(), feed=feed), scope)
        .select_related("booking__property")
        .prefetch_related(_all_sources(scope))
    )
    coming = every.filter(ends_at__gt=now).exclude(verdict=Verdict.QUARANTINED.value).defer(*FeedItem.SECRETS)
    unreadable = every.filter(verdict=Verdict.QUARANTINED.value).order_by("-changed_at", "pk")
    review = coming.filter(waits_for_review(now))
    return FeedPanel(
        badge=words.health_badge(Health(feed.health)),  # type: ignore[attr-defined]  # annotated
        sentences=tuple(_sentences(feed, now)),
        facts=tuple(_facts(feed, now)),
        hold=hold(feed, now, scope),
        review=tuple(_line(one, zone, now) for one in review[:_SHOWN_ASIDE]),
        more_review=max(0, feed.to_review - _SHOWN_ASIDE),  # type: ignore[attr-defined]  # annotated
        unreadable=tuple(_line(one, zone, now, with_excerpt=True) for one in _with_excerpts(unreadable[:_SHOWN_ASIDE])),
        more_unreadable=max(0, feed.unreadable - _SHOWN_ASIDE),  # type: ignore[attr-defined]  # annotated
        items=tuple(_line(one, zone, now) for one in coming.order_by("starts_at", "pk")[:SHOWN_ITEMS]),
        more_items=max(0, coming.count() - SHOWN_ITEMS),
        last_nights=_last_nights(feed),
        has_address=has_secret(feed, "url"),
        is_fetched=feed.is_active and has_secret(feed, "url"),
        is_signed=has_secret(feed, "signing_secret"),
    )


def _with_excerpts(items: QuerySet[FeedItem]) -> list[FeedItem]:
    try:
        return list(items)
    except UndecryptableValue:  # in one of them; so each is read by itself when it is shown
        return list(items.defer(*FeedItem.SECRETS))


def _all_sources(scope: Scope) -> Prefetch[str]:
    """All items of all calendars that list an item's booking."""
    listing = visible(FeedItem.objects.filter(listed()), scope).select_related("feed")
    return Prefetch("booking__feed_items", listing.defer(*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS)))


def hold(feed: CalendarFeed, now: datetime, scope: Scope) -> Hold | None:
    """The stays that vanished, or were cancelled while the guest was in the house. A person decides about them."""
    waiting = FeedItem.objects.filter(feed=feed, awaits_approval=True, gone_at__isnull=True, booking__isnull=False)
    threatened = (
        visible(waiting, scope)
        .select_related("booking__property")
        .prefetch_related(_all_sources(scope))
        .defer(*FeedItem.SECRETS)
        .order_by("starts_at", "pk")
    )
    lines = tuple(_line(one, feed.property.zone, now) for one in threatened[:_SHOWN_HELD])
    more = threatened.count() - _SHOWN_HELD if len(lines) == _SHOWN_HELD else 0
    state: FeedState = feed.state
    if not lines and state.held_since is None:
        return None
    since = day_and_time(state.held_since, feed.property.zone) if state.held_since else ""
    return Hold(in_words(state.held_reason), since, lines, more)


def _sentences(feed: CalendarFeed, now: datetime) -> list[str]:
    state, zone = feed.state, feed.property.zone
    said = []
    if not feed.is_active:
        said.append(_("Switched off: this calendar is not fetched, and pushes are refused. Its stays remain."))
    if state.held_since:
        said.append(_("It waits for the decision above; the stays in question are kept meanwhile."))
    if state.reset_since:
        said.append(
            _(
                "The channel says that this link no longer exists. Copy the new export link from the channel and enter "
                "it below. All stays are kept."
            )
        )
    if state.refused_since:
        said.append(_("The channel refuses to give this calendar to Turnkey. “Last error” says why, and what helps."))
    if state.stale_since and state.last_good_at:
        text = _(
            "It could not be read since {when}. Its stays are kept as they were; new and changed ones are missing, so "
            "enter new ones by hand meanwhile."
        )
        said.append(text.format(when=day_and_time(state.last_good_at, zone)))
    elif state.stale_since:
        said.append(_("It could not be read for a day. Its stays are missing, so enter them by hand meanwhile."))
    if state.failing_since and not (state.reset_since or state.refused_since):
        text = ngettext(
            "{number} fetch in a row failed. Turnkey goes on trying; all stays are kept.",
            "{number} fetches in a row failed. Turnkey goes on trying; all stays are kept.",
            state.failures,
        )
        said.append(text.format(number=state.failures))
    if state.last_good_at is None and not said and state.failures:
        said.append(
            _("It could not be read yet. “Last error” says why; the first stays appear after the first good fetch.")
        )
    elif state.last_good_at is None and not said and has_secret(feed, "url"):
        said.append(_("It was not read yet. The first stays appear after the first fetch."))
    elif state.last_good_at is None and not said:
        said.append(
            _(
                "It has no address to fetch from. Enter the channel's export link below, upload a calendar, or have it "
                "sent to the push address."
            )
        )
    if said:
        return said
    unread = int(feed.unreadable)  # type: ignore[attr-defined]  # annotated
    if unread:
        text = ngettext(
            "It is read, but for {number} row: see below what could not be read.",
            "It is read, but for {number} rows: see below what could not be read.",
            unread,
        )
        return [text.format(number=unread)]
    return [_("This calendar is read as it should be.")]


def _last_nights(feed: CalendarFeed) -> str:
    rows = int(feed.state.summary.get("last_nights", 0))
    if not rows or feed.end_dates != EndDates.UNDECIDED:
        return ""
    text = ngettext(
        "After one of its rows, a single day is missing before the next one begins, and none begins on the day that "
        "another ends. Compare one stay with the channel: does its guest leave on the last day that you see here, or "
        "the day after?",
        "After {number} of its rows, a single day is missing before the next one begins, and none begins on the day "
        "that another ends. Compare one stay with the channel: does its guest leave on the last day that you see here, "
        "or the day after?",
        rows,
    )
    return text.format(number=rows)


def _facts(feed: CalendarFeed, now: datetime) -> list[tuple[str, str]]:
    state, zone = feed.state, feed.property.zone
    facts = [(_("Channel"), words.channel_of(feed))]
    if state.last_good_at:
        when, exact = ago(state.last_good_at, now), day_and_time(state.last_good_at, zone)
        facts.append((_("Last good fetch"), f"{when} ({exact})"))
    else:
        facts.append((_("Last good fetch"), _("never")))
    if state.disproved and has_secret(feed, "url"):
        said = _("read each time, since it changed once while the channel said “not modified”")
        facts.append((_("Whole calendar"), said))
    elif state.refetched_at:
        facts.append((_("Whole calendar"), _("last read {when}").format(when=ago(state.refetched_at, now))))
    if feed.is_active and state.claimed_until and state.claimed_until > now:
        facts.append((_("Next fetch"), _("being fetched now")))
    elif feed.is_active and has_secret(feed, "url"):
        due = state.next_fetch_at is None or state.next_fetch_at <= now
        when = _("as soon as possible") if due else ahead(state.next_fetch_at or now, now)
        facts.append((_("Next fetch"), when))
    if state.last_error:
        when = f" ({ago(state.last_try_at, now)})" if state.last_try_at else ""
        facts.append((_("Last error"), f"{in_words(state.last_error)}{when}"))
    if state.summary:
        facts.append((_("Last import with news"), words.counts(state.summary)))
    return facts


def _line(item: FeedItem, zone: ZoneInfo, now: datetime, *, with_excerpt: bool = False) -> ItemLine:
    booking = item.booking
    elsewhere = [one for one in booking.feed_items.all() if one.feed_id != item.feed_id] if booking else []
    others = sorted({one.feed.name for one in elsewhere if source_of(one) is not None})
    return ItemLine(
        pk=item.pk,
        dates=words.item_dates(item, zone),
        said=item.summary,
        verdict=words.verdict_badge(item.verdict, item.decision),
        why=words.reason(item),
        marks=tuple(_marks(item, zone)),
        booking=booking,
        code=item.reservation_code,
        in_house=booking is not None and booking.check_in <= now < booking.check_out,
        cancelled=item.verdict == Verdict.CANCELLED,
        others=tuple(others),
        decision=item.decision,
        excerpt=excerpt_of(item) if with_excerpt else "",
    )


def _marks(item: FeedItem, zone: ZoneInfo) -> list[str]:
    said = []
    if item.awaits_approval:
        said.append(
            _("The channel cancelled it: waits for your decision.")
            if item.verdict == Verdict.CANCELLED
            else _("Not in the calendar any more: waits for your decision.")
        )
    if item.kept_at:
        said.append(_("Not in the calendar any more. You decided to keep the stay."))
    elif item.absent_since and not item.awaits_approval:
        text = _("Not in the calendar since {when}; the next fetches confirm it.")
        said.append(text.format(when=day_and_time(item.absent_since, zone)))
    if item.booking is not None and item.booking.status == Booking.Status.CANCELLED:
        said.append(_("The stay is cancelled."))
    return said
