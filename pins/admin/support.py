"""Read-only lists for support: grants, PINs with their story, incidents. Codes are never read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pins import words
from pins.admin.parts import badge_html, zone_of_grant
from pins.doors import MASK, attempt_line, pins_for_people, standing_badge, zone_of_lock
from pins.models import AccessGrant, Incident, Pin, PinAttempt
from pins.words import Badge, Tone
from rentals.admin.look import STYLES, PlainTitles
from rentals.models import Lock

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Inline = admin.TabularInline[Any, Any]
else:
    _Admin = admin.ModelAdmin
    _Inline = admin.TabularInline


class ReadOnlyAdmin(PlainTitles, _Admin):
    """Turnkey writes these; a person may look."""

    actions = None
    list_per_page = 50
    show_full_result_count = False

    class Media:
        css = STYLES

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def stay_link(grant: AccessGrant) -> str | SafeString:
    """The booking of a grant, its property loaded, as a link."""
    if grant.booking is None:
        return "deleted booking"
    url = reverse("admin:rentals_booking_change", args=[grant.booking.pk])
    return format_html('<a href="{}">{}: {}</a>', url, grant.booking.property, grant.booking)


@admin.register(AccessGrant)
class AccessGrantAdmin(ReadOnlyAdmin):
    list_display = ("holder", "reference", "kind", "stay", "starts", "ends", "condition")
    list_filter = ("kind", "wanted")
    search_fields = ("holder_name", "reference", "booking__property__name")
    date_hierarchy = "starts_at"
    fields = ("holder", "reference", "kind", "stay", "masked_code", "starts", "ends", "goes_on", "condition", "told")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessGrant]:
        return super().get_queryset(request).select_related("booking__property").defer("code")

    @admin.display(description="Holder", ordering="holder_name")
    def holder(self, grant: AccessGrant) -> str:
        return grant.holder_name or "Guest"

    @admin.display(description="Stay")
    def stay(self, grant: AccessGrant) -> str | SafeString:
        return stay_link(grant)

    @admin.display(description="Code")
    def masked_code(self, grant: AccessGrant) -> str:
        return MASK

    @admin.display(description="Works from", ordering="starts_at")
    def starts(self, grant: AccessGrant) -> str:
        return words.day_and_time(grant.starts_at, zone_of_grant(grant))

    @admin.display(description="until", ordering="ends_at")
    def ends(self, grant: AccessGrant) -> str:
        return words.day_and_time(grant.ends_at, zone_of_grant(grant))

    @admin.display(description="Goes onto the locks")
    def goes_on(self, grant: AccessGrant) -> str:
        return words.day_and_time(grant.issue_at, zone_of_grant(grant))

    @admin.display(description="Told to somebody")
    def told(self, grant: AccessGrant) -> str:
        return words.day_and_time(grant.disclosed_at, zone_of_grant(grant)) if grant.disclosed_at else "not yet"

    @admin.display(description="State")
    def condition(self, grant: AccessGrant) -> SafeString:
        if grant.revoked_at is not None:
            return badge_html(Badge("Revoked", Tone.OVER))
        if not grant.wanted:
            return badge_html(Badge("Not wanted", Tone.OVER))
        over = grant.ends_at <= timezone.now()
        return badge_html(Badge("Over", Tone.OVER) if over else Badge("Valid", Tone.READY))


class AttemptInline(_Inline):
    model = PinAttempt
    verbose_name_plural = "requests, newest first"
    ordering = ("-started_at", "-pk")
    fields = ("at", "what", "result", "correlation_id")
    readonly_fields = ("at", "what", "result")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="When")
    def at(self, attempt: PinAttempt) -> str:
        return attempt_line(attempt, zone_of_lock(attempt.pin.lock)).at

    @admin.display(description="What")
    def what(self, attempt: PinAttempt) -> str:
        return attempt.get_op_display()

    @admin.display(description="Result")
    def result(self, attempt: PinAttempt) -> str:
        return attempt_line(attempt, zone_of_lock(attempt.pin.lock)).result

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        attempts = super().get_queryset(request).select_related("pin__lock")
        return attempts.defer("pin__applied_code", "pin__op_code")


@admin.register(Pin)
class PinAdmin(ReadOnlyAdmin):
    list_display = ("alias", "lock", "condition", "last_trouble", "next_try", "since")
    list_filter = ("state", "lock")
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
        return pins_for_people().order_by(*self.ordering)

    @admin.display(description="Code")
    def masked_code(self, pin: Pin) -> str:
        return MASK

    @admin.display(description="State", ordering="state")
    def condition(self, pin: Pin) -> SafeString:
        return badge_html(standing_badge(pin, timezone.now()))

    @admin.display(description="Tedee's number of it")
    def number(self, pin: Pin) -> str:
        return str(pin.remote_id) if pin.remote_id is not None else "not on the lock"

    @admin.display(description="Last trouble")
    def last_trouble(self, pin: Pin) -> str:
        if pin.blocked and pin.state == "blocked":
            return words.blocked_reason(pin.blocked)
        return words.reason(pin.last_cause) if pin.last_cause else "none"

    @admin.display(description="Next look", ordering="next_try_at")
    def next_try(self, pin: Pin) -> str:
        if pin.next_try_at is None:
            return "none"
        return words.soon(pin.next_try_at, timezone.now(), zone_of_lock(pin.lock))

    @admin.display(description="In this state since", ordering="state_changed_at")
    def since(self, pin: Pin) -> str:
        return words.day_and_time(pin.state_changed_at, zone_of_lock(pin.lock))


class OpenFilter(admin.SimpleListFilter):
    """Without a choice the list shows what is open."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("resolved", "Resolved"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        for value, label in ((None, "Open"), *self.lookup_choices):
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


