"""Bookings in the admin. Registered here and not in rentals, because the page shows what the locks hold."""

from __future__ import annotations

import copy
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from pins import tasks
from pins.actions import stay_dates, stays
from pins.actions.results import ActionResult
from pins.admin import reveal
from pins.admin.booking_bulk import BulkActions
from pins.admin.booking_filters import (
    ArrivalFilter,
    AttentionFilter,
    OriginFilter,
    OverlapFilter,
    ReviewFilter,
    StayFilter,
    ToldFilter,
)
from pins.admin.booking_form import BookingForm
from pins.core import code_rules
from pins.desired import code_overrides
from pins.status.pins import pins_for_people
from pins.status.stays import guest_grants, panel, stay_badge
from pins.status.warnings import clock_changes, stay_warnings
from rentals.access import visible
from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.history import ToldInHistory
from rentals.admin.look import STYLES, PlainTitles
from rentals.admin.property_choice import search_when_many
from rentals.admin.scoped import Scoped
from rentals.badges import badge_html, moment_html
from rentals.calendars import conflicts
from rentals.models import Booking, Lock, LockAccount, Property
from rentals.stay_forms import FORMS, LateCheckOutForm, may_move
from rentals.wording import brief, day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Booking]
else:
    _Admin = admin.ModelAdmin


