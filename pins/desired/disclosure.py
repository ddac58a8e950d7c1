"""Discloses the code of a stay. From then on its value is fixed: a guest may have it a minute later."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from pins.core.plan import Rotate, next_step
from pins.desired import grants
from pins.desired.refusals import Refusal
from pins.models import AccessGrant, Incident, Pin, PinReveal, ValueClaim
from rentals.phrases import mark


class CodeNotShownError(Refusal):
    """The code cannot be shown."""

    text = mark("The code cannot be shown.")


class NoCodeYetError(CodeNotShownError):
    text = mark("The stay has no code yet.")


class CodeRevokedError(CodeNotShownError):
    text = mark("The code was revoked and opens no door. Press “New code” first, then look at the new one.")


class CodeWithdrawnError(CodeNotShownError):
    text = mark("The stay gets no code: it is no longer confirmed, or its property is switched off.")


class StayOverError(CodeNotShownError):
    text = mark("The stay is over, and its code opens no door any more.")


class NoDoorError(CodeNotShownError):
    text = mark("No lock has this code, so it opens no door. Choose the locks on the page of the property.")


class CodeChangingError(CodeNotShownError):
    text = mark("The code is being replaced, and not every lock has the new one yet. Look again when they have.")


@sensitive_variables()
def reveal(grant_id: int, now: datetime, *, user: AbstractBaseUser, address: str) -> str:
    """The code, for `user`, who asked for it from `address` (anything that is no IP address is left out).

    The caller has checked the permission. The disclosure is written down and the value fixed before anybody can read
    it: both are committed when this returns, so it must not be called inside a transaction. A rotation of the code
    locks the same row: if it comes first, its new value is returned here; if it comes second, it finds the code
    disclosed.

    Raises a `CodeNotShownError` that says why; then nothing was written.
    """
    return _disclose(
        grant_id, now, user_id=user.pk, user_name=user.get_username(), remote_address=parsed_address(address)
    )


@sensitive_variables()
def reveal_to_machine(grant_id: int, now: datetime, *, name: str) -> str:
    """The same for a machine to which a person granted codes; the disclosure is written down under its `name`."""
    return _disclose(grant_id, now, user_id=None, user_name=name, remote_address=None)


@sensitive_variables()
def reveal_to_holder(grant_id: int, now: datetime, *, name: str, address: str = "", apart: Collection[int] = ()) -> str:
    """The same for the person whose code it is: on a page of their own, whose address is a secret, or in a message.
    `name`: who and in which way, for the list of disclosures. `apart`: locks for which they have a spare code, so that
    it does not matter which value is there."""
    remote_address = parsed_address(address)
    return _disclose(grant_id, now, user_id=None, user_name=name, remote_address=remote_address, apart=apart)


@sensitive_variables()
def _disclose(
    grant_id: int,
    now: datetime,
    *,
    user_id: int | None,
    user_name: str,
    remote_address: str | None,
    apart: Collection[int] = (),
) -> str:
    with transaction.atomic(durable=True):
        grant = grants.lock_row(grant_id)
        _check(grant, now, apart)
        if grant.disclosed_at is None:
            grant.disclosed_at = now
            grant.save(update_fields=["disclosed_at"])
        PinReveal.objects.create(
            grant=grant, user_id=user_id, user_name=user_name[:150], at=now, remote_address=remote_address
        )
        # Whoever asks tells the guest: what the incident asked for is done.
        unsaid = Incident.objects.filter(kind=Incident.Kind.CODE_CHANGED, pin__grant=grant, resolved_at=None)
        unsaid.update(resolved_at=now)
        return grant.code


@sensitive_variables()
def _check(grant: AccessGrant, now: datetime, apart: Collection[int]) -> None:
    if grant.revoked_at is not None:
        raise CodeRevokedError
    if grant.ends_at <= now:
        raise StayOverError
    if not grant.wanted:
        raise CodeWithdrawnError
    if not grant.code:
        raise NoCodeYetError
    pins = [pin for pin in Pin.objects.filter(grant=grant, wanted=True) if pin.lock_id not in apart]
    if not pins:
        raise NoDoorError
    for pin in pins:
        pin.grant = grant
    if any(_differs(pin, now) for pin in pins):
        raise CodeChangingError


@sensitive_variables()
def _differs(pin: Pin, now: datetime) -> bool:
    """May the lock hold another value than the grant's, or is it about to get one?

    The grant's row is locked, so no other value can be sent from now on. A write without an answer counts as applied.
    """
    code = pin.grant.code
    observed = pin.observed
    if observed.remote_id is not None:
        if observed.applied is None and _may_hold_another(pin):
            return True
        if observed.applied is not None and observed.applied.code != code:
            return True
    pending = observed.pending
    if pending is not None and pending.content is not None and pending.content.code != code:
        return True
    if observed.late is not None and now < observed.late.until and observed.late.codes - {code}:
        return True
    return isinstance(next_step(pin.view, now), Rotate)  # the lock refused this value


@sensitive_variables()
def _may_hold_another(pin: Pin) -> bool:
    """For a lock whose PIN must be read again. The claims show it: a value stays claimed until it is surely gone."""
    held = ValueClaim.objects.filter(grant=pin.grant, lock=pin.lock_id, released_at__isnull=True)
    return held.exclude(digest=ValueClaim.digest_of(pin.grant.code)).exists()


def parsed_address(address: str) -> str | None:
    """As the database takes it."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None  # a proxy on a unix socket has no address


def known_among(booking_ids: Collection[int]) -> set[int]:
    """Those of these bookings whose guest's code was disclosed to somebody."""
    found = AccessGrant.objects.filter(booking__in=booking_ids, disclosed_at__isnull=False)
    return set(found.values_list("booking_id", flat=True))
