"""Filters by one of many rows: links while they are few, a list to choose from when they are not."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from rentals.access import scope_of, visible

#: More links than this would be longer than the page.
MOST_LINKS: Final = 12


class SelectWhenMany:
    """Stands before one of Django's list filters among the bases."""

    template = "rentals/admin/choice_filter.html"
    lookup_choices: Any

    @property
    def chosen_by(self) -> str:
        """The name of the parameter that holds the choice."""
        return str(getattr(self, "parameter_name", None) or self.lookup_kwarg)  # type: ignore[attr-defined]

    @property
    def is_long(self) -> bool:
        return len(self.lookup_choices) > MOST_LINKS

    def get_facet_counts(self, pk_attname: str, filtered_qs: Any) -> dict[str, Any]:
        """No counts in a long list: one for each of some hundred choices would cost more than the list itself."""
        return {} if self.is_long else super().get_facet_counts(pk_attname, filtered_qs)  # type: ignore[misc]

    def choices(self, changelist: Any) -> Any:
        if not self.is_long:
            yield from super().choices(changelist)  # type: ignore[misc]
            return
        self.kept = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.chosen_by
            for value in values
        ]
        chosen = changelist.filter_params.get(self.chosen_by, [])
        for key, name in self.lookup_choices:
            yield {"value": key, "display": name, "selected": str(key) in chosen}


class NamedChoice(admin.SimpleListFilter):
    """By a related row, shown by its name alone: Django's own filter would decrypt the secrets of each row."""

    #: What the foreign key `parameter_name` points to. It has a name.
    related: type[Any]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = visible(self.related.objects.order_by("name", "pk"), scope_of(request.user))
        return [(str(pk), name) for pk, name in shown.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(**{f"{self.parameter_name}_id": int(chosen)}) if chosen in known else queryset


class RelatedChoice(SelectWhenMany, admin.RelatedOnlyFieldListFilter):
    """By the row that a foreign key points to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.used_parameters.get(self.lookup_kwarg) == [""]:  # “All”, as a browser sends it
            del self.used_parameters[self.lookup_kwarg]
