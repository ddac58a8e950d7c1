"""What is done to many rows of a list at once, and what may be deleted along with a row."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect

#: Rows at a time: what is to be confirmed is read by a person, and done while one waits for the page.
MOST = 200
_NO = frozenset({"", "0", "false", "False"})


class ManyAtOnce:
    """Stands before ModelAdmin among the bases."""

    #: Nobody deletes these by hand: Turnkey writes them, and they go with what they are about.
    kept_by_turnkey: ClassVar[bool] = False

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Of what was chosen, what is there and can be seen, and not more than somebody can answer for."""
        sent = request.POST.getlist(ACTION_CHECKBOX_NAME)
        chosen = [one for one in sent if one.isascii() and one.isdigit() and len(one) < 19]
        across = request.POST.get("select_across", "") not in _NO
        count = (queryset if across else queryset.filter(pk__in=chosen)).count()
        if refusal := self._refusal(count):
            messages.error(request, refusal)
            return HttpResponseRedirect(request.get_full_path())
        if not across and (gone := len(set(sent)) - count):
            messages.warning(request, f"{gone} of what you chose is not there any more.")
        kept = request.POST.copy()
        kept.setlist(ACTION_CHECKBOX_NAME, chosen)
        request.POST = kept  # type: ignore[assignment]
        return super().response_action(request, queryset, *args, **kwargs)  # type: ignore[misc]

    def _refusal(self, count: int) -> str:
        if not count:
            return "What you chose is not there any more. Nothing was done."
        if count <= MOST:
            return ""
        rows = self.model._meta.verbose_name_plural  # type: ignore[attr-defined]
        return f"Nothing was done: you chose {count} {rows}. Choose at most {MOST} at a time; search and filters help."

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What Turnkey keeps about a row needs no permission of its own: nobody has one."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        site = self.admin_site  # type: ignore[attr-defined]
        own = {
            str(model._meta.verbose_name)
            for model in apps.get_models()
            if site.is_registered(model) and getattr(site.get_model_admin(model), "kept_by_turnkey", False)
        }
        return found, counts, needed - own, protected
