"""Everything that people did: who, when, to what, from what to what. Written by Django and by our own pages."""

from __future__ import annotations

from datetime import UTC
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from rentals.admin.choice_filter import RelatedChoice
from rentals.admin.look import STYLES
from rentals.admin.scoped import ClosedToRestricted

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[LogEntry]
else:
    _Admin = admin.ModelAdmin


class KindFilter(admin.SimpleListFilter):
    """Of what there is a line, by what people call it."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = LogEntry.objects.filter(content_type__isnull=False).values("content_type").distinct()
        kinds = ContentType.objects.filter(pk__in=named)
        return sorted(((str(one.pk), _kind(one)) for one in kinds), key=itemgetter(1))

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(content_type=int(self.value() or 0)) if self.value() in known else queryset


class ChangeFilter(admin.SimpleListFilter):
    title = "what was done"
    parameter_name = "change"
    WORDS = ((ADDITION, "Added"), (CHANGE, "Changed"), (DELETION, "Deleted"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(flag), word) for flag, word in self.WORDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        shown = {value for value, _ in self.lookup_choices}
        return queryset.filter(action_flag=int(self.value() or 0)) if self.value() in shown else queryset


@admin.register(LogEntry)
class ChangeAdmin(ClosedToRestricted, _Admin):
    """Nobody adds, changes or deletes a line; who sees some properties only sees the history of each object there."""

    list_display = ("at", "user", "thing", "done")
    list_display_links = None
    change_list_template = "rentals/admin/changes.html"
    list_filter = (
        ("user", RelatedChoice),
        KindFilter,
        ChangeFilter,
    )
    search_fields = ("object_repr", "change_message", "user__username")
    search_help_text = "What it is called, what was changed, or who did it"
    date_hierarchy = "action_time"
    ordering = ("-action_time", "-pk")
    show_full_result_count = False
    fields = readonly_fields = ("at", "user", "thing", "done")

    class Media:
        css = STYLES

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Changes", **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("user", "content_type")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """So a person who did something cannot be deleted either, which would delete what they did: take away
        “Active” instead."""
        return False

    @admin.display(description="When", ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        return f"{entry.action_time.astimezone(UTC):%a %-d %b %Y, %H:%M} UTC"

    @admin.display(description="What")
    def thing(self, entry: LogEntry) -> str:
        kind = _kind(entry.content_type) if entry.content_type else "Something"
        url = None if entry.is_deletion() else entry.get_admin_url()
        if url is None:
            return f"{kind}: {entry.object_repr}"
        return format_html('{}: <a href="{}">{}</a>', kind, url, entry.object_repr)

    @admin.display(description="What was done")
    def done(self, entry: LogEntry) -> str:
        return entry.get_change_message() or dict(ChangeFilter.WORDS)[entry.action_flag]


def _kind(content_type: ContentType) -> str:
    return str(content_type.name).capitalize()
