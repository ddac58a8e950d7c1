"""Limits for actions on many rows of a list at once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

#: Rows of one action. A person reads the names of all of them before they confirm, and then waits for the page.
MOST_ROWS = 200
_NO = frozenset({"", "0", "false", "False"})


class LimitedBulkActions:
    """Stands before ModelAdmin among the bases."""

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Run the action on those of the chosen rows that still exist and that this person sees; refuse too many."""
        sent = request.POST.getlist(ACTION_CHECKBOX_NAME)
        chosen = [one for one in sent if one.isascii() and one.isdigit() and len(one) < 19]
        across = request.POST.get("select_across", "") not in _NO
        count = (queryset if across else queryset.filter(pk__in=chosen)).count()
        if refusal := self._refusal(count):
            messages.error(request, refusal)
            return HttpResponseRedirect(request.get_full_path())
        if not across and (gone := len(set(sent)) - count):
            messages.warning(
                request,
                ngettext(
                    "{number} of what you chose is not there any more.",
                    "{number} of what you chose are not there any more.",
                    gone,
                ).format(number=gone),
            )
        kept = request.POST.copy()
        kept.setlist(ACTION_CHECKBOX_NAME, chosen)
        request.POST = kept  # type: ignore[assignment]
        return super().response_action(request, queryset, *args, **kwargs)  # type: ignore[misc]

    def _refusal(self, count: int) -> str:
        if not count:
            return _("What you chose is not there any more. Nothing was done.")
        if count <= MOST_ROWS:
            return ""
        rows = self.model._meta.verbose_name_plural  # type: ignore[attr-defined]
        return _(
            "Nothing was done: you chose {count} {rows}. Choose at most {most} at a time; search and filters help."
        ).format(count=count, rows=rows, most=MOST_ROWS)
