"""What calendars say about a stay, where that differs from what a person set, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from rentals.access import Scope, visible
from rentals.calendars.events import Channel, Verdict
from rentals.fields import behind
from rentals.models import Booking, CalendarFeed, FeedItem
from rentals.models.feed import CHANNEL_LABELS
from rentals.phrases import mark
from rentals.wording import day_and_time
from rentals.wording import said as in_words

#: Sites of the channels. A link to anywhere else is shown as text, since anybody who writes into a calendar chose it.
_KNOWN_SITES = (
    "airbnb.com",
    "booking.com",
    "vrbo.com",
    "homeaway.com",
    "abritel.fr",
    "fewo-direkt.de",
    "guesty.com",
    "smoobu.com",
    "hostaway.com",
    "hospitable.com",
    "ownerrez.com",
    "beds24.com",
)
_STATUS = {
    Booking.Status.CONFIRMED: mark("confirmed"),
    Booking.Status.TENTATIVE: mark("tentative"),
    Booking.Status.CANCELLED: mark("cancelled"),
}
_SECRETS = (*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS))


@dataclass(frozen=True)
class SourceLine:
    """What one calendar says. Strangers wrote these texts, so they are escaped wherever they are shown."""

    feed_id: int
    feed_name: str
    dates: str
    said: str
    facts: tuple[tuple[str, str], ...]
    link: str  # empty unless it leads to a channel's own site
    marks: tuple[str, ...]


@dataclass(frozen=True)
class CalendarSection:
    """The part of a booking's page about calendars."""

    lines: tuple[SourceLine, ...]
    conflicts: tuple[str, ...]
    notes: tuple[str, ...]
    needs_review: bool
    may_follow: bool


def section(booking: Booking, scope: Scope) -> CalendarSection | None:
    """What the booking's page shows about its calendars, in one query; None if no calendar ever listed the stay."""
    zone = booking.property.zone
    items = list(
        visible(FeedItem.objects.filter(booking=booking), scope)
        .select_related("feed")
        .defer(*_SECRETS)
        .order_by("gone_at", "pk")
    )
    if not items and not booking.feed_status and not booking.needs_review:
        return None
    conflicts = tuple(_conflicts(booking, items))
    return CalendarSection(
        lines=tuple(_line(item, zone) for item in items),
        conflicts=conflicts,
        notes=tuple(_notes(booking, items)),
        needs_review=booking.needs_review,
        may_follow=bool(conflicts) and can_follow(booking),
    )


