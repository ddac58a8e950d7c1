"""Sentences of ours in the database, for readers of any language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from rentals.phrases import packed, unpacked

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class SentenceField(_CharField):
    """A sentence that was made from marked texts (`rentals.phrases`), together with what it was made of: it reads as
    English, and `rentals.wording.said` says it in the reader's language.

    Rows of earlier releases hold plain English: a constant sentence is translated all the same, one with values in it
    stays English. What does not fit the column is stored as plain English, cut off.
    """

    description = "Sentence that can be said in another language"

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else unpacked(value)

    def get_prep_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            return super().get_prep_value(value)
        stored = packed(value)
        return stored if self.max_length is None or len(stored) <= self.max_length else str(value)[: self.max_length]

    def value_to_string(self, obj: models.Model) -> str:
        """For serializers."""
        return packed(self.value_from_object(obj))

    def to_python(self, value: Any) -> Any:
        """For serializers, which give back what `value_to_string` said."""
        return unpacked(value) if type(value) is str else super().to_python(value)
