"""A code that a person chose, on a form: its field, and whether it can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from limits import RateLimitItemPerMinute

from pins.core.code_rules import problems
from pins.desired import own_codes
from pins.desired.code_overrides import CodeTakenError
from pins.models import AccessGrant, StaffAccess
from rentals.access import Scope
from rentals.inbound import rate_limits
from rentals.models import Booking, Lock, Property
from rentals.widgets import WriteOnlyInput
from rentals.wording import said

#: Tries of one person within ten minutes. Of the million codes with six digits so many tell next to nothing.
TRIES: Final = RateLimitItemPerMinute(10, 10, namespace="own-code")


@dataclass(frozen=True, slots=True)
class Asker:
    user: AbstractBaseUser | AnonymousUser
    scope: Scope
    address: str


class OwnCodeField(forms.CharField):
    """Digits that a person chose for a door. Written and never shown; empty: Turnkey chooses."""

    def __init__(self, **kwargs: Any) -> None:
        widget = WriteOnlyInput({"inputmode": "numeric", "size": 12})
        super().__init__(label=lazy("Own code"), required=False, max_length=20, widget=widget, **kwargs)

    @sensitive_variables("value", "code")
    def clean(self, value: Any) -> str:
        code = str(super().clean(value))
        if code and (found := problems(code)):
            raise ValidationError([said(one) for one in found])
        return code


@sensitive_variables("value")
def refusal(asker: Asker, booking: Booking, value: str, now: datetime) -> str:
    """Why the stay cannot get these digits, or nothing. `booking` is as it would be saved.

    What depends on the digits comes last; before it everything is said that does not.
    """
    prop, grant = booking.property, None
    if booking.pk:
        grant = AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST).first()
    if booking.status != Booking.Status.CONFIRMED:
        return _("Only a confirmed stay gets a code. Set the status to Confirmed, or empty this.")
    if booking.check_out <= now:
        return _("This stay is over and gets no code any more. Empty this field.")
    if not prop.is_active and (grant is None or not grant.wanted):
        return _("“{property}” is switched off and gets no codes. Switch it on first.").format(property=prop)
    if grant is not None and grant.disclosed_at is not None and grant.revoked_at is None:
        return _(
            "The guest knows the present code already. Press “Revoke” above first; then enter the new code here and "
            "tell the guest."
        )
    lock_ids = list(prop.locks.filter(is_active=True).values_list("pk", flat=True))
    stored, grant_ids = (booking if booking.pk else None), [grant.pk] if grant is not None else []
    return _judged(asker, value, lock_ids, now, prop=prop, booking=stored, grant_ids=grant_ids)


@sensitive_variables("value")
def refusal_for_staff(
    asker: Asker, value: str, access: StaffAccess, homes: Sequence[Property], doors: Sequence[Lock], now: datetime
) -> str:
    """The same for somebody who works there; `homes` and `doors` as they would be saved."""
    if not homes:
        return _("Choose a property as well, or leave this empty and Turnkey chooses a code.")
    of_homes = Lock.objects.filter(properties__in=homes, is_active=True).values_list("pk", flat=True)
    lock_ids = sorted({*of_homes, *(one.pk for one in doors if one.is_active)})
    present = AccessGrant.objects.filter(staff=access.pk) if access.pk else AccessGrant.objects.none()
    grant_ids = list(present.values_list("pk", flat=True))
    return _judged(asker, value, lock_ids, now, prop=homes[0], booking=None, grant_ids=grant_ids)


@sensitive_variables("value")
def _judged(
    asker: Asker,
    value: str,
    lock_ids: Sequence[int],
    now: datetime,
    *,
    prop: Property,
    booking: Booking | None,
    grant_ids: Sequence[int],
) -> str:
    if own_codes.serves_hidden_guests(lock_ids, asker.scope):
        return _(
            "A lock of this property also serves guests whom you do not see. Leave this empty and Turnkey chooses a "
            "code; or ask a person who sees all properties of the lock."
        )
    if (seconds := rate_limits.wait(TRIES, f"user:{asker.user.pk}", strict=True)) is not None:
        minutes = -(-seconds // 60)
        return ngettext(
            "You tried many codes. Wait a minute, or leave this empty and Turnkey chooses one.",
            "You tried many codes. Wait {number} minutes, or leave this empty and Turnkey chooses one.",
            minutes,
        ).format(number=minutes)
    if not isinstance(asker.user, AbstractBaseUser):
        return _("Log in first.")
    if own_codes.is_taken(value, prop, booking, grant_ids, lock_ids, now, user=asker.user, address=asker.address):
        return str(CodeTakenError())
    return ""