def safe_link(url: str) -> str:
    """The link, if it leads to a channel's own site by https; otherwise ""."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        plain = parts.port in (None, 443) and parts.username is None
    except ValueError:
        return ""
    known = any(host == site or host.endswith(f".{site}") for site in _KNOWN_SITES) or _is_airbnb(host)
    return url if parts.scheme == "https" and plain and known and url.isprintable() else ""


def _is_airbnb(host: str) -> bool:
    """Airbnb has a site of its own in many countries: `airbnb.pl`, `www.airbnb.co.uk`."""
    labels = host.removeprefix("www.").split(".")
    endings = (["co", "uk"], ["com", "au"], ["com", "br"], ["co", "nz"])
    return labels[0] == "airbnb" and ((len(labels) == 2 and len(labels[1]) == 2) or labels[1:] in endings)


def _line(item: FeedItem, zone: ZoneInfo) -> SourceLine:
    dates = _("unknown dates")
    if item.starts_at is not None and item.ends_at is not None:
        first, last = day_and_time(item.starts_at, zone), day_and_time(item.ends_at, zone)
        dates = _("{first} to {last}").format(first=first, last=last)
    link = safe_link(item.reservation_url)
    facts = (
        (_("Guest"), item.guest_name),
        (_("Reservation"), item.reservation_code),
        (_("Phone ends with"), item.phone_last4),
        (_("Guests"), str(item.guest_count) if item.guest_count else ""),
        (_("Link"), item.reservation_url if not link else ""),
    )
    marks = []
    if item.awaits_approval:
        marks.append(_("Decide on the calendar's page whether this stay is cancelled."))
    if item.gone_at is not None:
        marks.append(_("It left the calendar on {when}.").format(when=day_and_time(item.gone_at, zone)))
    elif item.kept_at is not None:
        marks.append(_("Not in the calendar any more. You decided to keep the stay."))
    elif item.absent_since is not None and not item.awaits_approval:
        text = _("Not in the calendar since {when}; the next fetches confirm it.")
        marks.append(text.format(when=day_and_time(item.absent_since, zone)))
    if item.decision == FeedItem.Decision.STAY:
        marks.append(_("You decided that it is a stay."))
    return SourceLine(
        feed_id=item.feed_id,
        feed_name=item.feed.name,
        dates=dates,
        said=item.summary,
        facts=tuple((name, value) for name, value in facts if value),
        link=link,
        marks=tuple(marks),
    )


def _conflicts(booking: Booking, items: list[FeedItem]) -> list[str]:
    """A sentence for each field that a person set to something else than the calendars ask for."""
    zone, who = booking.property.zone, _who(items)
    said = []
    for name, text in (
        ("check_in", _("You set the arrival to {mine}; {who} says {asked}.")),
        ("check_out", _("You set the departure to {mine}; {who} says {asked}.")),
    ):
        mine, asked = getattr(booking, name), getattr(booking, f"feed_{name}")
        if asked is not None and _differs(booking, mine, asked, zone):
            said.append(text.format(mine=day_and_time(mine, zone), who=who, asked=day_and_time(asked, zone)))
    if booking.feed_guest_name and booking.guest_name != booking.feed_guest_name:
        namers = [item for item in items if item.guest_name == booking.feed_guest_name]
        text = (
            _("You set the guest's name to “{mine}”; {who} says “{asked}”.")
            if booking.guest_name
            else _("You set the guest's name to empty; {who} says “{asked}”.")
        )
        asked = booking.feed_guest_name
        said.append(text.format(mine=booking.guest_name, who=_who(namers or items), asked=asked))
    if booking.feed_status and booking.status != booking.feed_status:
        mine, asked = (_(_STATUS[Booking.Status(one)]) for one in (booking.status, booking.feed_status))
        gone = booking.feed_status == Booking.Status.CANCELLED and all(item.gone_at for item in items)
        text = (
            _("You set the status to {mine}; {who} does not list it any more.")
            if gone
            else _("You set the status to {mine}; {who} says {asked}.")
        )
        said.append(text.format(mine=mine, who=who, asked=asked))
    return said


def _differs(booking: Booking, mine: datetime, asked: datetime, zone: ZoneInfo) -> bool:
    if booking.follows_property_times:
        # The property's times moved it, or will; only another day is a difference.
        return mine.astimezone(zone).date() != asked.astimezone(zone).date()
    return mine != asked


def _who(items: list[FeedItem]) -> str:
    """The calendar that speaks for the stay: one that lists it and names the guest, else any."""
    listing = [item for item in items if item.gone_at is None] or items
    named = [item for item in listing if item.guest_name or item.reservation_code] or listing
    return _("“{name}”").format(name=named[0].feed.name) if named else _("the calendar")


def _notes(booking: Booking, items: list[FeedItem]) -> list[str]:
    said = []
    if booking.status == Booking.Status.CANCELLED and booking.feed_status == Booking.Status.CANCELLED:
        said.append(
            _("Cancelled because no calendar lists it any more.")
            if all(item.verdict != Verdict.CANCELLED for item in items)
            else _("Cancelled by the channel.")
        )
    if not items and booking.feed_status:
        said.append(_("No calendar lists it here any more. Only you can change it now."))
    if booking.needs_review:
        reasons = [in_words(item.reason) for item in items if item.needs_review and item.reason]
        said.extend(dict.fromkeys(reasons))
        if not reasons:
            said.append(_("What the calendar asked for did not fit this stay. Compare the dates with the channel."))
    return said


def wins_over_calendar(booking: Booking) -> bool:
    """Whether a person set a time of arrival or departure that differs from what a calendar asks for."""
    pairs = ((booking.check_in, booking.feed_check_in), (booking.check_out, booking.feed_check_out))
    zone = booking.property.zone
    return any(theirs is not None and _differs(booking, mine, theirs, zone) for mine, theirs in pairs)


# -- what a person can do --------------------------------------------------------------------------------------------


def can_follow(booking: Booking) -> bool:
    """Whether what the calendars ask for is a possible stay: it ends after it starts."""
    _status, starts, ends = followed(booking)
    return ends > starts


def clear_review(booking: Booking) -> bool:
    """A person looked and agrees: clear the mark. Returns whether there was one."""
    return Booking.objects.filter(pk=booking.pk, needs_review=True).update(needs_review=False) == 1


def followed(booking: Booking) -> tuple[str, datetime, datetime]:
    """Status, check-in and check-out of the stay if it were what the calendars ask for."""
    starts, ends = booking.feed_check_in or booking.check_in, booking.feed_check_out or booking.check_out
    return booking.feed_status or booking.status, starts, ends


def follow_calendar(booking: Booking) -> bool:
    """Drop what a person set: the stay becomes what the calendars ask for, and follows them again.

    False, and nothing changes, when that is not a possible stay.
    """
    with transaction.atomic():
        fresh = Booking.objects.select_for_update().select_related("property").get(pk=booking.pk)
        if not can_follow(fresh):
            return False
        fresh.status, fresh.check_in, fresh.check_out = followed(fresh)
        fresh.guest_name = fresh.feed_guest_name or fresh.guest_name
        prop = fresh.property
        fresh.follows_property_times = fresh.check_in == prop.check_in_on(
            fresh.arrival_date
        ) and fresh.check_out == prop.check_out_on(fresh.departure_date)
        fresh.save()
    return True


def source_label(booking: Booking) -> str:
    """Where a stay came from, in a word."""
    if booking.source in ("", "manual"):
        return _("by hand")
    known = booking.source in set(CHANNEL_LABELS)
    return _(CHANNEL_LABELS[Channel(booking.source)]) if known else booking.source
