"""Bookings in the admin. They are registered here and not in rentals, because their pages show what the locks hold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import override
from django.views.decorators.http import require_POST

from pins import tasks
from pins.actions import stay_dates, stays
from pins.actions.results import ActionResult
from pins.admin import reveal, shown_once, spare
from pins.admin.booking_form import ANSWER, KEEP, BookingForm
from pins.admin.booking_list import BookingList
from pins.admin.own_code import Asker
from pins.core import code_rules
from pins.desired import code_overrides
from pins.status.stays import panel
from pins.status.warnings import clock_changes, stay_warnings
from rentals import deleting
from rentals.access import visible
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages
from rentals.admin.property_choice import search_when_many
from rentals.admin.scoped import Scoped
from rentals.calendars import conflicts
from rentals.ending import RunningStay, ended_by_calendar, running
from rentals.inbound.client import address_of
from rentals.models import Booking, LockAccount
from rentals.stay_forms import FORMS, LateCheckOutForm, may_move
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Booking]
else:
    _Admin = admin.ModelAdmin


@admin.register(Booking)
class BookingAdmin(BookingList, ObjectPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    form = BookingForm
    change_form_template = "pins/admin/booking_form.html"
    sensitive_fields = ("own_code",)
    fieldsets = (
        (lazy("Stay"), {"fields": ("property", "guest_name", "status")}),
        (
            lazy("Arrival and departure"),
            {"fields": (("arrival_date", "arrival_time"), ("departure_date", "departure_time"))},
        ),
        (lazy("Code"), {"fields": ("own_code",)}),
        (
            lazy("Guest"),
            {
                "fields": ("guest_email", "guest_phone", "guest_language"),
                "description": lazy(
                    "Where the guest's page and its messages go, if the property has a guest guide. Only "
                    "people who may change stays see this; it is deleted when the stay is long over."
                ),
            },
        ),
    )

    class Media:
        css = STYLES

    # -- the page of one booking --------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        """A person who may only look sees the fields as text: the stay in words, and no field for a code."""
        if self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request)):
            return super().get_fieldsets(request, obj)
        return ((lazy("Stay"), {"fields": ("property", "guest_name", "status", "arrival", "departure")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        return () if self.has_change_permission(request, obj) or obj is None else ("arrival", "departure")

    @admin.display(description=lazy("Arrival"))
    def arrival(self, booking: Booking) -> str:
        return day_and_time(booking.check_in, booking.property.zone)

    @admin.display(description=lazy("Departure"))
    def departure(self, booking: Booking) -> str:
        return day_and_time(booking.check_out, booking.property.zone)

    def get_form(self, request: HttpRequest, obj: Booking | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form's own field for the property is one object for all requests, so each request gets a copy."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "property" in form.base_fields:
            field = self._narrowed(copy.deepcopy(form.base_fields["property"]), request)
            search_when_many(field, request)
            form.base_fields["property"] = field
        asking: Any = form
        asking.asker = Asker(request.user, self.scope(request), address_of(request))
        return form

    def change_context(self, request: HttpRequest, obj: Booking) -> dict[str, Any]:
        now = timezone.now()
        context: dict[str, Any] = {
            "panel": panel(obj, now, self.scope(request)),
            "is_confirmed": obj.status == Booking.Status.CONFIRMED,  # as stored: the form may hold something else
            "is_over": obj.check_out <= now,
            "ends_guest": ended_by_calendar(obj, now),
            "calendar": conflicts.section(obj, self.scope(request)),
            "may_act": self.has_change_permission(request, obj),
            "may_reveal": request.user.has_perm(shown_once.PERMISSION),
        }
        if may_move(obj, now):
            context["late_check_out"] = LateCheckOutForm(booking=obj, now=now)
        return context

    def history_zone(self, obj: Booking) -> tzinfo:
        """The clock that the lines of the history are written on."""
        return obj.property.zone

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What the history says: the former and the new times, in the property's zone. A code is never in it. It is
        kept in English, because everybody reads the same one."""
        with override("en-gb"):
            changes = form.changes() if not add else ""
            return changes or super().construct_change_message(request, form, formsets, add)

    def save_model(self, request: HttpRequest, obj: Booking, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        now = timezone.now()
        if value := form.cleaned_data.get("own_code"):
            self._set_own_code(request, obj, value)
        for text in stay_warnings(obj, now):
            messages.warning(request, text)
        if form.kept:
            messages.success(request, form.kept)
            return
        typed = {
            end: (getattr(obj, name), f"{form.cleaned_data[f'{end}_time']:%H:%M}")
            for end, name in (("arrival", "check_in"), ("departure", "check_out"))
            if f"{end}_time" in form.changed_data and form.cleaned_data.get(f"{end}_time")
        }
        for text in clock_changes(obj, typed):
            messages.warning(request, text)

    def _set_own_code(self, request: HttpRequest, booking: Booking, value: str) -> None:
        """The form judged the value. If that is not true any more, say so; the booking stays saved."""
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
            unused = _("The booking was saved, but your own code was not used. {why}")
            messages.error(request, unused.format(why=refused))
            return
        tasks.wake_locks_on_commit(sorted(touched))
        messages.success(request, _("Your own code is set for this stay. It is not shown here again."))
        if code_rules.is_guessable(value):
            messages.warning(request, _("The code that you chose is easy to guess. Consider another one."))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The page that asks says who is in the house."""
        found = Booking.objects.filter(pk=object_id) if object_id.isdigit() else Booking.objects.none()
        context = {**(extra_context or {}), "running": self._running(request, found)}
        return super().delete_view(request, object_id, context)

    @admin.action(description=lazy("Delete selected bookings"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        """Django's own, whose page also says who is in the house, and can leave those guests alone."""
        if request.POST.get(ANSWER) == KEEP:
            queryset = queryset.exclude(pk__in=[booking.pk for booking, _stay in self._running(request, queryset)])
            if not queryset.exists():
                messages.info(request, _("Nothing was deleted: these guests are in the house until check-out."))
                return None
        page = delete_selected(self, request, queryset)
        if isinstance(page, TemplateResponse):
            page.context_data = {**(page.context_data or {}), "running": self._running(request, queryset)}
        return page

    def _running(self, request: HttpRequest, found: QuerySet[Booking]) -> list[tuple[Booking, RunningStay]]:
        """Those of the bookings whose guests are in the house, as far as the person sees them."""
        now = timezone.now()
        seen = visible(found.select_related("property"), self.scope(request))
        begun = seen.filter(status=Booking.Status.CONFIRMED, check_in__lte=now, check_out__gt=now)
        return [(one, stay) for one in begun if (stay := running(one, now)) is not None]

    def delete_model(self, request: HttpRequest, obj: Booking) -> None:
        super().delete_model(request, obj)
        messages.info(request, _codes_come_off())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> None:
        deleting.delete(list(queryset.order_by("pk").values_list("pk", flat=True)))
        messages.info(request, _codes_come_off())

    def do_together(self, request: HttpRequest, name: str, bookings: Sequence[Booking]) -> list[ActionResult]:
        """With their lines in the history, all or nothing."""
        with transaction.atomic():
            outcomes = stays.TOGETHER[name](bookings, timezone.now())
            for booking, outcome in zip(bookings, outcomes, strict=True):
                if outcome.done:
                    self.log_change(request, booking, stays.history_line(name, outcome))
        return outcomes

    # -- actions --------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        buttons = [self.button(name, partial(self._press, name)) for name in (*stays.ACTIONS, *FORMS)]
        shown = require_POST(partial(reveal.reveal_view, admin_page=self))
        given = require_POST(partial(spare.spare_view, admin_page=self))
        own = [self.object_path("reveal", shown), self.object_path("spare", given)]
        return [*buttons, *own, *super().get_urls()]

    def _press(self, name: str, request: HttpRequest, booking: Booking) -> HttpResponse:
        outcome = self.do(request, name, booking)
        messages.add_message(request, outcome.level, f"{booking}: {outcome.text}")
        for text in outcome.warnings:
            messages.warning(request, text)
        return self.redirect_to(booking)

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
        """Apply one of the forms below the buttons. The message above the page says what is wrong with it."""
        form, outcome = stay_dates.submit(name, booking.pk, request.POST, timezone.now())
        if outcome is not None:
            return outcome
        wrong = " ".join(str(text) for texts in form.errors.values() for text in texts)
        return ActionResult(messages.ERROR, _("nothing was changed. {why}").format(why=wrong))


def _codes_come_off() -> str:
    """The message after a deletion."""
    observes = LockAccount.objects.filter(observe_only=True).exists()
    sentences = [_("Codes of deleted stays are being taken off the locks.")]
    if observes:
        sentences.append(_("On locks that Turnkey only observes nothing changes."))
    return " ".join(sentences)
