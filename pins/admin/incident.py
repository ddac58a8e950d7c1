"""The list of incidents: what is wrong, how urgent it is, what it concerns, since when, and what to do."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext

from pins.admin.holders import holder_link
from pins.incidents import texts, unreadable
from pins.models import AccessGrant, Incident, Pin, StaffAccess
from pins.models.incident import MOST_SEVERE_FIRST, SITE
from pins.status.locks import zone_of_lock
from rentals.admin.read_only import ReadOnlyAdmin
from rentals.badges import badge_html
from rentals.fields import behind
from rentals.models import CalendarFeed, FeedItem, Lock, LockAccount
from rentals.wording import Badge, Tone, day_and_time, days


def _is_about_staff(incident: Incident) -> bool:
    return incident.pin is not None and incident.pin.grant.kind == AccessGrant.Kind.STAFF


class OpenFilter(admin.SimpleListFilter):
    """Without a choice the list shows open incidents."""

    title = lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("resolved", _("Resolved")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        for value, label in ((None, pgettext("incidents", "Open")), *self.lookup_choices):
            change = {self.parameter_name: value} if value else {}
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string(change, [] if value else [self.parameter_name]),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "resolved")


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("presses", "what", "concerns", "opened", "resolved", "remedy")
    list_display_links = ("what",)
    list_filter = (OpenFilter, "severity", "kind")
    date_hierarchy = "opened_at"
    ordering = (MOST_SEVERE_FIRST, "-opened_at", "-pk")
    fields = ("presses", "what", "concerns", "remedy", "opened", "resolved")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        incidents = super().get_queryset(request)
        subjects = (
            "pin__grant__booking__property",
            "pin__grant__staff",
            "pin__grant__place",
            "pin__lock",
            "lock",
            "account",
            "feed__property",
            "booking__property",
            "item",
        )
        return incidents.select_related(*subjects).defer(
            *behind("pin", Pin.SECRETS),
            *behind("pin__grant", AccessGrant.SECRETS),
            *behind("pin__grant__staff", StaffAccess.SECRETS),
            *behind("account", LockAccount.SECRETS),
            *behind("feed", CalendarFeed.SECRETS),
            *behind("item", FeedItem.SECRETS),
        )

    @admin.display(description=lazy("How urgent"), ordering=MOST_SEVERE_FIRST)
    def presses(self, incident: Incident) -> SafeString:
        if incident.resolved_at is not None:
            return badge_html(Badge(texts.severity_badge(incident.severity).label, Tone.OVER))
        return badge_html(texts.severity_badge(incident.severity))

    @admin.display(description=lazy("What"), ordering="kind")
    def what(self, incident: Incident) -> str:
        said = texts.text_of(incident.kind, staff=_is_about_staff(incident)).what
        if incident.kind != Incident.Kind.FEED_UNREADABLE or incident.resolved_at is not None:
            return said
        feed_id = incident.feed_id or 0
        return unreadable.what(said, unreadable.words([feed_id], timezone.now()).get(feed_id))

    @admin.display(description=lazy("Concerns"))
    def concerns(self, incident: Incident) -> str | SafeString:
        if incident.pin is not None:
            lock = reverse("lock", args=[incident.pin.lock_id])
            whose = holder_link(incident.pin.grant)
            return format_html('<a href="{}">{}</a>, {}', lock, incident.pin.lock, whose)
        if incident.lock is not None:
            url = reverse("admin:rentals_lock_change", args=[incident.lock.pk])
            return format_html('<a href="{}">{}</a>', url, incident.lock)
        if incident.booking is not None:
            booking = incident.booking
            url = reverse("admin:rentals_booking_change", args=[booking.pk])
            return format_html('<a href="{}">{}: {}</a>', url, booking.property, booking)
        if incident.account is not None:
            url = reverse("admin:rentals_lockaccount_change", args=[incident.account.pk])
            return format_html('<a href="{}">{}</a>', url, incident.account)
        if incident.feed is not None:
            url = reverse("admin:rentals_calendarfeed_change", args=[incident.feed.pk])
            when = f", {days(incident.item.starts_on, incident.item.ends_on)}" if incident.item is not None else ""
            return format_html('<a href="{}">{}</a>, {}{}', url, incident.feed, incident.feed.property, when)
        return _("this installation") if incident.subject == SITE else _("unknown")

    @admin.display(description=lazy("What to do"))
    def remedy(self, incident: Incident) -> str:
        return texts.text_of(incident.kind, staff=_is_about_staff(incident)).remedy

    @admin.display(description=lazy("Since"), ordering="opened_at")
    def opened(self, incident: Incident) -> str:
        return day_and_time(incident.opened_at, self._zone(incident))

    @admin.display(description=lazy("Resolved"), ordering="resolved_at")
    def resolved(self, incident: Incident) -> str:
        return day_and_time(incident.resolved_at, self._zone(incident)) if incident.resolved_at else _("still open")

    def _zone(self, incident: Incident) -> ZoneInfo:
        if incident.pin is not None and incident.pin.grant.place is not None:
            return incident.pin.grant.place.zone
        booking = incident.booking if incident.pin is None else incident.pin.grant.booking
        if booking is not None:
            return booking.property.zone
        if incident.pin is not None:
            return zone_of_lock(incident.pin.lock)
        if incident.feed is not None:
            return incident.feed.property.zone
        return zone_of_lock(incident.lock if incident.lock is not None else Lock())
