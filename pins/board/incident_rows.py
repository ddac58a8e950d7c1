"""Open incidents for the board: what is read of each, and whom or what it is about, in words. Reads no code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _

from pins.core.periods import NO_END
from pins.core.pin_state import State
from pins.models import AccessGrant, Incident
from pins.models.incident import MOST_SEVERE_FIRST
from pins.status.staff import staff_holder
from rentals.access import Scope, visible
from rentals.wording import brief, clock_time, span

#: The columns that are read of an incident: names and times, no code and no secret.
_COLUMNS = (
    *("pk", "kind", "severity", "opened_at", "pin", "lock", "account", "feed", "booking", "item"),
    *("pin__admitted", "pin__state", "pin__blocked", "pin__grant", "pin__grant__holder_name"),
    *("pin__grant__starts_at", "pin__grant__ends_at"),
    *("pin__grant__booking", "pin__grant__booking__check_in", "pin__grant__booking__check_out"),
    *("pin__grant__booking__property__name", "pin__grant__booking__property__timezone"),
    *("pin__grant__kind", "pin__grant__staff", "pin__grant__staff__kind"),
    *("pin__grant__place__name", "pin__grant__place__timezone", "pin__lock__time_zone"),
    *("pin__lock", "pin__lock__name", "pin__lock__account", "pin__lock__account__rate_group"),
    *("lock__name", "lock__account", "lock__account__rate_group", "account__name", "account__rate_group"),
    *("feed__name", "feed__property", "feed__property__name", "feed__property__timezone"),
    *("item__starts_on", "item__ends_on", "item__starts_at", "item__ends_at"),
    *("booking__guest_name", "booking__property__name"),
    *("booking__check_in", "booking__check_out", "booking__property__timezone"),
)
Row = dict[str, Any]


def open_incidents(scope: Scope) -> list[Row]:
    """Every open incident, the most severe first, in one query: only all of them show which have the same cause."""
    open_ones = visible(Incident.objects.filter(resolved_at=None), scope)
    return list(open_ones.order_by(MOST_SEVERE_FIRST, "opened_at", "pk").values(*_COLUMNS))


def when_of(row: Row, now: datetime) -> str:
    """When the stay of an incident begins, began or ended; empty where it is about none."""
    if row["item"]:
        return _when_of_item(row, now)
    if is_about_staff(row):
        return _when_of_staff(row, now)
    about = "booking" if row["booking"] else "pin__grant__booking"
    zone = ZoneInfo(row[f"{about}__property__timezone"] or "UTC")
    begins = row[f"{about}__check_in"] or row["pin__grant__starts_at"]
    ends = row[f"{about}__check_out"] or row["pin__grant__ends_at"]
    if begins is None or ends is None:
        return ""
    if row["kind"] == Incident.Kind.CODE_STAYS and ends > now:
        return _("the code should be gone")
    return when(begins, ends, zone, now, is_in=row["pin__state"] == State.SET)


def is_about_staff(row: Row) -> bool:
    """Whether it is about the code of somebody who works there."""
    return bool(row["pin__grant__kind"] == AccessGrant.Kind.STAFF)


def _when_of_staff(row: Row, now: datetime) -> str:
    """When their code works; empty where that is always."""
    if row["kind"] == Incident.Kind.CODE_STAYS:
        return _("the code should be gone")
    zone = ZoneInfo(row["pin__grant__place__timezone"] or row["pin__lock__time_zone"] or "UTC")
    begins, ends = row["pin__grant__starts_at"], row["pin__grant__ends_at"]
    if begins > now:
        return _("works from {when}").format(when=brief(begins, now, zone))
    return _("works until {when}").format(when=brief(ends, now, zone)) if ends != NO_END else ""


def holder_of(row: Row) -> str:
    """Whose code it is, and where: `Anna at Old Town 3`, `Maria (cleaner) at Old Town 3`."""
    if not is_about_staff(row):
        return at(row["pin__grant__holder_name"], row["pin__grant__booking__property__name"])
    return at(
        staff_holder(row["pin__grant__holder_name"], row["pin__grant__staff__kind"]), row["pin__grant__place__name"]
    )


def _when_of_item(row: Row, now: datetime) -> str:
    """When a guest would come, if the row of a calendar is a stay."""
    begins, zone = row["item__starts_at"], ZoneInfo(row["feed__property__timezone"])
    if begins is None:
        return ""
    return (_("begun {when}") if begins <= now else _("begins {when}")).format(when=brief(begins, now, zone))


def when(begins: datetime, ends: datetime, zone: ZoneInfo, now: datetime, *, is_in: bool = False) -> str:
    """`is_in`: the guest of a stay that runs could get in, so that they are here rather than expected."""
    if ends <= now:
        return _("left {when}").format(when=brief(ends, now, zone))
    if begins <= now:
        return (_("here since {when}") if is_in else _("expected since {when}")).format(when=brief(begins, now, zone))
    if begins.astimezone(zone).date() == now.astimezone(zone).date():
        return _("arrives today {time}").format(time=clock_time(begins, zone))
    return _("arrives {when}").format(when=brief(begins, now, zone))


def at(guest: str, place: str | None) -> str:
    """`Anna at Old Town 3`."""
    guest = guest or _("Guest")
    return _("{guest} at {place}").format(guest=guest, place=place) if place else guest


def subject_of(row: Row, now: datetime) -> str:
    """Whom or what an incident is about."""
    if row["pin"]:
        place = row["pin__grant__booking__property__name"] or row["pin__grant__place__name"]
        who = holder_of(row)
        return _once(who, row["pin__lock__name"]) if place else f"{who}, {row['pin__lock__name']}"
    if row["booking"]:
        return at(row["booking__guest_name"], row["booking__property__name"])
    if row["feed"]:
        said = _once(row["feed__name"], row["feed__property__name"])
        return f"{said}, {_days_of_item(row, now)}" if row["item__starts_on"] and row["item__ends_on"] else said
    return str(row["lock__name"] or row["account__name"] or "Turnkey")


def _days_of_item(row: Row, now: datetime) -> str:
    today = now.astimezone(ZoneInfo(row["feed__property__timezone"])).date()
    return span(row["item__starts_on"], row["item__ends_on"], today)


def _once(said: str, name: str) -> str:
    """A lock or a calendar often has the name of its property, which need not be said twice."""
    return said if said.endswith(name) else f"{said}, {name}"


def url_of(row: Row) -> str:
    """Where a person can do something about it."""
    if row["item"]:
        return f"{reverse('home')}#questions"
    pages: Sequence[tuple[str, str]] = (
        ("pin__grant__booking", "stay"),
        ("pin__grant__staff", "admin:pins_staffaccess_change"),
        ("pin__lock", "lock"),
        ("booking", "stay"),
        ("lock", "lock"),
        ("feed", "admin:rentals_calendarfeed_change"),
    )
    for name, page in pages:
        if row[name]:
            return reverse(page, args=[row[name]])
    if row["account"]:
        return reverse("admin:rentals_lockaccount_change", args=[row["account"]])
    return reverse("admin:pins_incident_changelist")
