"""The secrets that sign webhooks, those that we receive and those that we send (Standard Webhooks, "Symmetric").

A secret is `whsec_` and 24 to 64 random bytes in standard base64. After a change the previous one still counts for a
while, so that the other side can change over without a message being refused. A model that has such secrets keeps them
in the columns `signing_secret` and `previous_signing_secret`, and in `previous_signs_until` when the previous one ends
by itself.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from rentals.fields import UndecryptableValue

_PREFIX: Final = "whsec_"
#: Length of the secret itself, in bytes (Standard Webhooks, "Symmetric").
_SHORTEST, _LONGEST = 24, 64


def generate() -> str:
    """A new secret, in the form that other systems expect."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


@sensitive_variables()
def validate(secret: str) -> None:
    """Raise ValidationError, which never repeats the secret, unless both sides would read it alike.

    The library skips characters that are not base64: a mistyped or url-safe secret would silently become another one.
    """
    if not is_valid(secret):
        raise ValidationError(
            _(
                "This is not a signing secret. Write whsec_ and then %(shortest)s to %(longest)s random bytes in "
                "standard base64, as the other side shows it. To make one: openssl rand -base64 32"
            ),
            code="signing_secret",
            params={"shortest": _SHORTEST, "longest": _LONGEST},
        )


@sensitive_variables()
def is_valid(secret: str) -> bool:
    try:
        size = len(base64.b64decode(secret.removeprefix(_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return False
    return _SHORTEST <= size <= _LONGEST


@sensitive_variables()
def rotate(rows: QuerySet[Any], secret: str, now: datetime, overlap: timedelta | None) -> None:
    """Put a secret in use in the one row of `rows`. The secret that it replaces becomes the previous one, and the
    former previous one ends now. The same secret again changes nothing.

    `overlap`: how long the previous secret still counts; `None` means until a person ends it.
    """
    with transaction.atomic():
        # The row is locked: of two new secrets at once the second finds the first, and neither is lost.
        row = rows.select_for_update().only("pk").get()
        try:
            present = str(row.signing_secret)  # read only now, so that one without its key can be replaced
        except UndecryptableValue:
            present = ""
        if secret == present:
            return
        keeps_previous = bool(present) and overlap != timedelta(0)
        changes: dict[str, Any] = {
            "signing_secret": secret,
            "previous_signing_secret": present if keeps_previous else "",
        }
        if overlap is not None:
            changes["previous_signs_until"] = now + overlap if keeps_previous else None
        rows.update(**changes)
