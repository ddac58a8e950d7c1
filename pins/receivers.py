"""Follows what rentals announces, in the same transaction as the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.utils import timezone

from pins import tasks
from pins.desired import grants, staying_on
from pins.incidents import unreadable
from pins.models import Incident
from pins.notify import outbox
from pins.reconcile import key_expiry, sweep
from rentals.fields import UndecryptableValue
from rentals.models import CalendarFeed, LockAccount
from rentals.signals import account_released, bookings_changed, feed_condition_changed

_FEED_INCIDENTS: Final = {
    "held": Incident.Kind.FEED_HELD,
    "stale": Incident.Kind.FEED_STALE,
    "failing": Incident.Kind.FEED_FAILING,
    "reset": Incident.Kind.FEED_RESET,
    "refused": Incident.Kind.FEED_REFUSED,
    "unreadable": Incident.Kind.FEED_UNREADABLE,
}


@receiver(bookings_changed)
def follow_bookings(booking_ids: list[int], deleted: bool, created: bool = False, **_: Any) -> None:
    """Rewrite the desired side."""
    if deleted:
        outbox.forget_guests(booking_ids)
    touched = grants.end_bookings(booking_ids) if deleted else grants.sync_bookings(booking_ids)
    touched |= staying_on.follow(booking_ids, timezone.now(), deleted=deleted, created=created)
    if touched:
        tasks.wake_locks_on_commit(sorted(touched))


@receiver(feed_condition_changed)
def follow_feed_condition(feed_id: int, condition: str, active: bool, now: datetime, **_: Any) -> None:
    """Open an incident for the condition of a feed, one for each condition, and resolve it when it is over."""
    feed = CalendarFeed(pk=feed_id)  # only its key is needed; its secrets stay where they are
    kind = _FEED_INCIDENTS[condition]
    if active and kind == Incident.Kind.FEED_UNREADABLE:
        found = unreadable.severities(now, feed_id)
        if feed_id in found:  # none: the rows are over
            Incident.open(kind, now, about=feed, severity=found[feed_id])
    elif active:
        Incident.open(kind, now, about=feed)
    else:
        Incident.resolve(now, about=feed, kinds=(kind,))


@receiver(account_released)
def follow_released_account(account_id: int, **_: Any) -> None:
    """The account is not observe-only any more: do at once what is due on its locks."""
    if lock_ids := sweep.release(account_id, timezone.now()):
        tasks.wake_locks_on_commit(lock_ids)


@receiver(pre_save, sender=LockAccount)
def follow_new_key(instance: LockAccount, update_fields: frozenset[str] | None, raw: bool = False, **_: Any) -> None:
    """Another key ends on another day."""
    writes_it = "secret" not in instance.get_deferred_fields() and (not update_fields or "secret" in update_fields)
    if raw or not instance.pk or not writes_it:
        return
    try:
        stored = LockAccount.objects.filter(pk=instance.pk).values_list("secret", flat=True).first()
    except UndecryptableValue:
        stored = None
    if stored != instance.secret:
        key_expiry.forget(instance, timezone.now())
