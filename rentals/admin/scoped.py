"""Pages for people who may see only some properties: lists, choices and single pages show those and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from rentals.access import Scope, is_governed, scope_of, visible
from rentals.admin.bulk_limits import LimitedBulkActions
from rentals.admin.own_records import DeletesOwnRecords


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    """Whether this person may see rows of a model at all."""
    opts = model._meta
    return any(request.user.has_perm(f"{opts.app_label}.{verb}_{opts.model_name}") for verb in ("view", "change"))


class ClosedToRestricted:
    """Pages that concern all properties at once, closed to people who see only some. Stands before ModelAdmin among the
    bases."""

    #: What restricted people may not do here, whatever their permissions say.
    closed: ClassVar[frozenset[str]] = frozenset({"view", "add", "change", "delete"})

    def _is_closed(self, request: HttpRequest, verb: str) -> bool:
        return verb in self.closed and scope_of(request.user).restricted

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._is_closed(request, "view") and super().has_view_permission(request, obj)  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not self._is_closed(request, "add") and super().has_add_permission(request)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._is_closed(request, "change") and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._is_closed(request, "delete") and super().has_delete_permission(request, obj)  # type: ignore[misc]


class Scoped(LimitedBulkActions, DeletesOwnRecords, ClosedToRestricted):
    """Lists, searches, actions, single pages and the choices of other pages all take their rows from `get_queryset`,
    and forms offer what the two `formfield_for` methods return. A page that does not call this `get_queryset` must
    call `visible` itself."""

    closed = frozenset[str]()

    def scope(self, request: HttpRequest) -> Scope:
        return scope_of(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return visible(rows, self.scope(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return self._narrowed(super().formfield_for_foreignkey(db_field, request, **kwargs), request)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return self._narrowed(super().formfield_for_manytomany(db_field, request, **kwargs), request)  # type: ignore[misc]

    def _narrowed(self, field: Any, request: HttpRequest) -> Any:
        choices = field.queryset if isinstance(field, forms.ModelChoiceField) else None
        if choices is not None and is_governed(choices.model):
            field.queryset = visible(choices, self.scope(request))
        return field
