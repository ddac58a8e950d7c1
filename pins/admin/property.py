"""Properties with their door codes: the next stays and the state of their codes, the calendars and the locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pins.models import GuestGuide, LockState
from pins.status import stay_lists
from pins.status.locks import lock_badge
from rentals.access import Scope
from rentals.admin import PropertyAdmin
from rentals.admin.feed_queries import with_health
from rentals.admin.object_pages import ObjectPages
from rentals.admin.scoped import may_see
from rentals.calendar_terms import Health, health_badge
from rentals.fields import behind
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from rentals.wording import Badge, brief

MOST_STAYS = 10

admin.site.unregister(Property)


@dataclass(frozen=True)
class StayLine:
    """A coming stay, or a guest who is in the house."""

    booking_id: int
    guest: str
    arrives: str
    leaves: str
    badge: Badge
    flags: tuple[str, ...]


@admin.register(Property)
class PropertyWithStaysAdmin(ObjectPages, PropertyAdmin):
    change_form_template = "pins/admin/property_form.html"

    def change_context(self, request: HttpRequest, obj: Property) -> dict[str, Any]:
        context: dict[str, Any] = {"guide_url": _guide_url(request, obj)}
        if may_see(request, Booking):
            context["stays"] = _stays(obj, self.scope(request))
        if may_see(request, CalendarFeed):
            context["feeds"] = _feeds(obj)
        if may_see(request, Lock):
            context["doors"] = _doors(obj)
        return context


def _guide_url(request: HttpRequest, prop: Property) -> str:
    """Where the person sees or makes what its guests read; empty for a person who may not."""
    guide = GuestGuide.objects.filter(property=prop).values_list("pk", flat=True).first()
    if guide is not None and may_see(request, GuestGuide):
        return reverse("admin:pins_guestguide_change", args=[guide])
    may_add = guide is None and request.user.has_perm("pins.add_guestguide")
    return f"{reverse('admin:pins_guestguide_add')}?property={prop.pk}" if may_add else ""


def _stays(prop: Property, scope: Scope) -> list[StayLine]:
    now, zone = timezone.now(), prop.zone
    ahead = Q(property=prop, check_out__gt=now) & ~Q(status=Booking.Status.CANCELLED)
    return [
        StayLine(
            booking_id=one.pk,
            guest=one.guest_name or _("Guest"),
            arrives=brief(one.check_in, now, zone),
            leaves=brief(one.check_out, now, zone),
            badge=stay_lists.stay_of(one, now).badge,
            flags=tuple(_flags(one)),
        )
        for one in stay_lists.load(ahead, scope, MOST_STAYS)
    ]


def _flags(booking: Booking) -> list[str]:
    flags = [_("tentative")] if booking.status == Booking.Status.TENTATIVE else []
    flags += [_("overlaps")] if getattr(booking, "overlaps", False) else []
    return flags + ([_("needs review")] if booking.needs_review else [])


def _feeds(prop: Property) -> list[tuple[CalendarFeed, SafeString]]:
    feeds = with_health(CalendarFeed.objects.filter(property=prop).defer(*CalendarFeed.SECRETS), timezone.now())
    return [(one, health_badge(Health(getattr(one, "health")))) for one in feeds.order_by("name", "pk")]  # noqa: B009


def _doors(prop: Property) -> list[tuple[Lock, Badge]]:
    now = timezone.now()
    locks = prop.locks.select_related("operation", "account__operation").order_by("name", "pk")
    unneeded = (*behind("account", LockAccount.SECRETS), *behind("operation", LockState.LISTS))
    return [(one, lock_badge(one, now)) for one in locks.defer(*unneeded)]
