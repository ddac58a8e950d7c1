"""Model fields whose column holds ciphertext.

`settings.FIELD_ENCRYPTION_KEYS` is a list of Fernet keys: the first encrypts, all of them decrypt. To change keys, put
a new one in front, run `manage.py rotate_field_keys`, then drop the old one.

Dumps of Django's serializers (`dumpdata`) carry ciphertext after the mark `encrypted:`, and `loaddata` takes it back as
it is. Only a dump may say that: a form refuses the mark, else whoever has a dump could have the server decrypt it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


#: What stands before ciphertext in a dump.
DUMPED: Final = "encrypted:"


class Ciphertext(str):
    """A stored value as it lies in the database. A field stores it as it is, and never encrypts it a second time."""

    __slots__ = ()


class UndecryptableValue(Exception):
    """No configured key opens a stored value; the message names the field and the remedy, never the value."""


def cipher() -> MultiFernet:
    """The present keys. Follows changes of the setting (tests, rotation)."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=8)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def is_current(stored: str) -> bool:
    """Whether the first key opens the stored ciphertext."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(stored.encode("utf-8"))
    except InvalidToken:
        return False
    return True


def rewrap(stored: str) -> str:
    """The same text, encrypted with the first key. Raises UndecryptableValue."""
    try:
        return cipher().rotate(stored.encode("utf-8")).decode("ascii")
    except InvalidToken:
        raise UndecryptableValue("a stored value opens with none of the keys of FIELD_ENCRYPTION_KEYS") from None


def behind(relation: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Columns of a related row, for `defer`: `feed__url` for `url` behind `feed`."""
    return tuple(f"{relation}__{column}" for column in columns)


class EncryptedTextField(_TextField):
    """A text that is encrypted in the database and reads as a plain `str`.

    The empty string stays empty, so that "nothing" needs no key. Equal texts have different ciphertexts, hence nothing
    but `isnull` can be looked up. Where rows must be found by the text, keep a keyed digest in another column.
    Reading raises `UndecryptableValue` when no configured key opens the value.
    """

    description = "Text, encrypted in the database"

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Ciphertext):
            return str(value)
        # Past `TextField`, which would call `to_python`: a text that looks like one of a dump is a text like any other.
        value = models.Field.get_prep_value(self, value)
        if value is None or value == "":
            return value
        return cipher().encrypt(str(value).encode("utf-8")).decode("ascii")

    def value_to_string(self, obj: models.Model) -> str:
        """For serializers: ciphertext, with the first key."""
        value = self.value_from_object(obj)
        return DUMPED + self.get_prep_value(value) if value else value

    def to_python(self, value: Any) -> Any:
        """What a dump says becomes `Ciphertext`. Raises ValidationError when no configured key opens it."""
        if not isinstance(value, str) or not value.startswith(DUMPED):
            return super().to_python(value)
        stored = Ciphertext(value.removeprefix(DUMPED))
        try:
            cipher().decrypt(stored.encode("utf-8"))
        except InvalidToken:
            raise ValidationError(
                "This value opens with none of the keys of FIELD_ENCRYPTION_KEYS. Add the key that was in use when the "
                "dump was made.",
                code="undecryptable",
            ) from None
        return stored

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """For forms, which take no ciphertext."""
        if isinstance(value, str) and value.startswith(DUMPED):
            said = _("Enter the value itself: “{mark}” is how a dump begins.")
            raise ValidationError(said.format(mark=DUMPED), code="dumped")
        return super().clean(value, model_instance)

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        if value is None or value == "":
            return value
        try:
            return cipher().decrypt(value.encode("utf-8")).decode("utf-8")
        except InvalidToken:
            # `from None`: nothing of the stored value may travel along.
            raise UndecryptableValue(
                f"a stored {self.model._meta.label}.{self.name} opens with none of the keys of "
                "FIELD_ENCRYPTION_KEYS. Put the key that was in use when it was written back into the list."
            ) from None

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(
                f"{self.model._meta.label}.{self.name} is encrypted: only 'isnull' can be asked, not '{lookup_name}'."
            )
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.model._meta.label}.{self.name} is encrypted: it has no '{lookup_name}'.")
