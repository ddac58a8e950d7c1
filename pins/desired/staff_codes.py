"""The digits of people who work in the flats: one value for all doors of an access, as long as it is free there.

Writes through `grants` alone; whoever calls holds the row of the access. All times are UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from pins.core.code_rules import problems
from pins.core.staff import Part, StaffWish
from pins.desired import claims, grants
from pins.desired.code_overrides import CodeNotAllowedError, CodeTakenError
from pins.desired.staff_wishes import code_length_of, wishes_of
from pins.models import AccessGrant, InstallationKey, Pin, StaffAccess, ValueClaim

#: A code of an earlier gap may still be on its way off the lock. So long before the next gap its value is waited for;
#: after that the next gap gets another one.
WAITS_FOR_VALUE: Final = timedelta(hours=2)
#: So many former codes of an access are asked whether somebody knows its value.
_LATEST: Final = 20


@sensitive_variables()
def choose_code(access: StaffAccess, wished: Collection[StaffWish], now: datetime) -> None:
    """One value for all its doors, free on each of them at this moment."""
    lock_ids = {lock_id for wish in wished for lock_id in wish.lock_ids}
    if not access.code and lock_ids:
        keypads = claims.Keypads(lock_ids, now, InstallationKey.load())
        access.code, _ = keypads.take(lock_ids, code_length_of(access))
        StaffAccess.objects.filter(pk=access.pk).update(code=access.code)


def waits_for_value(access: StaffAccess, wish: StaffWish, now: datetime) -> bool:
    """Whether an earlier code of this access is still on one of the locks, and may well be gone in time."""
    starts_at = wish.span.starts_at
    if starts_at is None or starts_at <= now + WAITS_FOR_VALUE or wish.part is Part.NIGHT:
        return False
    held = ValueClaim.objects.filter(
        lock__in=wish.lock_ids, digest=ValueClaim.digest_of(access.code), released_at__isnull=True
    )
    holders = set(held.values_list("grant__staff", flat=True))
    return holders == {access.pk}


@sensitive_variables()
def settle_code(access: StaffAccess, grant: AccessGrant, wish: StaffWish, now: datetime) -> tuple[bool, bool]:
    """Make sure that the grant has a code, claimed on every lock: that of the access where it is free. Returns whether
    it changed, and whether somebody knows another one.

    A code that somebody knows stays, even where the claim fails: then the lock itself decides whether both fit.
    """
    lock_ids, is_second = wish.lock_ids, wish.part is Part.NIGHT
    if not grant.code and not is_second and claims.claim(grant, lock_ids, access.code, now):
        grant.code, grant.disclosed_at = access.code, _known_since(access)
        return True, False
    if grant.code and claims.claim(grant, lock_ids, grant.code, now):
        return False, False
    if grant.code and grant.disclosed_at is not None:
        for lock_id in lock_ids:
            claims.claim(grant, [lock_id], grant.code, now)
        return False, False
    grant.code = claims.choose(grant, lock_ids, code_length_of(access), now)
    return True, not is_second and _known_since(access) is not None


@sensitive_variables()
def _known_since(access: StaffAccess) -> datetime | None:
    """When somebody first knew the code of the access: they chose it, or were shown it as that of an earlier gap."""
    if access.disclosed_at is not None:
        return access.disclosed_at
    shown = AccessGrant.objects.filter(staff=access, disclosed_at__isnull=False).order_by("-pk")[:_LATEST]
    return min(
        (grant.disclosed_at for grant in shown if grant.code == access.code and grant.disclosed_at), default=None
    )


@sensitive_variables()
def set_code(access_id: int, value: str, now: datetime) -> set[int]:
    """A person chose the code, and so knows it. Returns the locks with work.

    Raises `CodeNotAllowedError` and `CodeTakenError`; then nothing has changed.
    """
    if found := problems(value):
        raise CodeNotAllowedError(found)
    with transaction.atomic():
        access = StaffAccess.objects.select_for_update(of=("self",)).get(pk=access_id)
        return _recode(access, value, now, disclosed_at=now)


@sensitive_variables()
def renew_code(access_id: int, now: datetime) -> set[int]:
    """A person asks for other codes, chosen by Turnkey, whoever knows the present ones. Returns the locks with work.

    Raises `NoValueLeft`.
    """
    with transaction.atomic():
        access = StaffAccess.objects.select_for_update(of=("self",)).get(pk=access_id)
        access.code = ""
        choose_code(access, wishes_of([access], now)[access.pk], now)
        if not access.code:
            StaffAccess.objects.filter(pk=access_id).update(code="", disclosed_at=None)
            return set()
        return _recode(access, access.code, now, disclosed_at=None)


@sensitive_variables()
def _recode(access: StaffAccess, value: str, now: datetime, *, disclosed_at: datetime | None) -> set[int]:
    """Give the access this value on all its locks, its row locked. Raises `CodeTakenError`."""
    StaffAccess.objects.filter(pk=access.pk).update(code=value, disclosed_at=disclosed_at)
    rows = AccessGrant.objects.select_for_update(of=("self",)).filter(staff=access, wanted=True, ends_at__gt=now)
    touched: set[int] = set()
    for grant in rows.order_by("pk"):
        pins = list(Pin.objects.select_for_update().filter(grant=grant, wanted=True).order_by("pk"))
        lock_ids = [pin.lock_id for pin in pins]
        is_second = grant.part == Part.NIGHT.value
        if is_second and disclosed_at is not None:
            continue  # a person chose the first code; the second one is Turnkey's
        former = grant.code
        if is_second:
            grant.code = claims.choose(grant, lock_ids, len(former), now)
        elif claims.claim(grant, lock_ids, value, now):
            grant.code = value
        else:
            raise CodeTakenError
        grant.disclosed_at = disclosed_at
        grant.save(update_fields=["code", "disclosed_at"])
        for pin in pins if grant.code != former else ():
            pin.grant = grant
            grants.raise_revision(pin, now)
            touched.add(pin.lock_id)
    return touched
