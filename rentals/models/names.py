"""Columns for names that strangers may have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from rentals.plain_text import one_line

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class NameField(_CharField):
    """A CharField that holds one line without control or direction-changing characters, through whatever door it came:
    a form, a table, a calendar, the lock cloud, or code. To the database, and so to migrations, it is a CharField."""

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def to_python(self, value: Any) -> Any:
        return _plain(super().to_python(value))

    def get_prep_value(self, value: Any) -> Any:
        return _plain(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """What the object holds after it was saved is what the database holds."""
        kept = _plain(super().pre_save(model_instance, add))
        if isinstance(kept, str):
            setattr(model_instance, self.attname, kept)
        return kept


def _plain(value: Any) -> Any:
    return one_line(value, len(value)) if isinstance(value, str) and not value.isprintable() else value
