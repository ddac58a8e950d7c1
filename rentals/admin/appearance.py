"""How our lists look: one style sheet, and titles that name what a list shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

STYLES = {"all": ("rentals/admin.css",)}


class PlainTitles:
    """Titles such as “Bookings” in place of Django's “Select booking to change”. Stands before ModelAdmin among the
    bases."""

    model: Any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.model._meta.verbose_name_plural)
        context = {"title": title[:1].upper() + title[1:], **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)  # type: ignore[misc]
        return response
