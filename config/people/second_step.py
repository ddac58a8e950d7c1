"""The second step in the database: prepared, confirmed, used, switched off."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.views.decorators.debug import sensitive_variables

from config.people import codes
from config.people.models import Passkey, SecondStep


def confirmed(user: AbstractBaseUser | AnonymousUser) -> SecondStep | None:
    """The second step that this person must take."""
    return SecondStep.objects.filter(user=user.pk, confirmed_at__isnull=False).first()


@sensitive_variables()
def prepared(user: AbstractBaseUser) -> SecondStep:
    """A key that the person's app may learn. It is asked for only when a code of it came back."""
    found, _ = SecondStep.objects.get_or_create(user_id=user.pk, defaults={"key": codes.new_key()})
    return found


@sensitive_variables()
def confirm(step: SecondStep, typed: str, now: datetime) -> list[str]:
    """Switch it on. Returns the spare codes, which are not kept; none when the code is wrong."""
    period = codes.period_of(step.key, typed, now.timestamp())
    if period is None:
        return []
    spare = codes.new_spare_codes()
    changed = SecondStep.objects.filter(pk=step.pk, confirmed_at=None).update(
        confirmed_at=now, last_period=period, spare_codes=[codes.digest(one) for one in spare]
    )
    return spare if changed else []


@sensitive_variables()
def take(step: SecondStep, typed: str, now: datetime) -> bool:
    """Whether the code is right. Each is taken once: of two requests with the same code one is refused."""
    period = codes.period_of(step.key, typed, now.timestamp())
    if period is not None:
        fresh = SecondStep.objects.filter(pk=step.pk, confirmed_at__isnull=False, last_period__lt=period)
        return bool(fresh.update(last_period=period))
    spent = codes.digest(typed)
    if spent not in step.spare_codes:
        return False
    left = [one for one in step.spare_codes if one != spent]
    return bool(SecondStep.objects.filter(pk=step.pk, spare_codes=step.spare_codes).update(spare_codes=left))


def drop(user_id: int) -> bool:
    """Switch it off, also one that was only prepared. False: there was none."""
    return bool(SecondStep.objects.filter(user=user_id).delete()[0])


def drop_all(user_id: int) -> bool:
    """The same, with the passkeys: what is left is the password. For a person who lost their devices, or whose account
    somebody else used. False: there was nothing."""
    passkeys, _ = Passkey.objects.filter(user=user_id).delete()
    return drop(user_id) or bool(passkeys)
