"""Locks in the admin."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.access import visible
from rentals.admin import lock_warnings
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.choice_filter import NamedChoice
from rentals.admin.history import DetailedHistory
from rentals.admin.import_export_pages import ImportExportPages
from rentals.admin.scoped import Scoped
from rentals.fields import behind
from rentals.models import Booking, Lock, LockAccount, Property
from rentals.signals import bookings_changed
from rentals.tables.exchange import LockTable

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Lock]
    _Form = forms.ModelForm[Lock]
else:
    _Admin = admin.ModelAdmin
    _Form = forms.ModelForm


_IDENTITY = ("account", "serial_number", "device_id")


class LockForm(_Form):
    class Meta:
        help_texts = {
            "device_id": lazy(
                "Tedee's number of the lock. It changes when the lock is removed from the Tedee app and added "
                "again; then press “Fetch locks”."
            )
        }


class AccountFilter(NamedChoice):
    title = lazy("account")
    parameter_name = "account"
    related = LockAccount


@admin.register(Lock)
class LockAdmin(ImportExportPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    closed = frozenset({"add", "delete"})  # a lock may serve other properties too, now or later
    form = LockForm
    table = LockTable
    import_notes = lazy(
        "A lock is known by its serial number. An import changes locks and never adds one, because only Tedee knows "
        "the number that reaches a lock: press “Fetch locks” on its account first."
    )
    list_display = ["name", "account", "reachable", "battery", "keypad", "is_active"]
    list_filter = ("is_active", AccountFilter, "is_connected", "has_keypad")
    search_fields = ("name", "serial_number", "=device_id", "properties__name")
    ordering = ("name", "pk")
    readonly_fields = ["reachable", "battery", "keypad", "time_zone", "used_by"]
    fieldsets = [
        (None, {"fields": ("name", "is_active", "used_by")}),
        (
            lazy("Identity"),
            {
                "fields": ("account", "serial_number", "device_id", "pin_capacity"),
                "description": lazy(
                    "“Fetch locks” on the lock account fills these in. Enter them by hand only if you must."
                ),
            },
        ),
        (
            lazy("Last news from Tedee"),
            {
                "fields": ("reachable", "battery", "keypad", "time_zone"),
                "description": lazy(
                    "Read once an hour, and by “Fetch locks” on the account. Tedee tells no battery of a "
                    "lock that is offline: then the level is the last known."
                ),
            },
        ),
    ]

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lock]:
        # A list shows the account by its name and needs no key.
        found = super().get_queryset(request).select_related("account")
        opened = Prefetch("properties", visible(Property.objects.order_by("name", "pk"), self.scope(request)))
        return found.defer(*behind("account", LockAccount.SECRETS)).prefetch_related(opened)

    def get_search_fields(self, request: HttpRequest) -> Any:
        """For restricted people, without the names of properties: they would tell which others a shared lock serves."""
        fields = super().get_search_fields(request)
        return [one for one in fields if not (self.scope(request).restricted and one.startswith("properties"))]

    def get_readonly_fields(self, request: HttpRequest, obj: Lock | None = None) -> Any:
        """Only a person who sees all properties may change the device and account of a lock: they decide what opens."""
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *_IDENTITY] if self.scope(request).restricted else fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "account":
            kwargs["queryset"] = LockAccount.objects.defer(*LockAccount.SECRETS).order_by("name", "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Lock, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            bookings = Booking.objects.filter(property__locks=obj, check_out__gt=timezone.now()).distinct()
            if booking_ids := list(bookings.values_list("pk", flat=True)):
                bookings_changed.send(sender=Lock, booking_ids=booking_ids, deleted=False)
            lock_warnings.warn(request, Property.objects.filter(locks=obj))

    def delete_model(self, request: HttpRequest, obj: Lock) -> None:
        homes = list(obj.properties.values_list("pk", flat=True))
        super().delete_model(request, obj)
        lock_warnings.warn(request, Property.objects.filter(pk__in=homes))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Lock]) -> None:
        homes = list(Property.objects.filter(locks__in=queryset).values_list("pk", flat=True))
        super().delete_queryset(request, queryset)
        lock_warnings.warn(request, Property.objects.filter(pk__in=homes))

    def after_import(self, request: HttpRequest, changed: Collection[int]) -> None:
        lock_warnings.warn(request, Property.objects.filter(locks__in=changed).distinct())

    @admin.display(description=lazy("Connection"), ordering="is_connected")
    def reachable(self, lock: Lock) -> str:
        if lock.has_bridge is False:
            return _("no bridge: codes cannot be set from afar")
        return {True: _("online"), False: _("offline"), None: _("unknown")}[lock.is_connected]

    @admin.display(description=lazy("Battery"), ordering="battery_level")
    def battery(self, lock: Lock) -> str:
        if lock.battery_level is None:
            return _("unknown")
        if lock.battery_level < Lock.LOW_BATTERY:
            return _("{level} % (low: charge or change it)").format(level=lock.battery_level)
        return f"{lock.battery_level} %"

    @admin.display(description=lazy("Keypad"), ordering="has_keypad")
    def keypad(self, lock: Lock) -> str:
        return {True: _("yes"), False: _("none: guests cannot enter a code"), None: _("unknown")}[lock.has_keypad]

    @admin.display(description=lazy("Opens"))
    def used_by(self, lock: Lock) -> str | SafeString:
        properties = list(lock.properties.order_by("name", "pk")) if lock.pk else []
        if not properties:
            return _("no property yet: choose this lock in a property to use it")
        links = ((reverse("admin:rentals_property_change", args=[one.pk]), one.name) for one in properties)
        return format_html_join(", ", '<a href="{}">{}</a>', links)
