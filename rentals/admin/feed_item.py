"""Every event that calendars ever told of, for looking things up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rentals import calendar_terms as words
from rentals.access import scope_of, visible
from rentals.admin import feed_facts as facts
from rentals.admin.choice_filter import SelectWhenMany
from rentals.admin.look import STYLES, PlainTitles
from rentals.admin.scoped import Scoped
from rentals.calendars.events import Verdict
from rentals.fields import behind
from rentals.models import CalendarFeed, FeedItem
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[FeedItem]
else:
    _Admin = admin.ModelAdmin


class FeedFilter(SelectWhenMany, admin.SimpleListFilter):
    """By calendar, without decrypting its address as the ready-made filter would."""

    title = "calendar"
    parameter_name = "feed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = visible(CalendarFeed.objects.order_by("name", "pk"), scope_of(request.user))
        return [(str(pk), name) for pk, name in shown.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedItem]) -> QuerySet[FeedItem]:
        chosen = self.value() or ""
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(feed_id=int(chosen)) if chosen in known else queryset


class VerdictFilter(admin.SimpleListFilter):
    title = "what it is"
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, words.verdict_label(one.value)) for one in Verdict]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedItem]) -> QuerySet[FeedItem]:
        return queryset.filter(verdict=self.value()) if self.value() in set(Verdict) else queryset


class ReviewFilter(admin.SimpleListFilter):
    title = "your decision"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Is it a stay?"), ("approval", "Cancel or keep?"), ("decided", "You decided")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedItem]) -> QuerySet[FeedItem]:
        if self.value() == "waiting":
            return queryset.filter(facts.waits_for_review(timezone.now()))
        if self.value() == "approval":
            return queryset.filter(awaits_approval=True)
        return queryset.exclude(decision="") if self.value() == "decided" else queryset


@admin.register(FeedItem)
class FeedItemAdmin(PlainTitles, Scoped, _Admin):
    """Turnkey writes these; a person decides on the page of the calendar."""

    kept_by_turnkey = True
    list_display = ("dates", "what", "said", "feed", "stay", "listed")
    list_filter = (VerdictFilter, ReviewFilter, FeedFilter)
    search_fields = ("summary", "guest_name", "=reservation_code", "feed__name", "feed__property__name")
    search_help_text = "What the calendar says, guest, reservation code, calendar or property"
    date_hierarchy = "starts_on"
    ordering = ("-starts_at", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = None
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

    class Media:
        css = STYLES

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedItem]:
        items = super().get_queryset(request).select_related("feed__property", "booking__property")
        return items.defer(*FeedItem.SECRETS, *behind("feed", CalendarFeed.SECRETS))

    @admin.display(description="Dates", ordering="starts_at")
    def dates(self, item: FeedItem) -> str:
        return words.item_dates(item, item.feed.property.zone)

    @admin.display(description="It is", ordering="verdict")
    def what(self, item: FeedItem) -> SafeString:
        return words.verdict_badge(item.verdict, item.decision)

    @admin.display(description="The calendar says", ordering="summary")
    def said(self, item: FeedItem) -> str:
        return item.summary or "nothing"

    @admin.display(description="Why")
    def why(self, item: FeedItem) -> str:
        return words.reason(item)

    @admin.display(description="Its lines")
    def lines(self, item: FeedItem) -> str | SafeString:
        """Kept of what cannot be read, and only there: to look it up at the channel."""
        kept = facts.excerpt_of(item)
        return format_html('<pre class="tk-excerpt">{}</pre>', kept) if kept else "read, so not kept"

    @admin.display(description="Booking")
    def stay(self, item: FeedItem) -> str | SafeString:
        if item.booking is None:
            return "none"
        url = reverse("admin:rentals_booking_change", args=[item.booking.pk])
        return format_html('<a href="{}">{}</a>', url, item.booking.guest_name or "Guest")

    @admin.display(description="Listed")
    def listed(self, item: FeedItem) -> str:
        zone = item.feed.property.zone
        if item.gone_at:
            return f"gone since {day_and_time(item.gone_at, zone)}"
        if item.awaits_approval or item.kept_at:
            return "no; you kept the stay" if item.kept_at else "no; waits for your decision"
        return f"not since {day_and_time(item.absent_since, zone)}" if item.absent_since else "yes"

    @admin.display(description="First seen")
    def first_seen(self, item: FeedItem) -> str:
        return day_and_time(item.first_seen_at, item.feed.property.zone)

    @admin.display(description="Changed")
    def changed(self, item: FeedItem) -> str:
        return day_and_time(item.changed_at, item.feed.property.zone)