@admin.register(Booking)
class BookingAdmin(BulkActions, PlainTitles, ToldInHistory, Scoped, _Admin):
    form = BookingForm
    change_form_template = "pins/admin/booking_form.html"
    list_display = ("guest", "doors", "property", "arrives", "departs", "status_word", "came")
    list_filter = (
        StayFilter,
        ArrivalFilter,
        AttentionFilter,
        ToldFilter,
        ReviewFilter,
        "status",
        OverlapFilter,
        OriginFilter,
        ("property", RelatedChoice),
    )
    search_fields = ("guest_name", "property__name", "grants__reference")
    search_help_text = "Guest, property, or the reference in the Tedee app (#7F3K2Q)"
    date_hierarchy = "check_in"
    ordering = ("check_in", "pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("try_again", "new_code", "revoke")
    fieldsets = (
        ("Stay", {"fields": ("property", "guest_name", "status")}),
        (
            "Arrival and departure",
            {"fields": (("arrival_date", "arrival_time"), ("departure_date", "departure_time"))},
        ),
        ("Code", {"fields": ("own_code",)}),
    )

    class Media:
        css = STYLES

    # -- the list -----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).select_related("property")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What the columns need comes with the page's rows, in three queries however many there are."""
        changelist = super().get_changelist_instance(request)
        doors = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
        pins = visible(pins_for_people(), self.scope(request))
        with_pins = guest_grants().prefetch_related(Prefetch("pins", queryset=pins))
        rows = (
            Booking.objects.with_overlaps()
            .annotate(has_locks=Exists(doors))
            .select_related("property")
            .prefetch_related(Prefetch("grants", queryset=with_pins))
        ).in_bulk([one.pk for one in changelist.result_list])
        changelist.result_list = [rows[one.pk] for one in changelist.result_list if one.pk in rows]
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Booking], search_term: str
    ) -> tuple[QuerySet[Booking], bool]:
        return super().get_search_results(request, queryset, search_term.replace("#", " "))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Rendered in the zone of most properties, so that the years, months and days of the date bar are theirs."""
        zones = list(Property.objects.order_by().values_list("timezone", flat=True))
        usual = max(set(zones), key=zones.count) if zones else "UTC"
        with timezone.override(Property(timezone=usual).zone):
            response = super().changelist_view(request, extra_context)
            return response.render() if isinstance(response, TemplateResponse) else response

    @admin.display(description="Guest", ordering="guest_name")
    def guest(self, booking: Booking) -> str:
        return booking.guest_name or "Guest"

    @admin.display(description="Arrival", ordering="check_in")
    def arrives(self, booking: Booking) -> SafeString:
        return moment_html(brief(booking.check_in, timezone.now(), booking.property.zone))

    @admin.display(description="Departure", ordering="check_out")
    def departs(self, booking: Booking) -> SafeString:
        return moment_html(brief(booking.check_out, timezone.now(), booking.property.zone))

    @admin.display(description="Arrival")
    def arrival(self, booking: Booking) -> str:
        return day_and_time(booking.check_in, booking.property.zone)

    @admin.display(description="Departure")
    def departure(self, booking: Booking) -> str:
        return day_and_time(booking.check_out, booking.property.zone)

    @admin.display(description="Status", ordering="status")
    def status_word(self, booking: Booking) -> str | SafeString:
        word = Booking.Status(booking.status).label.partition(" (")[0]
        flags = ["overlaps"] if getattr(booking, "overlaps", False) else []
        flags += ["needs review"] if booking.needs_review else []
        marks = format_html_join(
            "", ' <span class="tk-flag"><span aria-hidden="true">⚠</span> {}</span>', ((flag,) for flag in flags)
        )
        return format_html("{}{}", word, marks)

    @admin.display(description="Source", ordering="source")
    def came(self, booking: Booking) -> str:
        return conflicts.source_label(booking)

    @admin.display(description="Door codes")
    def doors(self, booking: Booking) -> SafeString:
        grant = next(iter(booking.grants.all()), None)  # prefetched: guest grants only
        pins = list(grant.pins.all()) if grant is not None else []
        has_locks = bool(getattr(booking, "has_locks", True))
        return badge_html(stay_badge(booking, grant, pins, has_locks=has_locks, now=timezone.now()))

    # -- the page of one booking --------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        """Whoever may only look is shown fields as text: the stay in words, and no field for a code."""
        if self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request)):
            return super().get_fieldsets(request, obj)
        return (("Stay", {"fields": ("property", "guest_name", "status", "arrival", "departure")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        return () if self.has_change_permission(request, obj) or obj is None else ("arrival", "departure")

    def get_form(self, request: HttpRequest, obj: Booking | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The choice of properties is the form's own field, one for all requests, so each gets a copy."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "property" in form.base_fields:
            field = self._narrowed(copy.deepcopy(form.base_fields["property"]), request)
            search_when_many(field, request)
            form.base_fields["property"] = field
        return form

    @method_decorator(sensitive_post_parameters("own_code"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        booking = self.get_object(request, object_id) if object_id else None
        if booking is not None and self.has_view_or_change_permission(request, booking):
            context["panel"] = panel(booking, timezone.now(), self.scope(request))
            context["is_over"] = booking.check_out <= timezone.now()
            context["calendar"] = conflicts.section(booking, self.scope(request))
            context["may_act"] = self.has_change_permission(request, booking)
            context["may_reveal"] = request.user.has_perm(reveal.PERMISSION)
            if may_move(booking, now := timezone.now()):
                context["late_check_out"] = LateCheckOutForm(booking=booking, now=now)
        return super().changeform_view(request, object_id, form_url, context)

    def history_zone(self, obj: Booking) -> tzinfo:
        """As the lines themselves."""
        return obj.property.zone

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What the history says: from when to when, in the property's time. A code is never in it."""
        said = form.changes() if not add else ""
        return said or super().construct_change_message(request, form, formsets, add)

    def save_model(self, request: HttpRequest, obj: Booking, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        now = timezone.now()
        if value := form.cleaned_data.get("own_code"):
            self._set_own_code(request, obj, value)
        for text in stay_warnings(obj, now):
            messages.warning(request, text)
        typed = {
            end: (getattr(obj, name), f"{form.cleaned_data[f'{end}_time']:%H:%M}")
            for end, name in (("arrival", "check_in"), ("departure", "check_out"))
            if f"{end}_time" in form.changed_data and form.cleaned_data.get(f"{end}_time")
        }
        for text in clock_changes(obj, typed):
            messages.warning(request, text)

    def _set_own_code(self, request: HttpRequest, booking: Booking, value: str) -> None:
        """The form has judged the value; what changed since then is told, and the booking stays saved."""
        now = timezone.now()
        try:
            grant_id = code_overrides.ensure_grant(booking.pk, now)
            if grant_id is None:
                raise code_overrides.CodeNotWantedError
            touched = code_overrides.set_code(grant_id, value, now)
        except (
            code_overrides.CodeTakenError,
            code_overrides.CodeDisclosedError,
            code_overrides.CodeNotWantedError,
            code_overrides.CodeNotAllowedError,
        ) as refused:
            messages.error(request, f"The booking was saved, but your own code was not used. {refused}")
            return
        tasks.wake_locks_on_commit(sorted(touched))
        messages.success(request, "Your own code is set for this stay. It is not shown here again.")
        if code_rules.is_guessable(value):
            messages.warning(request, "The code that you chose is easy to guess. Consider another one.")

    def delete_model(self, request: HttpRequest, obj: Booking) -> None:
        super().delete_model(request, obj)
        messages.info(request, _going())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> None:
        super().delete_queryset(request, queryset)
        messages.info(request, _going())

    # -- actions --------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:booking_id>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(partial(self._action_view, name)),
                name=f"rentals_booking_{name}",
            )
            for name in (*stays.ACTIONS, *FORMS)
        ]
        shown = require_POST(partial(reveal.reveal_view, admin_page=self))
        page = path("<int:booking_id>/reveal/", self.admin_site.admin_view(shown), name="rentals_booking_reveal")
        return [*own, page, *super().get_urls()]

    def _action_view(self, name: str, request: HttpRequest, booking_id: int) -> HttpResponse:
        return require_POST(self._do_one)(request, name, booking_id)

    def _do_one(self, request: HttpRequest, name: str, booking_id: int) -> HttpResponse:
        booking = self.get_object(request, str(booking_id))
        if booking is None:
            raise Http404
        if not self.has_change_permission(request, booking):
            raise PermissionDenied
        outcome = self.do(request, name, booking)
        messages.add_message(request, outcome.level, f"{booking}: {outcome.text}")
        for text in outcome.warnings:
            messages.warning(request, text)
        return HttpResponseRedirect(reverse("admin:rentals_booking_change", args=[booking.pk]))

    def do(self, request: HttpRequest, name: str, booking: Booking) -> ActionResult:
        """One action and its line in the booking's history, both or neither."""
        with transaction.atomic():
            outcome = (
                self._submit(request, name, booking) if name in FORMS else stays.ACTIONS[name](booking, timezone.now())
            )
            if outcome.done:
                self.log_change(request, booking, stays.history_line(name, outcome))
        return outcome

    def _submit(self, request: HttpRequest, name: str, booking: Booking) -> ActionResult:
        """What the form below the buttons says in full, by one press. What is wrong with it is told above."""
        form, outcome = stay_dates.submit(name, booking.pk, request.POST, timezone.now())
        if outcome is not None:
            return outcome
        wrong = " ".join(str(text) for texts in form.errors.values() for text in texts)
        return ActionResult(messages.ERROR, f"nothing was changed. {wrong}")


def _going() -> str:
    """What is said after a deletion."""
    watches = LockAccount.objects.filter(observe_only=True).exists()
    where = "the locks that Turnkey does not only watch" if watches else "the locks"
    return f"Codes of deleted stays are being taken off {where}."
