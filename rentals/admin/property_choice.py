"""The choice of a property: a list while they are few, a search when they are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from rentals.models import Booking, Property

if TYPE_CHECKING:
    _Choice = forms.ModelChoiceField[Property]
else:
    _Choice = forms.ModelChoiceField

#: A list of this length still opens at once, and can be searched by first letters.
MOST_LISTED: Final = 200
#: Digits. A database does not answer that a longer number has no row; it fails.
_LONGEST_KEY: Final = 18


class PropertyChoice(_Choice):
    """Names the zone and the usual times beside each property, since the times on the form are read in that zone."""

    def label_from_instance(self, obj: Property) -> str:
        return in_full(obj)


def in_full(one: Property) -> str:
    """`Garden flat (15:00 to 11:00, Europe/Warsaw)`"""
    if one.is_active:
        said = _("{property} ({check_in} to {check_out}, {zone})")
    else:
        said = _("{property} ({check_in} to {check_out}, {zone}, switched off)")
    times = {"check_in": f"{one.check_in_time:%H:%M}", "check_out": f"{one.check_out_time:%H:%M}"}
    return said.format(property=one.name, zone=one.timezone, **times)


def search_when_many(field: PropertyChoice, request: HttpRequest) -> None:
    """Let people search who may: Django's search asks for the right to see properties."""
    pages = admin.site.get_model_admin(Property)
    if pages.has_view_permission(request) and field.queryset is not None and field.queryset.count() > MOST_LISTED:
        field.widget = _Search(Booking._meta.get_field("property"), admin.site, choices=field.choices)


class _Search(AutocompleteSelect):
    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> list[Any]:
        """Of what no key can be, nothing is shown as chosen; the form says what is wrong with it."""
        keys = [one for one in value if one.isascii() and one.isdecimal() and len(one) <= _LONGEST_KEY]
        return super().optgroups(name, keys, attr)


class Results(AutocompleteJsonView):
    """Django's search, whose results say of properties what the list would."""

    def process_request(self, request: HttpRequest) -> Any:
        """Without what no name holds: PostgreSQL refuses a NUL. Raises PermissionDenied also for a relation that is no
        column, such as the rows that name this one: Django asks it for choices that it has not."""
        term, page, source, to_field = super().process_request(request)
        if not source.concrete:
            raise PermissionDenied
        return term.replace("\x00", " "), page, source, to_field

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        result = super().serialize_result(obj, to_field_name)
        return {**result, "text": in_full(obj)} if isinstance(obj, Property) else result
