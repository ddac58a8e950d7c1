"""Published calendars in the admin: who may read the stays of a property, by which link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.history import ToldInHistory
from rentals.admin.look import STYLES, PlainTitles
from rentals.admin.scoped import Scoped
from rentals.admin.sure import Question, ask, is_sure
from rentals.fields import UndecryptableValue
from rentals.models import PublishedCalendar
from rentals.models.tokens import new_token

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[PublishedCalendar]
else:
    _Admin = admin.ModelAdmin


@admin.register(PublishedCalendar)
class PublishedCalendarAdmin(PlainTitles, ToldInHistory, Scoped, _Admin):
    """The link is a secret: it stands on a calendar's own page, for who may change it, and nowhere else."""

    change_form_template = "rentals/admin/published_form.html"
    list_display = ("name", "property", "shows", "is_active")
    list_filter = ("is_active", ("property", RelatedChoice))
    search_fields = ("name", "property__name")
    actions = ("revoke",)
    fieldsets = (
        (None, {"fields": ("property", "name", "is_active")}),
        (
            "What it shows",
            {
                "fields": ("shows_guest_names", "shows_turnovers"),
                "description": "Stays from 30 days ago to 2 years ahead. Door codes, phone numbers and reservation "
                "codes are never in it.",
            },
        ),
    )

    class Media:
        css = {"all": (*STYLES["all"], "rentals/published.css")}
        js = ("rentals/copy.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublishedCalendar]:
        # Without the token: neither a list nor a form needs it decrypted.
        return super().get_queryset(request).select_related("property").defer(*PublishedCalendar.SECRETS)

    @admin.display(description="Shows")
    def shows(self, calendar: PublishedCalendar) -> str:
        stays = "stays with guest names" if calendar.shows_guest_names else "stays without names"
        return f"{stays}, turnovers" if calendar.shows_turnovers else stays

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.new_link_view)
        return [
            path("<int:calendar_id>/new-link/", view, name="rentals_publishedcalendar_new_link"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        calendar: PublishedCalendar | None = kwargs.get("obj")
        if calendar is not None and calendar.pk and self.has_change_permission(request, calendar):
            context |= {"link": link_of(request, calendar), "calendar": calendar}
        return super().render_change_form(request, context, *args, **kwargs)

    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        # A page with a secret on it stays in no cache, the browser's own included.
        page: HttpResponse = never_cache(super().changeform_view)(*args, **kwargs)
        return page

    def save_model(self, request: HttpRequest, obj: PublishedCalendar, form: Any, change: bool) -> None:
        """A change writes what was changed and nothing else: it must be possible to revoke a link that no configured
        key opens any more, and saving the whole row would read it."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            PublishedCalendar.objects.filter(pk=obj.pk).update(
                **{one: form.cleaned_data[one] for one in form.changed_data}
            )

    def new_link_view(self, request: HttpRequest, calendar_id: int) -> HttpResponse:
        return require_POST(self._new_link)(request, calendar_id)

    def _new_link(self, request: HttpRequest, calendar_id: int) -> HttpResponse:
        calendar = self.get_object(request, str(calendar_id))
        if calendar is None:
            raise Http404
        if not self.has_change_permission(request, calendar):
            raise PermissionDenied
        calendar.token = new_token()
        calendar.save(update_fields=["token"])
        self._note(request, [calendar], "Replaced the link.")
        messages.success(request, f"{calendar}: there is a new link. The former one shows nothing any more.")
        return HttpResponseRedirect(reverse("admin:rentals_publishedcalendar_change", args=[calendar.pk]))

    @admin.action(description="Revoke the links", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[PublishedCalendar]) -> HttpResponse | None:
        revoked = list(queryset.filter(is_active=True).select_related("property"))
        if revoked and not is_sure(request):
            question = Question(
                "revoke",
                "Revoke links",
                "Whoever has these links sees nothing there any more:",
                f"Yes, revoke {len(revoked)} link{'' if len(revoked) == 1 else 's'}",
            )
            return ask(self, request, {one.pk: str(one) for one in revoked}, question)
        PublishedCalendar.objects.filter(pk__in=[one.pk for one in revoked]).update(is_active=False)
        self._note(request, revoked, "Revoked the link.")
        number = len(revoked)
        if number:
            messages.success(request, f"{number} link{'' if number == 1 else 's'} revoked.")
        else:
            messages.info(request, "Nothing was left to revoke: what you chose shows nothing already.")
        return None

    def _note(self, request: HttpRequest, calendars: list[PublishedCalendar], text: str) -> None:
        for one in calendars:
            LogEntry.objects.log_actions(
                user_id=request.user.pk or 0,
                queryset=[one],
                action_flag=CHANGE,
                change_message=text,
                single_object=True,
            )


def link_of(request: HttpRequest, calendar: PublishedCalendar) -> str:
    """The address to pass on; empty where no configured key opens the stored token."""
    try:
        token = calendar.token
    except UndecryptableValue:
        return ""
    return request.build_absolute_uri(reverse("published-calendar", args=[token]))
