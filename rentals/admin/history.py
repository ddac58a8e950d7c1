"""What the history of an object says about a changed form: the former and the new value of each field, and of a secret
only that it was changed. Django keeps the lines, with their author and time.

They are kept in English, because people of several languages read them. Whoever shows one asks `told`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, time, tzinfo
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.exceptions import FieldDoesNotExist
from django.forms.utils import pretty_name
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _

from rentals.fields import EncryptedTextField
from rentals.phrases import mark

_LONGEST: Final = 80
_MOST_NAMES: Final = 8
_NOTHING: Final = mark("empty")
_YES, _NO, _CHANGED, _DELETED = mark("yes"), mark("no"), mark("changed"), mark("deleted")
_ADDED, _REMOVED = mark("added"), mark("removed")
_WITHOUT_CHANGE: Final = mark("Saved without a change.")
#: One change as `_line` writes it.
_CHANGE: Final = re.compile(
    rf"(?P<label>[^:→]+)(?:: (?:(?P<word>{_CHANGED}|{_DELETED})|(?P<moved>(?:{_ADDED}|{_REMOVED}) .*)"
    r"|(?P<before>.*) → (?P<after>.*)))?"
)
_MOVED: Final = re.compile(rf"^(?:{_ADDED}|{_REMOVED})(?= )|(?<=; ){_REMOVED}(?= )")


class DetailedHistory:
    """Stands before ModelAdmin among the bases."""

    def history_zone(self, obj: Any) -> tzinfo:
        """The zone of the times in the history of an object."""
        return UTC

    def construct_change_message(
        self, request: HttpRequest, form: forms.BaseForm, formsets: Any, add: bool = False
    ) -> Any:
        """“Check-in time: 15:00 → 16:00. Locks: added Attic.” An added object gets Django's own line: its
        page shows the values."""
        if add:
            return super().construct_change_message(request, form, formsets, add)  # type: ignore[misc]
        with translation.override(settings.LANGUAGE_CODE):
            lines = [*changes(form), *(line for formset in formsets or () for line in _of_formset(formset))]
        return f"{'. '.join(lines)}." if lines else _WITHOUT_CHANGE

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The history, with times in one zone, which the title names."""
        obj = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if obj is None:
            missing: HttpResponse = super().history_view(request, object_id, extra_context)  # type: ignore[misc]
            return missing
        zone = self.history_zone(obj)
        title = _("History of {thing} (times of {zone})").format(thing=obj, zone=zone)
        with timezone.override(zone):
            response: HttpResponse = super().history_view(  # type: ignore[misc]
                request, object_id, {"title": title, **(extra_context or {})}
            )
            if not isinstance(response, TemplateResponse):
                return response
            for entry in (response.context_data or {}).get("action_list", ()):
                entry.change_message = told(entry)  # for the page alone: nothing saves it
            return response.render()


def told(entry: LogEntry) -> str:
    """A line of the history in the language that is active: one of our constants, or changes of fields. Any other stays
    as it was written. Names and values in it are never translated."""
    line = entry.get_change_message()
    if not line or (said := _(line)) != line:
        return said if line else ""
    found = [_CHANGE.fullmatch(one) for one in line.removesuffix(".").split(". ")]
    return f"{'. '.join(_change(one) for one in found if one)}." if all(found) and line.endswith(".") else line


def _change(found: re.Match[str]) -> str:
    label = _label(found["label"])
    if found["word"]:
        return f"{label}: {_(found['word'])}"
    if found["moved"]:
        return f"{label}: {_MOVED.sub(lambda word: _(word[0]), found['moved'])}"
    return label if found["after"] is None else f"{label}: {_value(found['before'])} → {_value(found['after'])}"


def _label(label: str) -> str:
    """Most labels are made of the name of a field, whose first letter is small."""
    lower = f"{label[:1].lower()}{label[1:]}"
    said = _(label)
    return capfirst(_(lower)) if said == label and _(lower) != lower else said


def _value(value: str) -> str:
    return _(value) if value in (_YES, _NO, _NOTHING) else value


def changes(form: forms.BaseForm) -> Iterator[str]:
    """A line for each field that a person changed in a form. The form is valid and saved already."""
    for name in form.changed_data:
        yield _line(form, name)


def _of_formset(formset: Any) -> Iterator[str]:
    for row in formset.forms:
        what = pretty_name(str(row.instance._meta.verbose_name))
        if row in formset.deleted_forms:
            yield f"{what}: {_DELETED}"
        elif row.has_changed():
            yield f"{what}: {'; '.join(changes(row))}"


def _line(form: forms.BaseForm, name: str) -> str:
    field = form.fields.get(name)
    if field is None:  # the form for a password names its two fields differently
        return f"{pretty_name(name)}: {_CHANGED}"
    label = str(field.label or pretty_name(name))
    if not _is_public(form, name):
        return label if isinstance(field, forms.BooleanField) else f"{label}: {_CHANGED}"
    before, after = form.get_initial_for_field(field, name), form.cleaned_data.get(name)
    if isinstance(field, forms.ModelMultipleChoiceField | forms.MultipleChoiceField):
        return f"{label}: {_moved(_chosen(field, before), _chosen(field, after))}"
    return f"{label}: {_said(field, before)} → {_said(field, after)}"


def _is_public(form: forms.BaseForm, name: str) -> bool:
    """Whether the history may show the values of a field: only those that the model stores unencrypted, because any
    other may be a secret. Not the object that a row belongs to: a person who sees the row now may not see the property
    where it was before."""
    field = form.fields[name]
    if not isinstance(form, forms.ModelForm) or getattr(field.widget, "input_type", "") == "password":
        return False
    if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
        return False
    try:
        kept = form._meta.model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return not isinstance(kept, EncryptedTextField)


def _said(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.BooleanField):
        return _YES if value else _NO
    if value is None or value == "":
        return _NOTHING
    if isinstance(field, forms.ChoiceField):
        return _labels(field).get(str(value), str(value))
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return Truncator(str(value)).chars(_LONGEST)


def _chosen(field: forms.Field, values: Any) -> dict[Any, Any]:
    """The chosen objects under their keys: two locks may have one name."""
    if isinstance(field, forms.MultipleChoiceField):
        return {str(one): _labels(field).get(str(one), str(one)) for one in values or ()}
    return {one.pk: one for one in values or ()}


def _labels(field: forms.ChoiceField) -> dict[str, str]:
    choices: Any = field.choices
    return {str(value): str(label) for value, label in _flat(choices)}


def _flat(choices: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from _flat(label)
        else:
            yield value, label


def _moved(before: dict[Any, Any], after: dict[Any, Any]) -> str:
    steps = (
        (_ADDED, [one for key, one in after.items() if key not in before]),
        (_REMOVED, [one for key, one in before.items() if key not in after]),
    )
    return "; ".join(f"{word} {_listed(found)}" for word, found in steps if found)


def _listed(found: list[Any]) -> str:
    """Ask only the named objects for their names: the name of a permission takes a query."""
    more = len(found) - _MOST_NAMES
    return ", ".join(str(one) for one in found[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
