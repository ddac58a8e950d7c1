"""The list of bookings: its columns and filters, and what they load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.admin.booking_bulk import BulkActions
from pins.admin.booking_filters import (
    ArrivalFilter,
    AttentionFilter,
    DisclosureFilter,
    OriginFilter,
    OverlapFilter,
    ReviewFilter,
    StayFilter,
)
from pins.status.pins import pins_for_people
from pins.status.stay_lists import active_locks, give_property_locks
from pins.status.stays import guest_grants, stay_badge
from rentals.access import scope_of, visible
from rentals.admin.choice_filter import RelatedChoice
from rentals.badges import badge_html, moment_html
from rentals.calendars import conflicts
from rentals.models import Booking, Property
from rentals.wording import brief

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Booking]
else:
    _Admin = object


class BookingList(BulkActions, _Admin):
    """Stands before ModelAdmin among the bases."""

    list_display = ("guest", "doors", "property", "arrives", "departs", "status_word", "came")
    list_filter = (
        StayFilter,
        ArrivalFilter,
        AttentionFilter,
        DisclosureFilter,
        ReviewFilter,
        "status",
        OverlapFilter,
        OriginFilter,
        ("property", RelatedChoice),
    )
    search_fields = ("guest_name", "property__name", "grants__reference")
    search_help_text = lazy("Guest, property, or the reference in the Tedee app (#7F3K2Q)")
    date_hierarchy = "check_in"
    ordering = ("check_in", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("delete_selected", "try_again", "new_code", "revoke")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).select_related("property")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Load what the columns need with the rows of the page, in a few queries for however many rows."""
        changelist = super().get_changelist_instance(request)
        pins = visible(pins_for_people(), scope_of(request.user))
        with_pins = guest_grants().prefetch_related(Prefetch("pins", queryset=pins))
        rows = (
            Booking.objects.with_overlaps()
            .select_related("property")
            .prefetch_related(Prefetch("grants", queryset=with_pins))
        ).in_bulk([one.pk for one in changelist.result_list])
        changelist.result_list = [rows[one.pk] for one in changelist.result_list if one.pk in rows]
        give_property_locks(changelist.result_list)
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Booking], search_term: str
    ) -> tuple[QuerySet[Booking], bool]:
        return super().get_search_results(request, queryset, search_term.replace("#", " "))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Rendered in the zone of most properties, which the years, months and days of the date bar follow."""
        zones = list(Property.objects.order_by().values_list("timezone", flat=True))
        usual = max(set(zones), key=zones.count) if zones else "UTC"
        with timezone.override(Property(timezone=usual).zone):
            response = super().changelist_view(request, extra_context)
            return response.render() if isinstance(response, TemplateResponse) else response

    @admin.display(description=lazy("Guest"), ordering="guest_name")
    def guest(self, booking: Booking) -> str:
        return booking.guest_name or _("Guest")

    @admin.display(description=lazy("Arrival"), ordering="check_in")
    def arrives(self, booking: Booking) -> SafeString:
        return moment_html(brief(booking.check_in, timezone.now(), booking.property.zone))

    @admin.display(description=lazy("Departure"), ordering="check_out")
    def departs(self, booking: Booking) -> SafeString:
        return moment_html(brief(booking.check_out, timezone.now(), booking.property.zone))

    @admin.display(description=lazy("Status"), ordering="status")
    def status_word(self, booking: Booking) -> str | SafeString:
        word = Booking.Status(booking.status).label.partition(" (")[0]
        flags = [_("overlaps")] if getattr(booking, "overlaps", False) else []
        flags += [_("needs review")] if booking.needs_review else []
        marks = format_html_join(
            "", ' <span class="tk-flag"><span aria-hidden="true">⚠</span> {}</span>', ((flag,) for flag in flags)
        )
        return format_html("{}{}", word, marks)

    @admin.display(description=lazy("Source"), ordering="source")
    def came(self, booking: Booking) -> str:
        return conflicts.source_label(booking)

    @admin.display(description=lazy("Door codes"))
    def doors(self, booking: Booking) -> SafeString:
        grant = next(iter(booking.grants.all()), None)  # prefetched: guest grants only
        pins = list(grant.pins.all()) if grant is not None else []
        return badge_html(stay_badge(booking, grant, pins, locks=active_locks(booking), now=timezone.now()))
