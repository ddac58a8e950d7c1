"""Labels and help on pages of the admin are said in the reader's language, also the labels that Django makes of the
names of columns (`rentals.models.called`). What is written about columns that no page shows stays English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils.functional import Promise

OURS = [model for model, page in admin.site._registry.items() if type(page).__module__.startswith("pins.")]


@pytest.fixture
def request_of_host(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/")
    request.user = User(is_active=True, is_superuser=True)
    return request


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_no_label_stays_english(model: Any, request_of_host: HttpRequest) -> None:
    page = admin.site.get_model_admin(model)
    inlines = [made(model, admin.site) for made in page.inlines]
    said: dict[str, object] = {"itself": model._meta.verbose_name, "many": model._meta.verbose_name_plural}
    said |= {f"column {name}": label for name, label in _columns(page, request_of_host)}
    if page.has_change_permission(request_of_host):
        said |= {f"field {name}": label for name, label in _fields(page.get_form(request_of_host))}
    for one in inlines:
        said |= {f"{one.model.__name__} {name}": label for name, label in _inline(one, request_of_host)}
    assert [name for name, label in said.items() if not isinstance(label, Promise)] == []


def _columns(page: admin.ModelAdmin[Any], request: HttpRequest) -> Iterator[tuple[str, object]]:
    filters = [one[0] if isinstance(one, tuple) else one for one in page.get_list_filter(request)]
    yield from _of_columns(page, {*page.get_list_display(request), *filters})
    yield from _of_columns(page, {*page.get_readonly_fields(request), *(page.fields or ())}, with_help=True)


def _inline(inline: Any, request: HttpRequest) -> Iterator[tuple[str, object]]:
    yield "many", inline.verbose_name_plural
    yield from _of_columns(inline, {*inline.get_readonly_fields(request), *(inline.fields or ())}, with_help=True)
    if inline.has_change_permission(request):
        formset = inline.get_formset(request)
        yield from ((name, label) for name, label in _fields(formset.form) if name != formset.fk.name)


def _of_columns(page: BaseModelAdmin[Any], names: set[Any], *, with_help: bool = False) -> Iterator[tuple[str, object]]:
    for name in sorted(one for one in names if isinstance(one, str)):
        try:
            column = page.model._meta.get_field(name)
        except FieldDoesNotExist:
            shown = getattr(page, name, None) or getattr(page.model, name, None)
            if shown is not None:
                yield name, getattr(shown, "short_description", None)
        else:
            if isinstance(column, Field):
                yield name, column.verbose_name
                yield from _help(name, column) if with_help else ()


def _fields(form: Any) -> Iterator[tuple[str, object]]:
    for name, field in form.base_fields.items():
        yield name, field.label
        yield from _help(name, field)


def _help(name: str, field: Any) -> Iterator[tuple[str, object]]:
    if field.help_text:
        yield f"{name}, help", field.help_text
