"""Published calendars in the admin: secret links to the stays of a property."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.confirmation import Question, ask, is_confirmed
from rentals.admin.history import DetailedHistory
from rentals.admin.object_pages import ObjectPages
from rentals.admin.scoped import Scoped
from rentals.fields import UndecryptableValue
from rentals.models import PublishedCalendar
from rentals.models.tokens import new_token
from rentals.phrases import mark

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[PublishedCalendar]
else:
    _Admin = admin.ModelAdmin


@admin.register(PublishedCalendar)
class PublishedCalendarAdmin(ObjectPages, PlainTitles, DetailedHistory, Scoped, _Admin):
    """The link is a secret. It is only on the calendar's own page, and only for people who may change the calendar."""

    change_form_template = "rentals/admin/published_form.html"
    list_display = ("name", "property", "shows", "is_active")
    list_filter = ("is_active", ("property", RelatedChoice))
    search_fields = ("name", "property__name")
    actions = ("revoke",)
    fieldsets = (
        (None, {"fields": ("property", "name", "is_active")}),
        (
            lazy("What it shows"),
            {
                "fields": ("shows_guest_names", "shows_turnovers"),
                "description": lazy(
                    "Stays from 30 days ago to 2 years ahead. Door codes, phone numbers and reservation codes are "
                    "never in it."
                ),
            },
        ),
    )

    class Media:
        css = {"all": (*STYLES["all"], "rentals/published.css")}
        js = ("rentals/copy.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublishedCalendar]:
        # Without the token: neither a list nor a form needs it decrypted.
        return super().get_queryset(request).select_related("property").defer(*PublishedCalendar.SECRETS)

    @admin.display(description=lazy("Shows"))
    def shows(self, calendar: PublishedCalendar) -> str:
        if calendar.shows_turnovers:
            named = calendar.shows_guest_names
            return _("stays with guest names, turnovers") if named else _("stays without names, turnovers")
        return _("stays with guest names") if calendar.shows_guest_names else _("stays without names")

    def get_urls(self) -> list[URLPattern]:
        return [self.button("new_link", self._new_link), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        calendar: PublishedCalendar | None = kwargs.get("obj")
        if calendar is not None and calendar.pk and self.has_change_permission(request, calendar):
            context |= {"link": link_of(request, calendar), "calendar": calendar}
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: PublishedCalendar, form: Any, change: bool) -> None:
        """A change writes what was changed and nothing else. Saving the whole row would read the link, and it must be
        possible to revoke a link that no configured key opens any more."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            PublishedCalendar.objects.filter(pk=obj.pk).update(
                **{one: form.cleaned_data[one] for one in form.changed_data}
            )

    def _new_link(self, request: HttpRequest, calendar: PublishedCalendar) -> HttpResponse:
        calendar.token = new_token()
        calendar.save(update_fields=["token"])
        self.log_change(request, calendar, mark("Replaced the link."))
        text = _("{calendar}: there is a new link. The former one shows nothing any more.")
        messages.success(request, text.format(calendar=calendar))
        return self.redirect_to(calendar)

    @admin.action(description=lazy("Revoke the links"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[PublishedCalendar]) -> HttpResponse | None:
        revoked = list(queryset.filter(is_active=True).select_related("property"))
        if revoked and not is_confirmed(request):
            question = Question(
                "revoke",
                _("Revoke links"),
                _("People who have these links see nothing there any more:"),
                ngettext("Yes, revoke {number} link", "Yes, revoke {number} links", len(revoked)).format(
                    number=len(revoked)
                ),
            )
            return ask(self, request, {one.pk: str(one) for one in revoked}, question)
        PublishedCalendar.objects.filter(pk__in=[one.pk for one in revoked]).update(is_active=False)
        for one in revoked:
            self.log_change(request, one, mark("Revoked the link."))
        if revoked:
            text = ngettext("{number} link revoked.", "{number} links revoked.", len(revoked))
            messages.success(request, text.format(number=len(revoked)))
        else:
            text = _("Nothing was left to revoke: the calendars that you chose show nothing already.")
            messages.info(request, text)
        return None


def link_of(request: HttpRequest, calendar: PublishedCalendar) -> str:
    """The address to pass on; empty where no configured key opens the stored token."""
    try:
        token = calendar.token
    except UndecryptableValue:
        return ""
    return request.build_absolute_uri(reverse("published-calendar", args=[token]))
