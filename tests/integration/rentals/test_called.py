"""Names of models and fields that the models do not give themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from django.utils import translation
from django.utils.functional import Promise


def unnamed() -> Iterator[tuple[type[Model], Any]]:
    """Fields whose name Django makes of the attribute."""
    for model in apps.get_app_config("rentals").get_models():
        fields: list[Any] = [*model._meta.local_fields, *model._meta.local_many_to_many]
        for field in fields:
            if field._verbose_name is None:  # what the model says; migrations compare it
                yield model, field


def test_in_english_each_is_called_as_before() -> None:
    for model, field in unnamed():
        assert str(field.verbose_name) == field.name.replace("_", " "), (model, field)


@pytest.mark.parametrize("model", [*apps.get_app_config("rentals").get_models()])
def test_a_model_has_both_numbers_in_other_languages(model: type[Model]) -> None:
    names = model._meta.verbose_name, model._meta.verbose_name_plural
    assert all(isinstance(one, Promise) for one in names)
    one, many = map(str, names)
    assert many in (f"{one}s", f"{one[:-1]}ies", one.replace("restriction", "restrictions"))


def test_a_name_follows_the_language() -> None:
    name: Any = apps.get_model("rentals", "Property")._meta.get_field("name")
    with translation.override("pl"):
        assert str(name.verbose_name) == "nazwa"
    assert str(name.verbose_name) == "name"
