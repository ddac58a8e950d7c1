"""Read-only lists for support: grants, and PINs with their requests. Codes are never read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pins.admin.holders import OF_HOLDER, holder_link, zone_of_grant
from pins.core.periods import NO_START
from pins.models import AccessGrant, Pin, PinAttempt, StaffAccess
from pins.status import wording
from pins.status.locks import zone_of_lock
from pins.status.pins import attempt_line, pin_badge, pins_for_people
from rentals.access import visible
from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.read_only import ReadOnly, ReadOnlyAdmin
from rentals.badges import badge_html
from rentals.fields import behind
from rentals.wording import Badge, Tone, day_and_time, soon

_MASK = "••••••"

if TYPE_CHECKING:
    _Inline = admin.TabularInline[Any, Any]
else:
    _Inline = admin.TabularInline


@admin.register(AccessGrant)
class AccessGrantAdmin(ReadOnlyAdmin):
    list_display = ("holder", "reference", "kind", "stay", "starts", "ends", "condition")
    list_filter = ("kind", "wanted")
    search_fields = ("holder_name", "reference", "booking__property__name")
    date_hierarchy = "starts_at"
    fields = (
        "holder",
        "reference",
        "kind",
        "stay",
        "masked_code",
        "starts",
        "ends",
        "goes_on",
        "condition",
        "disclosed",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessGrant]:
        grants = super().get_queryset(request).select_related(*OF_HOLDER)
        return grants.defer(*AccessGrant.SECRETS, *behind("staff", StaffAccess.SECRETS))

    @admin.display(description=lazy("Holder"), ordering="holder_name")
    def holder(self, grant: AccessGrant) -> str:
        return _("Spare code") if grant.is_reserve else grant.holder_name or _("Guest")

    @admin.display(description=lazy("Whose"))
    def stay(self, grant: AccessGrant) -> str | SafeString:
        return holder_link(grant)

    @admin.display(description=lazy("Code"))
    def masked_code(self, grant: AccessGrant) -> str:
        return _MASK

    @admin.display(description=lazy("Works from"), ordering="starts_at")
    def starts(self, grant: AccessGrant) -> str:
        return day_and_time(grant.begins_at, zone_of_grant(grant)) if grant.begins_at else _("always")

    @admin.display(description=lazy("until"), ordering="ends_at")
    def ends(self, grant: AccessGrant) -> str:
        return day_and_time(grant.stops_at, zone_of_grant(grant)) if grant.stops_at else _("no end")

    @admin.display(description=lazy("Goes onto the locks"))
    def goes_on(self, grant: AccessGrant) -> str:
        return day_and_time(grant.issue_at, zone_of_grant(grant)) if grant.issue_at != NO_START else _("at once")

    @admin.display(description=lazy("First shown"))
    def disclosed(self, grant: AccessGrant) -> str:
        return day_and_time(grant.disclosed_at, zone_of_grant(grant)) if grant.disclosed_at else _("not yet")

    @admin.display(description=lazy("State"))
    def condition(self, grant: AccessGrant) -> SafeString:
        if grant.revoked_at is not None:
            return badge_html(Badge(_("Revoked"), Tone.OVER))
        if not grant.wanted:
            return badge_html(Badge(_("Not wanted"), Tone.OVER))
        over = grant.ends_at <= timezone.now()
        return badge_html(Badge(_("Over"), Tone.OVER) if over else Badge(_("Valid"), Tone.READY))


class AttemptInline(ReadOnly, _Inline):
    model = PinAttempt
    verbose_name_plural = lazy("requests, newest first")
    ordering = ("-started_at", "-pk")
    fields = ("at", "what", "result", "correlation_id")
    readonly_fields = ("at", "what", "result")
    extra = 0

    @admin.display(description=lazy("When"))
    def at(self, attempt: PinAttempt) -> str:
        return attempt_line(attempt, _zone_of(attempt)).at

    @admin.display(description=lazy("What"))
    def what(self, attempt: PinAttempt) -> str:
        return attempt.get_op_display()

    @admin.display(description=lazy("Result"))
    def result(self, attempt: PinAttempt) -> str:
        return attempt_line(attempt, _zone_of(attempt)).result

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        attempts = super().get_queryset(request).select_related("pin__lock")
        return attempts.defer(*behind("pin", Pin.SECRETS))


def _zone_of(attempt: PinAttempt) -> ZoneInfo:
    lock = attempt.pin.lock if attempt.pin is not None else attempt.lock
    return zone_of_lock(lock) if lock is not None else ZoneInfo("UTC")


@admin.register(Pin)
class PinAdmin(ReadOnlyAdmin):
    list_display = ("alias", "lock", "condition", "last_trouble", "next_try", "since")
    list_filter = ("state", ("lock", RelatedChoice))
    search_fields = ("alias", "lock__name", "grant__reference", "grant__holder_name")
    ordering = ("-state_changed_at", "-pk")
    fields = (
        "alias",
        "lock",
        "grant",
        "masked_code",
        "condition",
        "since",
        "last_trouble",
        "next_try",
        "number",
    )
    inlines = (AttemptInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pin]:
        return visible(pins_for_people(), self.scope(request)).order_by(*self.ordering)

    @admin.display(description=lazy("Code"))
    def masked_code(self, pin: Pin) -> str:
        return _MASK

    @admin.display(description=lazy("State"), ordering="state")
    def condition(self, pin: Pin) -> SafeString:
        return badge_html(pin_badge(pin, timezone.now()))

    @admin.display(description=lazy("Tedee's number of it"))
    def number(self, pin: Pin) -> str:
        return str(pin.remote_id) if pin.remote_id is not None else _("not on the lock")

    @admin.display(description=lazy("Last trouble"))
    def last_trouble(self, pin: Pin) -> str:
        if pin.blocked and pin.state == "blocked":
            return wording.blocked_reason(pin.blocked)
        return wording.reason(pin.last_cause) if pin.last_cause else _("none")

    @admin.display(description=lazy("Next look"), ordering="next_try_at")
    def next_try(self, pin: Pin) -> str:
        if pin.next_try_at is None:
            return _("none")
        return soon(pin.next_try_at, timezone.now(), zone_of_lock(pin.lock))

    @admin.display(description=lazy("In this state since"), ordering="state_changed_at")
    def since(self, pin: Pin) -> str:
        return day_and_time(pin.state_changed_at, zone_of_lock(pin.lock))
