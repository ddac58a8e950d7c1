"""Properties in the admin."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.admin import lock_warnings
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.history import DetailedHistory
from rentals.admin.import_export_pages import ImportExportPages
from rentals.admin.scoped import Scoped
from rentals.local_time import zone_names
from rentals.models import Booking, Lock, Property
from rentals.tables.exchange import PropertyTable
from rentals.widgets import ClockField, ClockInput, SuggestingInput
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Property]
    _Form = forms.ModelForm[Property]
else:
    _Admin = admin.ModelAdmin
    _Form = forms.ModelForm

#: `Region/City` and UTC; all others are old aliases that only confuse.
ZONES = tuple(
    sorted(
        zone
        for zone in zone_names()
        if zone == "UTC" or ("/" in zone and not zone.startswith(("Etc/", "SystemV/", "US/")))
    )
)


class PropertyForm(_Form):
    class Meta:
        field_classes = {"check_in_time": ClockField, "check_out_time": ClockField}
        labels = {
            "check_in_time": lazy("Check-in time"),
            "check_out_time": lazy("Check-out time"),
            "issue_ahead_days": lazy("Days ahead"),
            "code_length": lazy("Length of codes"),
            "early_minutes": lazy("Minutes early"),
            "late_minutes": lazy("Minutes late"),
        }
        help_texts = {
            "check_in_time": lazy("From when a guest's code works, unless the booking says otherwise."),
            "check_out_time": lazy("Until when a guest's code works, unless the booking says otherwise."),
        }
        widgets = {
            "timezone": SuggestingInput(ZONES, {"autocomplete": "off", "class": "vTextField"}),
            "check_in_time": ClockInput,
            "check_out_time": ClockInput,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "timezone" not in self.fields:
            return  # a person who may only look
        self.fields["timezone"].help_text = _(
            "Type a few letters of the nearest large city and choose, such as “warsaw”."
        )
        if not self.instance.pk:
            self.initial["timezone"] = ""  # nobody's guess: a wrong zone opens doors at the wrong hour

    def clean_timezone(self) -> str:
        return zone_as_typed(str(self.cleaned_data["timezone"]))


def kept_ends(prop: Property, now: datetime) -> Iterator[str]:
    """Sentences about guests in the house whose check-out did not follow a new time, because that has passed."""
    running = prop.bookings.filter(
        status=Booking.Status.CONFIRMED, follows_property_times=True, check_in__lte=now, check_out__gt=now
    )
    for booking in running.order_by("check_out", "pk"):
        booking.property = prop
        if prop.check_out_on(booking.departure_date) <= now:
            until = day_and_time(booking.check_out, prop.zone)
            guest = booking.guest_name or _("A guest")
            yield _("{guest} is in the house and keeps the check-out {until}.").format(guest=guest, until=until)


def zone_as_typed(typed: str) -> str:
    """The zone that `europe/warsaw` or `warsaw` means; other text is returned as it is."""
    typed = typed.strip().replace(" ", "_")
    by_lower = {zone.lower(): zone for zone in zone_names()}
    cities = [zone for zone in ZONES if zone.lower().rpartition("/")[2] == typed.lower()]
    if typed.lower() not in by_lower and len(cities) == 1:
        return cities[0]
    return by_lower.get(typed.lower(), typed)


@admin.register(Property)
class PropertyAdmin(ImportExportPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    closed = frozenset({"add"})  # a restricted person would not see the new property
    form = PropertyForm
    table = PropertyTable
    import_notes = lazy(
        "A property is known by its name: an import changes properties that exist, adds others and deletes none. Give "
        "locks by serial number, separated by |; an empty cell takes all locks away from the property."
    )
    list_display = ("name", "timezone", "times", "lock_count", "is_active")
    list_filter = ("is_active", "timezone")
    search_fields = ("name", "locks__name")
    ordering = ("name", "pk")  # an annotated list has no order of its own
    filter_horizontal = ("locks",)
    fieldsets = (
        (None, {"fields": ("name", "is_active")}),
        (
            lazy("Place and times"),
            {
                "fields": ("timezone", ("check_in_time", "check_out_time")),
                "description": lazy("Times are wall-clock times at the property, right at both clock changes."),
            },
        ),
        (
            lazy("Doors"),
            {
                "fields": ("locks",),
                "description": lazy(
                    "A guest gets one code for all of these. Locks that are missing here are added under "
                    "Lock accounts with “Fetch locks”."
                ),
            },
        ),
        (
            lazy("Codes"),
            {"fields": ("issue_ahead_days", "code_length", "codes_from_phone", ("early_minutes", "late_minutes"))},
        ),
    )

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Property]:
        rows: QuerySet[Property] = super().get_queryset(request).annotate(number_of_locks=Count("locks"))
        return rows

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "locks":
            # Without the account's key: nothing here needs it decrypted.
            kwargs["queryset"] = Lock.objects.order_by("name", "pk")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def history_zone(self, obj: Property) -> tzinfo:
        return obj.zone

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The locks are saved last. A property whose guests would stand before a closed door is said to be so."""
        super().save_related(request, form, formsets, change)
        for text in lock_warnings.of_property(form.instance):
            messages.warning(request, text)
        if {"check_out_time", "timezone"} & set(form.changed_data):
            for text in kept_ends(form.instance, timezone.now()):
                messages.info(request, text)

    def after_import(self, request: HttpRequest, changed: Collection[int]) -> None:
        lock_warnings.warn(request, Property.objects.filter(pk__in=changed))

    @admin.display(description=lazy("Check-in to check-out"))
    def times(self, one: Property) -> str:
        return _("{first} to {last}").format(first=f"{one.check_in_time:%H:%M}", last=f"{one.check_out_time:%H:%M}")

    @admin.display(description=lazy("Locks"), ordering="number_of_locks")
    def lock_count(self, one: Property) -> str:
        count: int = getattr(one, "number_of_locks", 0)
        return str(count) if count else _("none: guests get no code")
