"""Digits that a person wants as the code of a stay: whether they may be asked for, and whether they are free.

The answer “taken” says that somebody's code has these digits, so each one is written down like a code that was shown,
and none is given about guests of properties that the person does not see. Where such guests may have codes on the same
locks, nobody is answered at all: a refusal only for digits that are taken would be an answer too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from pins.desired import claims
from pins.desired.disclosure import parsed_address
from pins.models import AccessGrant, CodeTry, ValueClaim
from rentals.access import Scope, visible
from rentals.models import Booking, Property


def serves_hidden_guests(lock_ids: Collection[int], scope: Scope) -> bool:
    """Whether guests whom the person does not see have, or may get, codes on one of these locks."""
    if scope.property_ids is None:
        return False
    others = Property.locks.through.objects.filter(lock__in=lock_ids).exclude(property__in=scope.property_ids)
    if others.exists():
        return True
    seen = visible(AccessGrant.objects.all(), scope).values("pk")
    return ValueClaim.objects.filter(lock__in=lock_ids, released_at=None).exclude(grant__in=seen).exists()


@sensitive_variables("value")
def is_taken(
    value: str,
    prop: Property,
    booking: Booking | None,
    grant_ids: Collection[int],
    lock_ids: Collection[int],
    now: datetime,
    *,
    user: AbstractBaseUser,
    address: str,
) -> bool:
    """Whether another code has these digits on one of the locks. Writes down that it was asked, and the answer.

    For a form's early answer; only `claims.claim` decides.
    """
    taken = claims.held_by_another(value, lock_ids, grant_ids)
    CodeTry.objects.create(
        user_id=user.pk,
        user_name=user.get_username()[:150],
        property=prop,
        booking=booking,
        taken=taken,
        at=now,
        remote_address=parsed_address(address),
    )
    return taken
