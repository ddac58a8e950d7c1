"""People who work in the flats, in the admin: when their codes work, and on which locks they are."""

from __future__ import annotations

from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from pins.actions import staff as actions
from pins.admin import shown_once, staff_panel, staff_reveal
from pins.admin.own_code import Asker
from pins.admin.staff_form import StaffForm, zone_of
from pins.core import code_rules
from pins.desired.code_overrides import CodeTakenError
from pins.models import StaffAccess
from pins.status.staff import access_badge, terms_words
from rentals.access import visible
from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages
from rentals.admin.scoped import Scoped
from rentals.badges import badge_html
from rentals.inbound.client import address_of
from rentals.models import Lock
from rentals.models.tokens import new_token, token_digest
from rentals.phrases import mark
from rentals.wording import Badge

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[StaffAccess]
else:
    _Admin = admin.ModelAdmin

_CLOCK = lazy(
    "Hours are those on the lock's own clock, as it is set in the Tedee app, and stay the same when the clocks change. "
    "Between stays, times are those of the property. In the night of the change an hour is missing, or comes twice."
)


@admin.register(StaffAccess)
class StaffAccessAdmin(ObjectPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    form = StaffForm
    change_form_template = "pins/admin/staff_form.html"
    sensitive_fields = ("own_code",)
    list_display = ("name", "what", "where", "when", "condition")
    list_filter = ("kind", "mode", "is_active")
    search_fields = ("name", "properties__name")
    filter_horizontal = ("properties", "locks")
    fieldsets = (
        (None, {"fields": (("name", "kind"), "is_active")}),
        (lazy("Doors"), {"fields": ("properties", "locks")}),
        (
            lazy("When the code works"),
            {
                "fields": ("mode", "weekdays", ("day_start", "day_end"), "two_codes", ("first_day", "last_day")),
                "description": _CLOCK,
            },
        ),
        (
            lazy("Between stays"),
            {
                "fields": (("after_check_out", "before_check_in"),),
                "description": lazy(
                    "From check-out to the next check-in, within the days and hours above. Doors that other "
                    "properties use open at those days and hours instead."
                ),
            },
        ),
        (lazy("Code"), {"fields": ("own_code",)}),
    )

    class Media:
        css = STYLES

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffAccess]:
        rows: QuerySet[StaffAccess] = super().get_queryset(request).prefetch_related("properties", "locks__account")
        return rows.defer(*StaffAccess.SECRETS)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "locks":
            # Without the account's key: nothing here needs it decrypted.
            kwargs["queryset"] = Lock.objects.order_by("name", "pk")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # -- the list ---------------------------------------------------------------------------------------------------

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The states of all rows of a page in one query."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        badges = staff_panel.badges_of([one.pk for one in rows], timezone.now())
        for one in rows:
            one.badge = access_badge(one, badges.get(one.pk, []))
        found.result_list = rows
        return found

    @admin.display(description=lazy("Is"), ordering="kind")
    def what(self, access: StaffAccess) -> str:
        return access.get_kind_display()

    @admin.display(description=lazy("Where"))
    def where(self, access: StaffAccess) -> str:
        names = [str(one) for one in (*access.properties.all(), *access.locks.all())]
        more, first = len(names) - 3, ", ".join(names[:3])
        if more > 0:
            return ngettext("{names} and {number} more", "{names} and {number} more", more).format(
                names=first, number=more
            )
        return first or _("nowhere")

    @admin.display(description=lazy("When"))
    def when(self, access: StaffAccess) -> str:
        return terms_words(access)

    @admin.display(description=lazy("Codes"))
    def condition(self, access: StaffAccess) -> SafeString:
        badge: Badge = getattr(access, "badge", None) or access_badge(access, [])
        return badge_html(badge)

    # -- the page of one ----------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: StaffAccess | None = None) -> Any:
        """A person who may only look sees it in words, and no field for a code."""
        if self.has_change_permission(request, obj) or (obj is None and self.has_add_permission(request)):
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("name", "kind", "is_active", "where", "when")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: StaffAccess | None = None) -> Any:
        return () if self.has_change_permission(request, obj) or obj is None else ("where", "when")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.asker = Asker(request.user, self.scope(request), address_of(request))
        return form

    def change_context(self, request: HttpRequest, obj: StaffAccess) -> dict[str, Any]:
        return {
            "panel": staff_panel.panel(obj, timezone.now()),
            "may_act": self.has_change_permission(request, obj),
            "may_reveal": request.user.has_perm(shown_once.PERMISSION),
        }

    def history_zone(self, obj: StaffAccess) -> tzinfo:
        return zone_of(list(obj.properties.all()), list(obj.locks.all())) or super().history_zone(obj)

    def save_model(self, request: HttpRequest, obj: StaffAccess, form: Any, change: bool) -> None:
        """The form judged the digits. If that is not true any more, say so; all else is saved."""
        value = form.cleaned_data.get("own_code")
        if value:
            obj.code = value
        try:
            with transaction.atomic():
                super().save_model(request, obj, form, change)
        except CodeTakenError as refused:
            obj.code = ""
            super().save_model(request, obj, form, change)
            messages.error(request, _("It was saved, but your own code was not used. {why}").format(why=refused))
            return
        if value:
            messages.success(request, _("Your own code is set. It is not shown here again."))
            if code_rules.is_guessable(value):
                messages.warning(request, _("The code that you chose is easy to guess. Consider another one."))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The locks are saved last. What keeps somebody out is said."""
        super().save_related(request, form, formsets, change)
        access = form.instance
        for text in staff_panel.warnings(access):
            messages.warning(request, text)

    # -- buttons ------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        buttons = [self.button(name, partial(self._press, name)) for name in actions.ACTIONS]
        buttons += [self.button("new_link", self._new_link), self.button("end_link", self._end_link)]
        shown = require_POST(partial(staff_reveal.reveal_view, admin_page=self))
        return [*buttons, self.object_path("reveal", shown), *super().get_urls()]

    def _press(self, name: str, request: HttpRequest, access: StaffAccess) -> HttpResponse:
        with transaction.atomic():
            outcome = actions.ACTIONS[name](access, timezone.now())
            if outcome.done:
                self.log_change(request, access, f"{actions.BUTTONS[name]}: {outcome.noted}")
        messages.add_message(request, outcome.level, f"{access.name}: {outcome.text}")
        return self.redirect_to(access)

    def _new_link(self, request: HttpRequest, access: StaffAccess) -> HttpResponse:
        """The address of their own page, shown once: only its digest is kept. A former one ends."""
        token = new_token()
        StaffAccess.objects.filter(pk=access.pk).update(link_digest=token_digest(token))
        self.log_change(request, access, mark("Made a link to their own page."))
        path = reverse("work", args=[token])
        link = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
        title = _("The page of {name}").format(name=access.name)
        page = self.object_page(request, access, "pins/admin/staff_link.html", title, link=link)
        page["Cache-Control"] = "no-store"
        return page

    def _end_link(self, request: HttpRequest, access: StaffAccess) -> HttpResponse:
        StaffAccess.objects.filter(pk=access.pk).update(link_digest="")
        self.log_change(request, access, mark("Ended the link to their own page."))
        messages.success(request, _("{name}: the link shows nothing any more.").format(name=access.name))
        return self.redirect_to(access)

    def delete_model(self, request: HttpRequest, obj: StaffAccess) -> None:
        super().delete_model(request, obj)
        messages.info(request, _("Its codes are being taken off the locks."))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[StaffAccess]) -> None:
        super().delete_queryset(request, visible(queryset, self.scope(request)))
        messages.info(request, _("Their codes are being taken off the locks."))
