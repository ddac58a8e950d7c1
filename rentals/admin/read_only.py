"""Pages of records that Turnkey writes and people only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from rentals.admin.appearance import STYLES, PlainTitles
from rentals.admin.scoped import Scoped

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class ReadOnly:
    """Nobody adds, changes or deletes a row. Stands before ModelAdmin or an inline among the bases."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, PlainTitles, Scoped, _Admin):
    kept_by_turnkey = True
    actions = None
    list_per_page = 50
    show_full_result_count = False

    class Media:
        css = STYLES
