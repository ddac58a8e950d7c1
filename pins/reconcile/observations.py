"""Stores what answers mean: the observed side of PINs, each under its row's lock and in a transaction of its own.

A transaction that holds one PIN's row never waits for another's.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from pins.core import interpret, transitions
from pins.core.alias import foreign_name, reference_in
from pins.core.interpret import Meaning, PreparedAttempt, Response
from pins.core.plan import closing_look_pending
from pins.desired import claims
from pins.models import Incident, InstallationKey, LockState, Pin, PinAttempt
from pins.models.pin import OBSERVED_COLUMNS
from pins.tedee.errors import AmbiguousError
from pins.tedee.messages import PinListing
from rentals.models import Lock

_MOST_FOREIGN_NAMES = 120


def locked_pin(pin_id: int) -> Pin:
    """The row, locked. The grant is read by a second query on purpose: joined into the first, PostgreSQL would hand
    out the grant as it was before we waited for the lock."""
    pin = Pin.objects.select_for_update().get(pk=pin_id)
    pin.grant  # noqa: B018 - loads it
    return pin


def save_observed(pin: Pin, now: datetime) -> None:
    """Store the observed side of a locked row with the plan that follows from it, and let go of unused values."""
    if not closing_look_pending(pin.view, now):
        pin.put_observed(transitions.forget_late(pin.observed, now))
    pin.refresh_plan(now)
    pin.save(update_fields=OBSERVED_COLUMNS)
    claims.release_unused(pin, now)


def record(attempt: PreparedAttempt, response: Response, now: datetime) -> Pin | None:
    """Store the answer for the PIN that asked. `None`: it came too late to teach anything, because another run took
    over meanwhile and knows better."""
    with transaction.atomic():
        _close_attempt(attempt, response, now)
        pin = locked_pin(attempt.pin_id)
        if pin.op_token != attempt.token:
            return None
        meaning = interpret.for_pin(
            pin.view,
            attempt,
            response,
            reference=pin.grant.reference,
            now=now,
            late=timedelta(seconds=settings.LATE_SECONDS),
            jitter=random.uniform(0.5, 1),
        )
        pin.last_cause = response.error.cause.value if response.error is not None else ""
        _store(pin, meaning, now)
    return pin


def share_list(lock: Lock, asker: Pin, listing: PinListing, now: datetime) -> None:
    """Let the lock's other PINs learn from a list that one of them asked for."""
    listed = interpret.ids_by_reference(listing)
    known = (
        Q(next_try_at__isnull=False) | Q(remote_id__isnull=False) | Q(grant__reference__in=list(filter(None, listed)))
    )
    for pin in list(Pin.objects.filter(known, lock=lock).exclude(pk=asker.pk).select_related("grant")):
        ours = listed[pin.grant.reference]
        if interpret.for_listed(pin.view, ours, now) is None:
            continue
        with transaction.atomic():
            fresh = locked_pin(pin.pk)
            if (meaning := interpret.for_listed(fresh.view, ours, now)) is not None:
                _store(fresh, meaning, now)


def note_foreign_pins(lock: Lock, listing: PinListing, now: datetime) -> None:
    """Write down which PINs on a lock's list are not ours, by name."""
    references = set(Pin.objects.filter(lock=lock).values_list("grant__reference", flat=True))
    foreign = [one.alias for one in listing.pins if reference_in(one.alias) not in references]
    key = InstallationKey.load() if foreign else b""
    names = [foreign_name(alias, key) for alias in foreign[:_MOST_FOREIGN_NAMES]]
    LockState.objects.filter(lock=lock).update(foreign_pins=len(foreign), foreign_names=names, looked_at=now)


def distrust_reused_id(created: Pin, remote_id: int, now: datetime) -> None:
    """A lock may give the id of a PIN that is gone to a new one: another PIN that we believe under it needs a look."""
    others = Pin.objects.filter(lock_id=created.lock_id, remote_id=remote_id).exclude(pk=created.pk)
    for other_id in list(others.values_list("pk", flat=True)):
        with transaction.atomic():
            other = locked_pin(other_id)
            if (meaning := interpret.for_reused_id(other.view, remote_id, now)) is not None:
                _store(other, meaning, now)


def _store(pin: Pin, meaning: Meaning, now: datetime) -> None:
    """Store what an answer means. If somebody else removed or changed our code, Turnkey sets it again and an incident
    tells a person."""
    if meaning.changed_in_app:
        Incident.open(Incident.Kind.CHANGED_IN_APP, now, about=pin)
    pin.put_observed(meaning.observed)
    save_observed(pin, now)


def _close_attempt(attempt: PreparedAttempt, response: Response, now: datetime) -> None:
    outcome = PinAttempt.Outcome.DONE
    if response.error is not None and not interpret.is_confirmed_gone(attempt.step, response):
        lost = isinstance(response.error, AmbiguousError)
        outcome = PinAttempt.Outcome.LOST if lost else PinAttempt.Outcome.REFUSED
    PinAttempt.objects.filter(token=attempt.token).update(
        finished_at=now,
        outcome=outcome,
        status=response.status,
        cause=response.error.cause.value if response.error is not None else "",
        correlation_id=response.correlation_id,
    )
