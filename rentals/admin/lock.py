"""Locks in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from rentals.access import scope_of, visible
from rentals.admin.exchange import ExchangeMixin
from rentals.admin.history import ToldInHistory
from rentals.admin.look import STYLES, PlainTitles
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
            "device_id": "Tedee's number of the lock. It changes when the lock is removed from the Tedee app and added "
            "again; then press “Fetch locks”."
        }


class AccountFilter(admin.SimpleListFilter):
    """By account, without decrypting its key as the ready-made filter would."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = visible(LockAccount.objects.order_by("name", "pk"), scope_of(request.user))
        return [(str(pk), name) for pk, name in shown.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lock]) -> QuerySet[Lock]:
        chosen = self.value() or ""
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(account_id=int(chosen)) if chosen in known else queryset


@admin.register(Lock)
class LockAdmin(ExchangeMixin, PlainTitles, ToldInHistory, Scoped, _Admin):
    closed = frozenset({"add", "delete"})  # a lock may serve other properties too, now or later
    form = LockForm
    table = LockTable
    import_notes = (
        "A lock is known by its serial number. An import changes locks and never adds one: only Tedee tells the number "
        "by which a lock is reached, so press “Fetch locks” on its account first."
    )
    list_display = ["name", "account", "reachable", "battery", "keypad", "is_active"]
    list_filter = ("is_active", AccountFilter, "is_connected", "has_keypad")
    search_fields = ("name", "serial_number", "=device_id", "properties__name")
    ordering = ("name", "pk")
    readonly_fields = ["reachable", "battery", "keypad", "time_zone", "used_by"]
    fieldsets = [
        (None, {"fields": ("name", "is_active", "used_by")}),
        (
            "Identity",
            {
                "fields": ("account", "serial_number", "device_id", "pin_capacity"),
                "description": "“Fetch locks” on the lock account fills these in. Enter them by hand only if you must.",
            },
        ),
        (
            "As Tedee told last",
            {"fields": ("reachable", "battery", "keypad", "time_zone"), "description": "Renewed by “Fetch locks”."},
        ),
    ]

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lock]:
        # The account by name, without its key.
        found = super().get_queryset(request).select_related("account")
        opened = Prefetch("properties", visible(Property.objects.order_by("name", "pk"), self.scope(request)))
        return found.defer(*behind("account", LockAccount.SECRETS)).prefetch_related(opened)

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Of a shared lock, a search by the name of a property would tell which others it serves."""
        fields = super().get_search_fields(request)
        return [one for one in fields if not (self.scope(request).restricted and one.startswith("properties"))]

    def get_readonly_fields(self, request: HttpRequest, obj: Lock | None = None) -> Any:
        """Which device of which account a lock is decides what opens to whom, so that is for who sees them all."""
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

    @admin.display(description="Connection", ordering="is_connected")
    def reachable(self, lock: Lock) -> str:
        if lock.has_bridge is False:
            return "no bridge: codes cannot be set from afar"
        return {True: "online", False: "offline", None: "unknown"}[lock.is_connected]

    @admin.display(description="Battery", ordering="battery_level")
    def battery(self, lock: Lock) -> str:
        if lock.battery_level is None:
            return "unknown"
        low = " (low: charge it)" if lock.battery_level <= 15 else ""
        return f"{lock.battery_level} %{low}"

    @admin.display(description="Keypad", ordering="has_keypad")
    def keypad(self, lock: Lock) -> str:
        return {True: "yes", False: "none: guests cannot enter a code", None: "unknown"}[lock.has_keypad]

    @admin.display(description="Opens")
    def used_by(self, lock: Lock) -> str | SafeString:
        properties = list(lock.properties.order_by("name", "pk")) if lock.pk else []
        if not properties:
            return "no property yet: choose this lock in a property to use it"
        links = ((reverse("admin:rentals_property_change", args=[one.pk]), one.name) for one in properties)
        return format_html_join(", ", '<a href="{}">{}</a>', links)
