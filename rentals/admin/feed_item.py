"""Every event that calendars ever listed, for looking things up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals import calendar_terms as words
from rentals.admin.choice_filter import NamedChoice, SelectWhenMany
from rentals.admin.feed_queries import waits_for_review
from rentals.admin.feed_secrets import excerpt_of
from rentals.admin.read_only import ReadOnlyAdmin
from rentals.calendars.events import Verdict
from rentals.fields import behind
from rentals.models import CalendarFeed, FeedItem
from rentals.wording import day_and_time


class FeedFilter(SelectWhenMany, NamedChoice):
    title = lazy("calendar")
    parameter_name = "feed"
    related = CalendarFeed


class VerdictFilter(admin.SimpleListFilter):
    title = lazy("what it is")
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, words.verdict_label(one.value)) for one in Verdict]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedItem]) -> QuerySet[FeedItem]:
        return queryset.filter(verdict=self.value()) if self.value() in set(Verdict) else queryset


class ReviewFilter(admin.SimpleListFilter):
    title = lazy("your decision")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", _("Is it a stay?")),
            ("approval", _("Cancel or keep?")),
            ("decided", _("You decided")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedItem]) -> QuerySet[FeedItem]:
        if self.value() == "waiting":
            return queryset.filter(waits_for_review(timezone.now()))
        if self.value() == "approval":
            return queryset.filter(awaits_approval=True)
        return queryset.exclude(decision="") if self.value() == "decided" else queryset


@admin.register(FeedItem)
class FeedItemAdmin(ReadOnlyAdmin):
    """People decide about these on the page of the calendar."""

    list_display = ("dates", "what", "said", "feed", "stay", "listed")
    list_filter = (VerdictFilter, ReviewFilter, FeedFilter)
    search_fields = ("summary", "guest_name", "=reservation_code", "feed__name", "feed__property__name")
    search_help_text = lazy("What the calendar says, guest, reservation code, calendar or property")
    date_hierarchy = "starts_on"
    ordering = ("-starts_at", "pk")
    fields = (
        "dates",
        "what",
        "why",
        "said",
        "lines",
        "guest_name",
        "reservation_code",
        "phone_last4",
        "guest_count",
        "feed",
        "stay",
        "listed",
        "first_seen",
        "changed",
        "uid",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedItem]:
        items = super().get_queryset(request).select_related("feed__property", "booking__property")
        return items.defer(*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS))

    @admin.display(description=lazy("Dates"), ordering="starts_at")
    def dates(self, item: FeedItem) -> str:
        return words.item_dates(item, item.feed.property.zone)

    @admin.display(description=lazy("It is"), ordering="verdict")
    def what(self, item: FeedItem) -> SafeString:
        return words.verdict_badge(item.verdict, item.decision)

    @admin.display(description=lazy("The calendar says"), ordering="summary")
    def said(self, item: FeedItem) -> str:
        return item.summary or _("nothing")

    @admin.display(description=lazy("Why"))
    def why(self, item: FeedItem) -> str:
        return words.reason(item)

    @admin.display(description=lazy("Its lines"))
    def lines(self, item: FeedItem) -> str | SafeString:
        """Kept only of events that cannot be read, so that a person can find them at the channel."""
        kept = excerpt_of(item)
        return format_html('<pre class="tk-excerpt">{}</pre>', kept) if kept else _("read, so not kept")

    @admin.display(description=lazy("Booking"))
    def stay(self, item: FeedItem) -> str | SafeString:
        if item.booking is None:
            return _("none")
        url = reverse("admin:rentals_booking_change", args=[item.booking.pk])
        return format_html('<a href="{}">{}</a>', url, item.booking.guest_name or _("Guest"))

    @admin.display(description=lazy("Listed"))
    def listed(self, item: FeedItem) -> str:
        zone = item.feed.property.zone
        if item.gone_at:
            return _("gone since {when}").format(when=day_and_time(item.gone_at, zone))
        if item.awaits_approval or item.kept_at:
            return _("no; you kept the stay") if item.kept_at else _("no; waits for your decision")
        if item.absent_since:
            return _("not since {when}").format(when=day_and_time(item.absent_since, zone))
        return _("yes")

    @admin.display(description=lazy("First seen"))
    def first_seen(self, item: FeedItem) -> str:
        return day_and_time(item.first_seen_at, item.feed.property.zone)

    @admin.display(description=lazy("Changed"))
    def changed(self, item: FeedItem) -> str:
        return day_and_time(item.changed_at, item.feed.property.zone)
