"""Filters of the list of bookings. Days are days at each property."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.core.pin_state import State
from pins.models import AccessGrant, Incident, Pin
from pins.status.wording import MUST_ACT
from rentals.local_time import local_moment
from rentals.models import Booking, BookingQuerySet, Lock, Property

#: Within this time before an arrival, the code should be on every lock.
ARRIVES_SOON = timedelta(hours=24)
#: How long a removal may take before a person should look.
PATIENCE = timedelta(minutes=10)


def on_local_days(field: str, first: int, days: int, now: datetime) -> Q:
    """`field` lies in the `days` days from today + `first`, in each property's own zone. One condition for each zone in
    use."""
    found = Q(pk__in=())
    for name in Property.objects.order_by().values_list("timezone", flat=True).distinct():
        today: date = now.astimezone(Property(timezone=name).zone).date()
        starts = local_moment(today + timedelta(days=first), time(0), name)
        ends = local_moment(today + timedelta(days=first + days), time(0), name)
        found |= Q(property__timezone=name, **{f"{field}__gte": starts, f"{field}__lt": ends})
    return found


def needs_attention(now: datetime) -> Q:
    """Stays whose guest may find a door closed, or whose code should be off a lock and is not. A code that is missing
    on an observe-only lock is no fault.

    The query starts from the codes, of which few have a fault, and not from all bookings.
    """
    live = Booking.objects.filter(status=Booking.Status.CONFIRMED, check_out__gt=now)
    this_week = now + timedelta(days=7)
    doors = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
    no_door = live.filter(~Exists(doors), property__is_active=True, check_in__lte=this_week)
    wanted = Pin.objects.filter(
        wanted=True,
        grant__ends_at__gt=now,
        grant__booking__status=Booking.Status.CONFIRMED,
        grant__booking__check_out__gt=now,
    )
    missing = wanted.exclude(state__in=[State.SET, State.CHANGING]).exclude(lock__account__observe_only=True)
    hopeless = (
        Q(last_cause__in=MUST_ACT)
        | Q(lock__operation__paused_until__gt=now, lock__operation__pause_cause__in=MUST_ACT)
        | Q(lock__account__operation__dead_key__gt="")
    )
    late = missing.filter(Q(grant__starts_at__lte=now + ARRIVES_SOON) | (hopeless & Q(grant__issue_at__lte=now)))
    # A code on a lock without a keypad opens nothing, even where the lock accepted it.
    mute = wanted.filter(
        lock__has_keypad=False, lock__account__observe_only=False, grant__booking__check_in__lte=this_week
    )
    left = Pin.objects.filter(remote_id__isnull=False).filter(
        Q(grant__ends_at__lte=now - PATIENCE) | Q(wanted=False, state_changed_at__lte=now - PATIENCE)
    )
    reported = Incident.objects.filter(pin__isnull=False, resolved_at__isnull=True)
    found = Q(pk__in=no_door.values("pk")) | Q(pk__in=reported.values("pin__grant__booking"))
    for pins in (wanted.filter(state=State.BLOCKED), late, mute, left):
        found |= Q(pk__in=pins.values("grant__booking"))
    return found


def without_confirmed_code(now: datetime, within: timedelta) -> Q:
    """Confirmed stays whose guest arrives within this time, or is due already, and whose code is not confirmed on every
    lock. Stays without any code are included."""
    wanted = Pin.objects.filter(grant__booking=OuterRef("pk"), wanted=True, grant__ends_at__gt=now)
    unconfirmed = ~Exists(wanted) | Q(Exists(wanted.exclude(state=State.SET)))
    return Q(unconfirmed, status=Booking.Status.CONFIRMED, check_in__lte=now + within, check_out__gt=now)


class ArrivalFilter(admin.SimpleListFilter):
    title = lazy("arriving without confirmed code")
    parameter_name = "unconfirmed"
    spans = {"24h": timedelta(hours=24), "3d": timedelta(days=3)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("24h", _("In the next 24 hours, or due already")), ("3d", _("In the next 3 days, or due already"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        within = self.spans.get(self.value() or "")
        return queryset.filter(without_confirmed_code(timezone.now(), within)) if within is not None else queryset


class StayFilter(admin.SimpleListFilter):
    """Without a choice the list shows current and coming stays, unless a person searches."""

    title = lazy("stay")
    parameter_name = "stay"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("arriving_today", _("Arriving today")),
            ("arriving_tomorrow", _("Arriving tomorrow")),
            ("arriving_week", _("Arriving in the next 7 days")),
            ("in_house", _("In the house now")),
            ("departing_today", _("Departing today")),
            ("past", _("Past")),
            ("all", _("All")),
        ]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Current and coming"),
        }
        for value, label in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        now = timezone.now()
        chosen = self.value()
        if chosen == "arriving_today":
            return queryset.filter(on_local_days("check_in", 0, 1, now))
        if chosen == "arriving_tomorrow":
            return queryset.filter(on_local_days("check_in", 1, 1, now))
        if chosen == "arriving_week":
            return queryset.filter(on_local_days("check_in", 0, 7, now))
        if chosen == "departing_today":
            return queryset.filter(on_local_days("check_out", 0, 1, now))
        if chosen == "in_house":
            return queryset.filter(check_in__lte=now, check_out__gt=now)
        if chosen == "past":
            return queryset.filter(check_out__lte=now)
        asks_otherwise = any(name == "q" or name.startswith("check_in__") for name in request.GET)
        if chosen == "all" or asks_otherwise or AttentionFilter.parameter_name in request.GET:
            return queryset
        return queryset.filter(check_out__gt=now - timedelta(days=1))


class AttentionFilter(admin.SimpleListFilter):
    title = lazy("needs attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Yes: a code is late, stuck or left over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        return queryset.filter(needs_attention(timezone.now())) if self.value() == "yes" else queryset


def waits_for_disclosure(now: datetime) -> Q:
    """Stays whose code is on every lock and was shown to nobody."""
    wanted = Pin.objects.filter(grant=OuterRef("pk"), wanted=True)
    grants = AccessGrant.objects.filter(booking=OuterRef("pk"), kind=AccessGrant.Kind.GUEST, wanted=True)
    undisclosed = grants.filter(revoked_at__isnull=True, disclosed_at__isnull=True, ends_at__gt=now)
    ready = undisclosed.filter(Exists(wanted), ~Exists(wanted.exclude(state=State.SET)))
    return Q(Exists(ready), status=Booking.Status.CONFIRMED)


class DisclosureFilter(admin.SimpleListFilter):
    title = lazy("code shown")
    parameter_name = "told"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("Code ready, not shown yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        return queryset.filter(waits_for_disclosure(timezone.now())) if self.value() == "no" else queryset


class OverlapFilter(admin.SimpleListFilter):
    title = lazy("overlapping")
    parameter_name = "overlapping"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Overlaps another stay")), ("no", _("Does not"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        if self.value() not in ("yes", "no") or not isinstance(queryset, BookingQuerySet):
            return queryset
        flagged: QuerySet[Any] = queryset.with_overlaps()
        return flagged.filter(overlaps=self.value() == "yes")


class ReviewFilter(admin.SimpleListFilter):
    title = lazy("needs review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Yes: a calendar was not certain"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        return queryset.filter(needs_review=True) if self.value() == "yes" else queryset


class OriginFilter(admin.SimpleListFilter):
    title = lazy("how it came")
    parameter_name = "came"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("calendar", _("By calendar")), ("hand", _("Entered by hand"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        if self.value() == "calendar":
            return queryset.exclude(feed_status="")
        return queryset.filter(feed_status="") if self.value() == "hand" else queryset
