"""Incidents, stays and the day's summary as the payload of messages (docs/notifications.md). Reads no code and no
secret.

Its texts for people are in the language that is active, and `language` names it: they tell how things stood when it was
news, so they are not made anew when the message is sent. A payload without such texts (of a stay) names none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from pins.core import notification_events
from pins.incidents import texts, unreadable
from pins.incidents.sweep_checks import MAYBE_ON_LOCK
from pins.models import AccessGrant, Incident, Pin, StaffAccess
from pins.models.incident import MOST_SEVERE_FIRST
from pins.notify.texts import subject
from pins.status import stay_lists
from pins.status.staff import staff_holder
from pins.status.stay_lists import Stay
from pins.status.stays import guest_grants
from rentals.access import EVERYTHING
from rentals.fields import behind
from rentals.languages import spoken
from rentals.models import Booking, CalendarFeed, FeedItem, Lock, LockAccount, Property
from rentals.wording import WORST_FIRST, Tone, clock_time, days

_SECRETS = (
    *behind("pin", Pin.SECRETS),
    *behind("pin__grant", AccessGrant.SECRETS),
    *behind("pin__grant__staff", StaffAccess.SECRETS),
    *behind("account", LockAccount.SECRETS),
    *behind("feed", CalendarFeed.SECRETS),
    *behind("item", FeedItem.SECRETS),
)
_GUEST_GRANTS = "loaded_guest_grants"
MOST_ARRIVALS = 60
MOST_ISSUES = 20


def incidents() -> Any:
    """Incidents with everything that `incident_data` reads: one more query for all of them."""
    subjects = (
        *("pin__grant__booking__property", "pin__lock", "lock"),
        *("pin__grant__staff", "pin__grant__place"),
        *("account", "feed__property", "booking__property", "item"),
    )
    grants = Prefetch("booking__grants", guest_grants(), to_attr=_GUEST_GRANTS)
    return Incident.objects.select_related(*subjects).defer(*_SECRETS).prefetch_related(grants)


def incident_data(incident: Incident) -> dict[str, Any]:
    """The payload of a message about one of `incidents`."""
    grant = grant_of(incident)
    is_staff = grant is not None and grant.kind == AccessGrant.Kind.STAFF
    said = texts.text_of(incident.kind, staff=is_staff)
    pin, feed = incident.pin, incident.feed
    lock = pin.lock if pin is not None else incident.lock
    return {
        "language": spoken(),
        "incident": {
            "id": incident.pk,
            "kind": incident.kind,
            "severity": notification_events.severity(incident.severity).value,
            "opened_at": iso(incident.opened_at),
            "resolved_at": iso(incident.resolved_at) if incident.resolved_at else None,
        },
        "what": _what(incident, said.what),
        "remedy": said.remedy,
        "stay": None if is_staff else _stay_of(incident),
        "staff": _staff(grant) if is_staff and grant is not None else None,
        "lock": _lock(lock) if lock is not None else None,
        "calendar": _calendar(feed, incident.item) if feed is not None else None,
        "account": incident.account.name if incident.account is not None else None,
        "path": _path(incident),
    }


def _what(incident: Incident, label: str) -> str:
    """What is wrong; of an unreadable calendar with the rows, as long as they are there."""
    feeds = unreadable.feeds_of([(incident.kind, incident.feed_id)])
    now = incident.resolved_at or timezone.now()
    return unreadable.what(label, unreadable.words(feeds, now).get(incident.feed_id or 0))


def _calendar(feed: CalendarFeed, item: FeedItem | None) -> str:
    """Which calendar, and the days of the row that it is about."""
    said = f"{feed.name}, {feed.property.name}"
    return f"{said}, {days(item.starts_on, item.ends_on)}" if item is not None else said


def grant_of(incident: Incident) -> AccessGrant | None:
    """The grant of the stay that one of `incidents` is about; None where there is no stay, or it has no code yet."""
    if incident.pin is not None:
        return incident.pin.grant
    if incident.booking is None:
        return None
    return next(iter(getattr(incident.booking, _GUEST_GRANTS)), None)


def _staff(grant: AccessGrant) -> dict[str, Any]:
    """Who works there, and where."""
    kind = grant.staff.kind if grant.staff is not None else ""
    place = grant.place.name if grant.place is not None else None
    return {"id": grant.staff_id, "who": staff_holder(grant.holder_name, kind), "property": place}


def _stay_of(incident: Incident) -> dict[str, Any] | None:
    grant, booking = grant_of(incident), incident.booking
    if grant is not None:
        return stay_data(grant)
    if booking is None:
        return None
    return {  # the stay has no code yet, and only a code has a reference
        "id": booking.pk,
        "reference": None,
        "property": booking.property.name,
        "guest": booking.guest_name,
        "check_in": iso(booking.check_in),
        "check_out": iso(booking.check_out),
        "time_zone": booking.property.timezone,
    }


def stay_data(grant: AccessGrant) -> dict[str, Any]:
    """The stay as it is now; if it was deleted, what its grant still knows."""
    booking = grant.booking
    prop = booking.property if booking is not None else None
    return {
        "id": booking.pk if booking is not None else None,
        "reference": grant.reference,
        "property": prop.name if prop is not None else None,
        "guest": grant.holder_name,
        "check_in": iso(booking.check_in if booking is not None else grant.starts_at),
        "check_out": iso(booking.check_out if booking is not None else grant.ends_at),
        "time_zone": prop.timezone if prop is not None else "UTC",
    }


def stays_data(stays: Mapping[AccessGrant, bool]) -> dict[AccessGrant, dict[str, Any]]:
    """The payloads of messages about the codes of stays, with one query for all of them. `True`: the stay is off.

    `locks`: those that the code opens; of a stay that is off those from which it is being removed, and `left_on`:
    observe-only locks, on which it stays.
    """
    opened: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    kept: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    off = {grant.pk for grant, is_off in stays.items() if is_off}
    pins = Pin.objects.filter(grant__in=stays).filter(
        (Q(grant__in=off) & MAYBE_ON_LOCK) | (~Q(grant__in=off) & Q(wanted=True))
    )
    columns = ("grant", "lock", "lock__name", "lock__account__observe_only")
    for grant_id, lock_id, name, observed in pins.order_by("lock__name", "lock").values_list(*columns):
        side = kept if observed and grant_id in off else opened
        side[grant_id].append({"id": lock_id, "name": name})
    found: dict[AccessGrant, dict[str, Any]] = {}
    for grant, is_off in stays.items():
        path = reverse("stay", args=[grant.booking_id]) if grant.booking_id is not None else reverse("home")
        found[grant] = {"stay": stay_data(grant), "locks": opened[grant.pk], "path": path}
        if is_off:
            found[grant]["left_on"] = kept[grant.pk]
    return found


def summary_data(day: date, zone: str, now: datetime) -> dict[str, Any]:
    """The payload of a summary: today's arrivals, by the calendar day of each property, the worst first; and the open
    incidents. `day`: the day in `zone`, the channel's."""
    arriving = [one for one in _stays_near(now) if one.booking.arrival_date == _today(one.booking.property, now)]
    arriving.sort(key=lambda one: (WORST_FIRST.index(one.tone), one.booking.check_in))
    open_ones = incidents().filter(resolved_at=None).order_by(MOST_SEVERE_FIRST, "opened_at", "pk")
    return {
        "language": spoken(),
        "date": day.isoformat(),
        "time_zone": zone,
        "arrivals": [_arrival(one) for one in arriving[:MOST_ARRIVALS]],
        "more_arrivals": max(0, len(arriving) - MOST_ARRIVALS),
        "to_mend": [_issue(one) for one in open_ones[:MOST_ISSUES]],
        "more_to_mend": max(0, open_ones.count() - MOST_ISSUES),
        "path": reverse("home"),
    }


