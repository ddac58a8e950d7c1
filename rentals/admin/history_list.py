"""Everything that people did: who, when, to what, from what to what. Written by Django and by our own pages."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from rentals.admin.look import STYLES
from rentals.admin.scoped import ClosedToRestricted

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[LogEntry]
else:
    _Admin = admin.ModelAdmin


@admin.register(LogEntry)
class ChangeAdmin(ClosedToRestricted, _Admin):
    """Nobody adds, changes or deletes a line; who sees some properties only sees the history of each object there."""

    list_display = ("at", "user", "thing", "said")
    list_display_links = None
    list_filter = (
        ("user", admin.RelatedOnlyFieldListFilter),
        ("content_type", admin.RelatedOnlyFieldListFilter),
        "action_flag",
    )
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message", "user__username")
    search_help_text = "What it is called, what was changed, or who did it"
    date_hierarchy = "action_time"
    ordering = ("-action_time", "-pk")
    show_full_result_count = False
    fields = readonly_fields = ("at", "user", "thing", "said")

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

    @admin.display(description="When (UTC)", ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        return f"{entry.action_time.astimezone(UTC):%a %-d %b %Y, %H:%M}"

    @admin.display(description="What")
    def thing(self, entry: LogEntry) -> str:
        kind = str(entry.content_type.name).capitalize() if entry.content_type else "Something"
        url = None if entry.is_deletion() else entry.get_admin_url()
        if url is None:
            return f"{kind}: {entry.object_repr}"
        return format_html('{}: <a href="{}">{}</a>', kind, url, entry.object_repr)

    @admin.display(description="What was done")
    def said(self, entry: LogEntry) -> str:
        return entry.get_change_message() or str(entry.get_action_flag_display())