_INCIDENT_REMEDIES = {
    Incident.Kind.CODE_LATE: "Open the booking: it says what keeps the lock back.",
    Incident.Kind.CODE_STAYS: "Check the lock's connection. Turnkey goes on trying; the lock refuses the code after "
    "its end anyway.",
    Incident.Kind.VALUE_REFUSED: "Open the booking and press “New code”.",
    Incident.Kind.VALUE_TAKEN: "Remove the other code in the Tedee app, or revoke ours and give the guest a new one.",
    Incident.Kind.CODE_CHANGED: "Tell the guest the new code.",
    Incident.Kind.NO_ROOM: words.remedy("no_room"),
    Incident.Kind.TOO_MANY_CODES: "Issue codes fewer days ahead, or raise the lock's room for codes if it has more.",
    Incident.Kind.NO_PERMISSION: words.remedy("forbidden"),
    Incident.Kind.DEAD_KEY: words.remedy("unauthorized"),
    Incident.Kind.FEED_HELD: "Open the calendar and keep or cancel the stays that it names.",
    Incident.Kind.FEED_RESET: "Copy a new export link from the channel into the calendar. Its stays are kept.",
    Incident.Kind.FEED_FAILING: "Open the calendar: it says what keeps it from being read. Its stays are kept.",
    Incident.Kind.FEED_STALE: "Open the calendar: it says what keeps it from being read. Enter new stays by hand.",
}


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("what", "concerns", "remedy", "opened", "resolved")
    list_filter = (OpenFilter, "kind")
    date_hierarchy = "opened_at"
    fields = ("what", "concerns", "remedy", "opened", "resolved")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        incidents = super().get_queryset(request)
        subjects = ("pin__grant__booking__property", "pin__lock", "lock", "account", "feed__property")
        return incidents.select_related(*subjects).defer(
            "pin__applied_code",
            "pin__op_code",
            "pin__grant__code",
            "account__secret",
            "account__webhook_token",
            "feed__url",
            "feed__token",
            "feed__signing_secret",
            "feed__previous_signing_secret",
        )

    @admin.display(description="What", ordering="kind")
    def what(self, incident: Incident) -> str:
        return incident.get_kind_display()

    @admin.display(description="Concerns")
    def concerns(self, incident: Incident) -> str | SafeString:
        if incident.pin is not None:
            booking = incident.pin.grant.booking
            if booking is None:
                return f"{incident.pin.lock}, a deleted booking"
            url = reverse("admin:rentals_booking_change", args=[booking.pk])
            return format_html('{}, <a href="{}">{}: {}</a>', incident.pin.lock, url, booking.property, booking)
        if incident.lock is not None:
            url = reverse("admin:rentals_lock_change", args=[incident.lock.pk])
            return format_html('<a href="{}">{}</a>', url, incident.lock)
        if incident.account is not None:
            url = reverse("admin:rentals_lockaccount_change", args=[incident.account.pk])
            return format_html('<a href="{}">{}</a>', url, incident.account)
        if incident.feed is not None:
            url = reverse("admin:rentals_calendarfeed_change", args=[incident.feed.pk])
            return format_html('<a href="{}">{}</a>, {}', url, incident.feed, incident.feed.property)
        return "unknown"

    @admin.display(description="What to do")
    def remedy(self, incident: Incident) -> str:
        return _INCIDENT_REMEDIES.get(Incident.Kind(incident.kind), "")

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, incident: Incident) -> str:
        return words.day_and_time(incident.opened_at, self._zone(incident))

    @admin.display(description="Resolved", ordering="resolved_at")
    def resolved(self, incident: Incident) -> str:
        return words.day_and_time(incident.resolved_at, self._zone(incident)) if incident.resolved_at else "still open"

    def _zone(self, incident: Incident) -> Any:
        if incident.pin is not None:
            return zone_of_lock(incident.pin.lock)
        if incident.feed is not None:
            return incident.feed.property.zone
        return zone_of_lock(incident.lock if incident.lock is not None else Lock())
