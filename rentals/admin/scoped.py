"""Pages for people who may see only some properties: lists, choices and single pages show those and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from rentals.access import Scope, is_governed, scope_of, visible
from rentals.admin.bulk_limits import LimitedBulkActions
from rentals.admin.own_records import DeletesOwnRecords


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    """Whether this person may see rows of a model at all."""
    opts = model._meta
    return any(request.user.has_perm(f"{opts.app_label}.{verb}_{opts.model_name}") for verb in ("view", "change"))


class KnownLookups:
    """Lists are filtered by what they offer, by columns of their own, and by the row that a column names; never by the
    columns of that row or by rows that name this one: `?properties__id__exact=7` on a lock would say which properties
    use it, also those that the person does not see. Stands before ModelAdmin among the bases."""

    #: In the names of columns that hold fingerprints or tokens. Those with ciphertext are `SECRETS` of their model.
    _FINGERPRINTS: ClassVar = ("digest", "hash", "token", "secret", "password", "fingerprint")
    _OF_A_KEY: ClassVar = frozenset({"exact", "in", "isnull"})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """An empty `?_to_field=` names no column: Django would fail with a fault."""
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if not super().lookup_allowed(lookup, value, request):  # type: ignore[misc]
            return False
        if lookup.split("__", maxsplit=1)[0] in _offered(self, request):
            return True
        model: type[Model] = self.model  # type: ignore[attr-defined]
        name, *rest = lookup.split("__")
        try:
            field = model._meta.get_field("id" if name == "pk" else name)
        except FieldDoesNotExist:
            return True  # no column: a parameter of the page itself, or Django ignores it
        if not field.concrete or field.many_to_many or name in _hidden(model):
            return False
        if any(word in name for word in self._FINGERPRINTS):
            return False
        if not field.is_relation:
            return True
        key = field.related_model._meta.pk.name if field.related_model else "id"
        return set(rest) - {key, "pk"} <= self._OF_A_KEY


def _hidden(model: type[Model]) -> tuple[str, ...]:
    """Columns with ciphertext, and with personal data that no list shows."""
    return (*getattr(model, "SECRETS", ()), *getattr(model, "PERSONAL", ()))


def _offered(page: Any, request: HttpRequest) -> set[str]:
    """The first words of the filters that a list offers."""
    filters = page.get_list_filter(request)
    names = {page.date_hierarchy} if page.date_hierarchy else set()
    for one in filters:
        if isinstance(one, str):
            names.add(one)
        elif isinstance(one, list | tuple):
            names.add(one[0])
    return {name.split("__")[0] for name in names}


class ClosedToRestricted(KnownLookups):
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