def _stays_near(now: datetime) -> list[Stay]:
    """Stays that may arrive today in some zone."""
    day = timedelta(hours=38)
    near = Q(check_in__gt=now - day, check_in__lt=now + day, status=Booking.Status.CONFIRMED)
    return [stay_lists.stay_of(one, now) for one in stay_lists.load(near, EVERYTHING)]


def _today(prop: Property, now: datetime) -> date:
    return now.astimezone(ZoneInfo(prop.timezone)).date()


def _arrival(stay: Stay) -> dict[str, Any]:
    booking = stay.booking
    flags = [
        *([_("overlaps another stay")] if stay.overlaps else []),
        *([_("needs review")] if booking.needs_review else []),
    ]
    return {
        "stay_id": booking.pk,
        "guest": booking.guest_name,
        "property": booking.property.name,
        "at": clock_time(booking.check_in, booking.property.zone),
        "state": stay.badge.label,
        "ready": stay.tone is Tone.READY,
        "flags": flags,
    }


def _issue(incident: Incident) -> dict[str, Any]:
    data = incident_data(incident)
    return {name: data[name] for name in ("what", "remedy", "path")} | {"subject": subject(data)}


def _path(incident: Incident) -> str:
    pin = incident.pin
    if incident.item_id is not None:
        return f"{reverse('home')}#questions"
    if pin is not None and pin.grant.booking_id is not None:
        return reverse("stay", args=[pin.grant.booking_id])
    if pin is not None and pin.grant.staff_id is not None:
        return reverse("admin:pins_staffaccess_change", args=[pin.grant.staff_id])
    if incident.booking_id is not None:
        return reverse("stay", args=[incident.booking_id])
    lock_id = pin.lock_id if pin is not None else incident.lock_id
    if lock_id is not None:
        return reverse("lock", args=[lock_id])
    if incident.account_id is not None:
        return reverse("admin:rentals_lockaccount_change", args=[incident.account_id])
    if incident.feed_id is not None:
        return reverse("admin:rentals_calendarfeed_change", args=[incident.feed_id])
    return reverse("home")


def _lock(lock: Lock) -> dict[str, Any]:
    return {"id": lock.pk, "name": lock.name}


def iso(moment: datetime) -> str:
    """A moment as messages have it."""
    return moment.isoformat().replace("+00:00", "Z")
