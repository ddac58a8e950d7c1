"""What a person asks of the locks: try again now, look now. Written into the facts; the next run does it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from pins.core import transitions
from pins.models import LockState, Pin
from pins.reconcile.observations import locked_pin, save_all_observed, save_observed


def try_now(pin_ids: Collection[int], now: datetime) -> set[int]:
    """A person says: try again now. Lifts blocks, rests and the lock's pause; returns the locks to run. A few
    statements, however many there are."""
    with transaction.atomic():
        # Grants by a second query, as in `locked_pin`.
        rows = Pin.objects.select_for_update().filter(pk__in=pin_ids).prefetch_related("grant").order_by("pk")
        pins = list(rows)
        for pin in pins:
            pin.note_read()
            pin.put_observed(transitions.retried(pin.observed, now))
        save_all_observed(pins, now)
    touched = {pin.lock_id for pin in pins}
    LockState.objects.filter(lock_id__in=touched).update(paused_until=None)
    return touched


def look_now(lock_id: int, now: datetime) -> bool:
    """A person asks for a look at the lock's list. One PIN of ours is marked as in need of it; the next run reads the
    list once, under its lease and from the budget like any other request, and the list corrects all PINs of the lock.

    The one that ends last is marked: a marked PIN appears to be in doubt, and no code that is needed soon should.
    False: the lock has none of ours. A PIN with a request under way is left to that request's run.
    """
    ours = Pin.objects.filter(Q(remote_id__isnull=False) | Q(wanted=True, grant__ends_at__gt=now), lock_id=lock_id)
    if ours.filter(must_look=True).exists():
        return True
    for condition in (Q(remote_id__isnull=False), Q(remote_id__isnull=True)):
        for pin_id in ours.filter(condition).order_by("-grant__ends_at").values_list("pk", flat=True):
            with transaction.atomic():
                pin = locked_pin(pin_id)
                if pin.op:
                    continue
                pin.put_observed(transitions.asked_to_look(pin.observed))
                save_observed(pin, now)
            return True
    return False


def first_look(lock_ids: Iterable[int], now: datetime) -> set[int]:
    """A person wants to know what is on keypads of which no list was ever read, whether we have a code there or not.
    Their next runs read the lists, like any other comparison. Returns the locks to run."""
    asked = set(lock_ids)
    LockState.objects.bulk_create((LockState(lock_id=one) for one in asked), ignore_conflicts=True)
    unread = LockState.objects.filter(lock__in=asked, lock__is_active=True, looked_at=None)
    unread = unread.exclude(Q(lock__has_keypad=False) | Q(lock__has_bridge=False))
    found = set(unread.values_list("lock", flat=True))
    unread.filter(lock__in=found).update(audit_at=now)
    return found
