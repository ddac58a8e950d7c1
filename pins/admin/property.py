"""Properties with their door codes: who comes next, how their codes are, which calendars and locks there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from pins.board import rows
from pins.status.locks import lock_badge
from rentals.access import Scope
from rentals.admin import PropertyAdmin
from rentals.admin.feed_facts import with_facts
from rentals.calendar_terms import Health, health_badge
from rentals.fields import behind
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import Badge, brief

MOST_STAYS = 10

admin.site.unregister(Property)


@dataclass(frozen=True)
class StayLine:
    """A stay to come, or a guest who is in."""

    booking_id: int
    guest: str
    arrives: str
    leaves: str
    badge: Badge
    flags: tuple[str, ...]


@admin.register(Property)
class PropertyWithStaysAdmin(PropertyAdmin):
    change_form_template = "pins/admin/property_form.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        prop = self.get_object(request, object_id) if object_id else None
        if prop is not None and self.has_view_or_change_permission(request, prop):
            if _may_see(request, "booking"):
                context["stays"] = _stays(prop, self.scope(request))
            if _may_see(request, "calendarfeed"):
                context["feeds"] = _feeds(prop)
            if _may_see(request, "lock"):
                context["doors"] = _doors(prop)
        return super().changeform_view(request, object_id, form_url, context)


def _may_see(request: HttpRequest, model: str) -> bool:
    return any(request.user.has_perm(f"rentals.{verb}_{model}") for verb in ("view", "change"))


def _stays(prop: Property, scope: Scope) -> list[StayLine]:
    now, zone = timezone.now(), prop.zone
    ahead = Q(property=prop, check_out__gt=now) & ~Q(status=Booking.Status.CANCELLED)
    return [
        StayLine(
            booking_id=one.pk,
            guest=one.guest_name or "Guest",
            arrives=brief(one.check_in, now, zone),
            leaves=brief(one.check_out, now, zone),
            badge=rows.overall(one, now),
            flags=tuple(_flags(one)),
        )
        for one in rows.stays(ahead, scope, MOST_STAYS)
    ]


def _flags(booking: Booking) -> list[str]:
    flags = ["tentative"] if booking.status == Booking.Status.TENTATIVE else []
    flags += ["overlaps"] if getattr(booking, "overlaps", False) else []
    return flags + (["needs review"] if booking.needs_review else [])


def _feeds(prop: Property) -> list[tuple[CalendarFeed, SafeString]]:
    feeds = with_facts(CalendarFeed.objects.filter(property=prop).defer(*CalendarFeed.SECRETS), timezone.now())
    return [(one, health_badge(Health(getattr(one, "health")))) for one in feeds.order_by("name", "pk")]  # noqa: B009


def _doors(prop: Property) -> list[tuple[Lock, Badge]]:
    now = timezone.now()
    locks = prop.locks.select_related("operation", "account__operation").order_by("name", "pk")
    unneeded = (*behind("account", LockAccount.SECRETS), "operation__foreign_names")
    return [(one, lock_badge(one, now)) for one in locks.defer(*unneeded)]
