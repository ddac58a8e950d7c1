"""Locks and lock accounts with all that concerns door codes: pauses, room on the keypad, fetching locks."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext, pgettext

from pins import tasks
from pins.admin.connection import TOKENS, ConnectionPages
from pins.models import LockState, SparePool
from pins.reconcile import account_limits, inventory
from pins.status import wording
from pins.status.locks import lock_badge, pause, said_full, zone_of_lock
from pins.status.spares import on_lock
from rentals.admin import LockAccountAdmin, LockAdmin
from rentals.admin.lock import LockForm
from rentals.badges import badge_html
from rentals.fields import UndecryptableValue, behind
from rentals.models import Lock, LockAccount, Property
from rentals.wording import Badge, Tone, day_and_time, soon

admin.site.unregister([Lock, LockAccount])


class LockWithCodesForm(LockForm):
    spare_codes = forms.IntegerField(
        label=lazy("Spare codes"),
        min_value=0,
        max_value=SparePool.MOST,
        required=False,
        help_text=SparePool._meta.get_field("size").help_text,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sizes = SparePool.objects.filter(lock=self.instance.pk).values_list("size", flat=True)
        self.initial["spare_codes"] = sizes.first() or 0


@admin.register(Lock)
class LockWithCodesAdmin(LockAdmin):
    form = LockWithCodesForm
    change_form_template = "pins/admin/lock_form.html"
    list_display = ["name", "condition", "reachable", "battery", "keypad", "room", "account", "is_active"]
    readonly_fields = [*LockAdmin.readonly_fields, "condition", "room", "trouble", "spares_now"]
    fieldsets = [
        *LockAdmin.fieldsets[:1],
        (lazy("Door codes"), {"fields": ("condition", "trouble", "room", "spare_codes", "spares_now")}),
        *LockAdmin.fieldsets[1:],
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lock]:
        ours = Count("pins", filter=Q(pins__remote_id__isnull=False))
        with_state = super().get_queryset(request).select_related("operation", "account__operation")
        return with_state.defer(*behind("operation", LockState.LISTS)).annotate(own_pins=ours)

    def save_model(self, request: HttpRequest, obj: Lock, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "device_id" in form.changed_data:
            messages.info(request, _("The device id changed: all codes of this lock are looked for and set again."))
            tasks.wake_locks([obj.pk])
        if "spare_codes" in form.changed_data:
            size = form.cleaned_data["spare_codes"] or 0
            if size or SparePool.objects.filter(lock=obj).exists():
                SparePool.objects.update_or_create(lock=obj, defaults={"size": size, "check_at": timezone.now()})
            if size and obj.account.observe_only:
                messages.warning(request, _("Turnkey only observes there, so no spare code is put on this lock."))

    @admin.display(description=lazy("Ready now"))
    def spares_now(self, lock: Lock) -> str:
        return (on_lock(lock, timezone.now()) if lock.pk else "") or _("None asked for.")

    @admin.display(description=lazy("Spare codes"))
    def spare_codes(self, lock: Lock) -> str:
        """For people who may only look."""
        pool = getattr(lock, "spare_pool", None)
        return str(pool.size) if pool is not None else "0"

    @admin.display(description=lazy("State"))
    def condition(self, lock: Lock) -> SafeString:
        return badge_html(lock_badge(lock, timezone.now()))

    @admin.display(description=lazy("Why"))
    def trouble(self, lock: Lock) -> str:
        cause, until = pause(lock, timezone.now()) if lock.pk else ("", None)
        if not cause or until is None:
            watched = lock.pk and lock.account.observe_only
            return wording.observe_only_note([lock.name]) if watched else _("Nothing is wrong.")
        again = soon(until, timezone.now(), zone_of_lock(lock))
        next_try = _("Next try {when}.").format(when=again)
        return f"{wording.reason(cause)} {next_try} {wording.remedy(cause)}".strip()

    @admin.display(description=lazy("Codes on it"), ordering="own_pins")
    def room(self, lock: Lock) -> str:
        state = getattr(lock, "operation", None)
        ours: int = getattr(lock, "own_pins", 0)
        others = _("others not counted yet")
        if state is not None and state.looked_at is not None:
            others = _("{number} other").format(number=state.foreign_pins)
        full = said_full(lock, timezone.now()) if lock.pk else ""
        room = full[:1].lower() + full[1:] if full else _("room for {number}").format(number=lock.pin_capacity)
        return ", ".join((_("{number} ours").format(number=ours), others, room))


@admin.register(LockAccount)
class LockAccountWithFetchAdmin(ConnectionPages, LockAccountAdmin):
    change_form_template = "pins/admin/account_form.html"
    list_display = ["name", "kind", "condition", "lock_count"]
    actions = ["fetch_locks"]
    readonly_fields = [*LockAccountAdmin.readonly_fields, "locks_read", "key_end"]
    fieldsets = [
        *LockAccountAdmin.fieldsets[:1],
        (
            lazy("Last news from Tedee"),
            {
                "fields": ("locks_read", "key_end"),
                "description": lazy("Turnkey asks once an hour, and once a day when the key ends."),
            },
        ),
        *LockAccountAdmin.fieldsets[1:],
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LockAccount]:
        return super().get_queryset(request).select_related("operation", "tokens").defer(*TOKENS)

    @admin.display(description=lazy("State"))
    def condition(self, account: LockAccount) -> SafeString:
        state = getattr(account, "operation", None)
        connected = account.kind == LockAccount.Kind.OAUTH
        if state is not None and state.dead_key:
            reads = state.pause_cause == account_limits.WRITES_REST
            refused = _("Connect again") if connected else _("Key refused")
            return badge_html(Badge(_("Key may only read") if reads else refused, Tone.ACT))
        if connected and not account.secret and getattr(account, "tokens", None) is None:
            return badge_html(Badge(_("Not connected"), Tone.ACT))
        if state is not None and state.paused_until is not None and state.paused_until > timezone.now():
            return badge_html(Badge(_("Waiting"), Tone.TROUBLE))
        if account.observe_only:
            return badge_html(wording.observe_only())
        return badge_html(Badge(_("In order"), Tone.READY))

    @admin.display(description=lazy("Locks last read"))
    def locks_read(self, account: LockAccount) -> str:
        return self._moment(account, "listed_at") or _("Not read yet.")

    @admin.display(description=lazy("The key ends"))
    def key_end(self, account: LockAccount) -> str:
        """Tedee does not say which of a user's keys is the one that asks."""
        if account.kind == LockAccount.Kind.OAUTH:
            return _("It has none: its access is renewed by itself, as said above.")
        ends = self._moment(account, "key_valid_to")
        if not ends:
            return _("Unknown: Tedee has not told.")
        return _("{when}. If its user has several keys, it may be the end of another one.").format(when=ends)

    @staticmethod
    def _moment(account: LockAccount, column: str) -> str:
        moment = getattr(getattr(account, "operation", None), column, None)
        return day_and_time(moment, ZoneInfo("UTC")) if moment is not None else ""

    def get_urls(self) -> list[URLPattern]:
        return [self.button("fetch_locks", self._press_fetch), *self.connection_urls(), *super().get_urls()]

    def after_connecting(self, request: HttpRequest, account: LockAccount) -> None:
        self._fetch(request, account)

    def _press_fetch(self, request: HttpRequest, account: LockAccount) -> HttpResponse:
        self._fetch(request, account)
        return self.redirect_to(account)

    @admin.action(description=lazy("Fetch locks from Tedee"), permissions=["change"])
    def fetch_locks(self, request: HttpRequest, queryset: QuerySet[LockAccount]) -> None:
        for account in queryset:
            self._fetch(request, account)

    def _fetch(self, request: HttpRequest, account: LockAccount) -> None:
        """Ask Tedee which locks there are, and show the result. Waits for at most one request."""
        try:
            found = inventory.fetch(account, timezone.now())
        except (inventory.FetchError, UndecryptableValue) as error:
            messages.error(request, f"{account}: {error}")
            return
        tasks.wake_locks(found.lock_ids_to_wake)
        counts = {change: sum(one.change is change for one in found.found) for change in inventory.Change}
        changes = ", ".join(_changed(change, count) for change, count in counts.items() if count)
        number = len(found.found)
        has = _("{account} has no locks at all.")
        if number:
            has = ngettext(
                "{account} has {number} lock: {changes}.", "{account} has {number} locks: {changes}.", number
            )
        found_locks = has.format(account=account, number=number, changes=changes)
        url = reverse("admin:rentals_lock_changelist")
        messages.success(request, format_html('{} <a href="{}">{}</a>', found_locks, url, _("Show locks")))
        if number and request.user.has_perm("rentals.add_property") and not Property.objects.exists():
            add = format_html('<a href="{}">{}</a>', reverse("admin:rentals_property_add"), _("add a property"))
            messages.info(request, format_html(_("Next: {link} with the locks that its guests must open."), link=add))
        for one in found.found:
            if one.notes:
                messages.warning(request, f"{one.name}: {'; '.join(one.notes)}.")
        for name in found.unseen:
            messages.warning(
                request,
                _("{lock}: known here, but the account no longer shows it. It was left alone.").format(lock=name),
            )


def _changed(change: inventory.Change, number: int) -> str:
    """What became of how many locks."""
    words = {
        inventory.Change.NEW: pgettext("locks", "{number} new"),
        inventory.Change.UPDATED: _("{number} updated"),
        inventory.Change.SAME: _("{number} as before"),
        inventory.Change.SKIPPED: _("{number} left alone"),
    }
    return words[change].format(number=number)
