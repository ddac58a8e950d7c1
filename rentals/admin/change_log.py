"""The list of all changes that people made: who, when, to what, from which value to which."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rentals.admin.appearance import STYLES
from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.history import told
from rentals.admin.read_only import ReadOnly
from rentals.admin.scoped import ClosedToRestricted
from rentals.wording import day_and_time

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[LogEntry]
else:
    _Admin = admin.ModelAdmin


class KindFilter(admin.SimpleListFilter):
    """By the kind of the changed object, in plain words."""

    title = lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = LogEntry.objects.filter(content_type__isnull=False).values("content_type").distinct()
        kinds = ContentType.objects.filter(pk__in=named)
        return sorted(((str(one.pk), _kind(one)) for one in kinds), key=itemgetter(1))

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        known = {value for value, _word in self.lookup_choices}
        return queryset.filter(content_type=int(self.value() or 0)) if self.value() in known else queryset


class ChangeFilter(admin.SimpleListFilter):
    title = lazy("what was done")
    parameter_name = "change"
    WORDS = ((ADDITION, lazy("Added")), (CHANGE, lazy("Changed")), (DELETION, lazy("Deleted")))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(flag), str(word)) for flag, word in self.WORDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        shown = {value for value, _word in self.lookup_choices}
        return queryset.filter(action_flag=int(self.value() or 0)) if self.value() in shown else queryset


@admin.register(LogEntry)
class ChangeAdmin(ReadOnly, ClosedToRestricted, _Admin):
    """For people who see all properties; others see the history of each single object.

    Nobody deletes a line. So a person who did something cannot be deleted either, because their lines would go too:
    clear “Active” instead.
    """

    list_display = ("at", "user", "thing", "done")
    list_display_links = None
    change_list_template = "rentals/admin/changes.html"
    list_filter = (
        ("user", RelatedChoice),
        KindFilter,
        ChangeFilter,
    )
    search_fields = ("object_repr", "change_message", "user__username")
    search_help_text = lazy("What it is called, what was changed, or who did it")
    date_hierarchy = "action_time"
    ordering = ("-action_time", "-pk")
    show_full_result_count = False
    fields = readonly_fields = ("at", "user", "thing", "done")

    class Media:
        css = STYLES

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Changes"), **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("user", "content_type")

    @admin.display(description=lazy("When"), ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        return day_and_time(entry.action_time, ZoneInfo("UTC"))

    @admin.display(description=lazy("What"))
    def thing(self, entry: LogEntry) -> str:
        kind = _kind(entry.content_type) if entry.content_type else _("Something")
        url = None if entry.is_deletion() else entry.get_admin_url()
        if url is None:
            return f"{kind}: {entry.object_repr}"
        return format_html('{}: <a href="{}">{}</a>', kind, url, entry.object_repr)

    @admin.display(description=lazy("What was done"))
    def done(self, entry: LogEntry) -> str:
        return told(entry) or str(dict(ChangeFilter.WORDS)[entry.action_flag])


def _kind(content_type: ContentType) -> str:
    return str(content_type.name).capitalize()
